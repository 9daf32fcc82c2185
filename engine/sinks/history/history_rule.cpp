#include "engine/sinks/history/history_rule.hpp"

#include "engine/error/names.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::history {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class rule_reader {
 public:
  rule_reader(const sink_request& request, diagnostics& faults)
      : request_(request), faults_(faults), own_(request.own.value(request.mode, options::object())) {
    made_.is_scd2 = request.mode == "scd2";
    made_.key = request.key;
    made_.arriving = request.schema;
    names_.inputs.push_back({.qualifier = request.unit, .schema = request.schema});
    names_.context = request.context;
    names_.unit = request.unit;
  }

  std::shared_ptr<const history_rule> read() {
    const auto before = faults_.size();
    if (made_.is_scd2)
      read_scd2();
    else
      read_merge();
    if (faults_.size() > before) return nullptr;
    return std::make_shared<history_rule>(std::move(made_));
  }

 private:
  void fault(const std::string& option, error what) {
    what.path = "/" + request_.mode + option;
    faults_.push_back(std::move(what));
  }

  std::vector<std::string> read_columns(const char* option) {
    const auto names = own_.value(option, std::vector<std::string>());
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (request_.schema->GetFieldIndex(names[i]) >= 0) continue;
      const auto near = nearest_name(names[i], request_.schema->field_names());
      fault(
          "/" + std::string(option) + "/" + std::to_string(i),
          user_error("unknown_column", "no column " + names[i] + " arrives",
                     near.empty() ? "the columns are " + schema_text(*request_.schema) : "did you mean " + near + "?"));
    }
    return names;
  }

  void read_scd2() {
    made_.tracked = read_columns("tracked");
    for (const auto& name : made_.tracked)
      if (contains(made_.key, name))
        fault("/tracked", user_error("invalid_option", "column " + name + " is a key, and keys don't change",
                                     "remove it from tracked"));
    const bool all = made_.tracked.empty();
    for (const auto& name : request_.schema->field_names())
      if (!contains(made_.key, name) && !contains(made_.tracked, name))
        (all ? made_.tracked : made_.others).push_back(name);
    made_.surrogate = own_.value("surrogate", "");
    const auto at = own_.value("at", "");
    if (at.empty()) {
      fault("", user_error("missing_key", "mode scd2 needs at: when the versions of the rows begin",
                           "at: \"$day\", with a param day of type date, or at: updated_at"));
      return;
    }
    made_.at = expression::bind(at, names_, "/scd2/at", faults_);
    if (!made_.at) return;
    const auto& type = *made_.at->type();
    if (type.id() != arrow::Type::DATE32 && type.id() != arrow::Type::TIMESTAMP) {
      fault("/at", user_error("invalid_option", "at must be a date or a time, but it is " + type_name(type),
                              "cast it: at: \"" + at + "::date\""));
      return;
    }
    made_.closes_gone = own_.value("gone", "keep") == "close";
    if (made_.closes_gone) read_gone(at);
    add_versions();
  }

  void read_gone(const std::string& at) {
    if (!made_.at->columns().empty()) {
      fault("/gone",
            user_error("invalid_option", "gone: close needs a time of the whole extract, but at reads columns: " + at,
                       "at: \"$day\", or gone: keep"));
      return;
    }
    const auto when = made_.at->constant();
    const auto values = when.ok() ? arrow::MakeArrayFromScalar(**when, 1) : arrow::Status::Invalid("");
    if (!values.ok() || (*values)->IsNull(0)) {
      fault("/at", user_error("invalid_option", "at has no value: " + at, "at: \"$day\""));
      return;
    }
    made_.gone_at = value_text(**values, 0);
  }

  void add_versions() {
    auto fields = request_.schema->fields();
    const auto add = [&](const std::string& name, std::shared_ptr<arrow::DataType> type, const char* option) {
      if (request_.schema->GetFieldIndex(name) >= 0)
        fault(option,
              user_error("duplicate_column", "mode scd2 adds a column " + name + ", and one of that name arrives",
                         "rename it in a unit before"));
      fields.push_back(arrow::field(name, std::move(type)));
    };
    add(valid_from, made_.at->type(), "");
    made_.staged_key = made_.target_key = made_.key;
    made_.staged_key.emplace_back(valid_from);
    made_.target_key.emplace_back(valid_from);
    auto staged = fields;
    if (!made_.surrogate.empty()) staged.push_back(arrow::field(made_.surrogate, arrow::utf8()));
    add(valid_to, made_.at->type(), "");
    add(is_current, arrow::boolean(), "");
    if (!made_.surrogate.empty()) add(made_.surrogate, arrow::utf8(), "/surrogate");
    for (const auto& name : made_.key) {
      const auto field = request_.schema->GetFieldByName(name);
      if (!field) continue;  // told by check_table_rules
      if (auto good = flow::check_key_type(*field->type(), name); !good.ok()) fault("", std::move(good).problem());
    }
    made_.staged = arrow::schema(std::move(staged));
    made_.target = arrow::schema(std::move(fields));
  }

  void read_merge() {
    const auto when = own_.value("delete_when", "");
    if (!when.empty()) made_.delete_when = expression::bind_condition(when, names_, "/merge/delete_when", faults_);
    if (made_.delete_when) made_.only_for_delete = made_.delete_when->as_column();
    arrow::FieldVector fields;
    for (int i = 0; i < request_.schema->num_fields(); ++i)
      if (i != made_.only_for_delete) fields.push_back(request_.schema->field(i));
    made_.target = arrow::schema(fields);
    if (request_.schema->GetFieldIndex(delete_mark) >= 0)
      fault("", user_error("duplicate_column", "mode merge uses the column name " + std::string(delete_mark),
                           "rename it in a unit before"));
    fields.push_back(arrow::field(delete_mark, arrow::boolean()));
    made_.staged = arrow::schema(std::move(fields));
    made_.staged_key = made_.target_key = made_.key;
    made_.updated = read_columns("update");
    for (const auto& name : made_.updated)
      if (contains(made_.key, name))
        fault("/update", user_error("invalid_option", "column " + name + " is the key, by which rows are found",
                                    "remove it from update"));
    if (!own_.contains("update"))
      for (const auto& name : made_.target->field_names())
        if (!contains(made_.key, name)) made_.updated.push_back(name);
  }

  const sink_request& request_;
  diagnostics& faults_;
  options own_;
  expression::scope names_;
  history_rule made_;
};

}  // namespace

bool has_history(const std::string& mode) { return mode == "merge" || mode == "scd2"; }

std::shared_ptr<const history_rule> read_history(const sink_request& request, diagnostics& faults) {
  if (!request.schema || request.schema->num_fields() == 0) return nullptr;
  return rule_reader(request, faults).read();
}

}  // namespace sluice::history
