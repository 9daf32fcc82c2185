#include "engine/component/checks_rules.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/common_type.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/operators/reconcile/compared_rows.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

using sluice::reconcile::compared_column;
using sluice::reconcile::compared_rows;
using sluice::reconcile::side;

class reconcile_rows final : public single_output, public checks_rules {
 public:
  reconcile_rows(const transform_request& request, const std::vector<compared_column>& keys,
                 const std::vector<compared_column>& columns)
      : single_output(request, request.inputs.front().schema),
        other_(request.inputs.back().unit),
        other_schema_(request.inputs.back().schema),
        warns_(request.own.value("severity", std::string("fail")) == "warn"),
        compared_(keys, columns) {
    for (const auto* all : {&keys, &columns})
      for (const auto& one : *all) names_.push_back(one.name);
  }

  [[nodiscard]] partitioning input_partitioning(int) const override { return {.how = partitioning::kind::single}; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const override {
    column_set columns(input == 0 ? schema() : other_schema_);
    for (const auto& name : names_) columns.add_name(name);
    if (input == 0)
      for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }
  [[nodiscard]] std::optional<std::string> needs_end(int) const override {
    return "reconcile compares the rows of a whole run: it needs sources that end";
  }
  [[nodiscard]] std::vector<rule_result> rules() const override {
    return {{.rule = "reconcile",
             .severity = warns_ ? "warn" : "fail",
             .checked = compared_.sketch().rows(side::here),
             .broken = keys_,
             .message = message_,
             .within_limit = keys_ == 0,
             .fails = keys_ > 0 && !warns_}};
  }

  status process(int input, batch in, emitter& out) override {
    SLUICE_TRY(compared_.add(input == 0 ? side::here : side::there, in));
    if (input == 0) {
      out.emit(0, std::move(in));
    } else {
      out.count_merged(static_cast<std::uint64_t>(in.rows()));
    }
    return {};
  }

  status finish(int, emitter&) override {
    if (++ended_ < 2 || compared_.sketch().equal()) return {};
    const auto found = compared_.sketch().find();
    keys_ = std::max<std::uint64_t>(found.keys, 1);
    message_ = compared_.describe(other_, found);
    if (warns_) return {};
    return user_error(
        "not_reconciled", "the rows differ from those of " + other_ + ": " + message_,
        "nothing was published; look at the units between " + other_ + " and the sink, or set severity: warn");
  }

  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!of.contains(0)) return parts;
    const std::vector<std::string> bytes = {compared_.bytes()};
    SLUICE_ASSIGN(auto column, held::column_of_texts(bytes));
    parts.push_back({"rows", held::unnamed(1, {std::move(column)})});
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      if (part.name != "rows") return held::foreign(part.name);
      SLUICE_ASSIGN(const auto bytes, held::text_at(*part.rows->column(0), 0));
      SLUICE_TRY(compared_.restore(bytes));
    }
    return {};
  }

 private:
  std::string other_;
  std::shared_ptr<arrow::Schema> other_schema_;
  std::vector<std::string> names_;  ///< of keys and compared columns
  bool warns_;
  compared_rows compared_;
  int ended_ = 0;
  std::uint64_t keys_ = 0;  ///< that differ
  std::string message_;
};

/// Binds the columns of both inputs.
class binder {
 public:
  binder(const transform_request& request, diagnostics& faults) : request_(request), faults_(faults) {}

  std::optional<compared_column> bind(const std::string& name, const std::string& path, bool key) {
    compared_column made{.name = name, .type = nullptr};
    std::array<std::shared_ptr<arrow::DataType>, 2> types;
    for (int input = 0; input < 2; ++input) {
      const auto at = static_cast<std::size_t>(input);
      const auto column = find_column(request_, input, name, path, faults_);
      if (!column) return {};
      const auto type = request_.inputs[at].schema->field(*column)->type();
      if (is_unknown(*type)) return {};
      const bool plain = flow::check_key_type(*canonical_key_type(type), name).ok();
      const auto text = quoted_name(request_.inputs[at].schema->field(*column)->name());
      made.value[at] = expression::bind(plain ? text : text + "::text", scope_of(request_, input), path, faults_);
      if (key) made.text[at] = expression::bind(text + "::text", scope_of(request_, input), path, faults_);
      if (!made.value[at] || (key && !made.text[at])) return {};
      types[at] = canonical_key_type(made.value[at]->type());
    }
    made.type = common_type(types[0], types[1]);
    if (made.type) {
      made.type = canonical_key_type(made.type);
      return made;
    }
    auto fault = user_error("type_mismatch",
                            "column " + name + " is " + type_name(*types[0]) + " here and " + type_name(*types[1]) +
                                " in " + request_.inputs[1].unit + ", and can't be compared",
                            "cast one of them, or name the columns to compare: columns: [...]");
    fault.path = path;
    faults_.push_back(std::move(fault));
    return {};
  }

 private:
  const transform_request& request_;
  diagnostics& faults_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "reconcile", 2, faults)) return nullptr;
  const auto before = faults.size();
  const auto keys = request.own.value("key", options::array());
  std::vector<compared_column> key_columns, columns;
  binder binding(request, faults);
  const auto is_key = [&](const std::string& name) {
    return std::any_of(keys.begin(), keys.end(),
                       [&](const auto& key) { return key.template get<std::string>() == name; });
  };
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (auto made = binding.bind(keys[i].get<std::string>(), "/reconcile/key/" + std::to_string(i), true))
      key_columns.push_back(*std::move(made));
  if (keys.empty()) {
    auto fault = user_error("invalid_option", "reconcile has no key", "key: [order_id]");
    fault.path = "/reconcile";
    faults.push_back(std::move(fault));
  }
  const auto given = request.own.value("columns", options());
  const auto add = [&](const std::string& name, const std::string& path) {
    if (is_key(name)) return;
    if (auto made = binding.bind(name, path, false)) columns.push_back(*std::move(made));
  };
  if (given.is_array()) {
    for (std::size_t i = 0; i < given.size(); ++i)
      add(given[i].get<std::string>(), "/reconcile/columns/" + std::to_string(i));
  } else if (!has_unknown_columns(request)) {
    // All that both have.
    for (const auto& field : request.inputs[0].schema->fields())
      if (request.inputs[1].schema->GetFieldIndex(field->name()) >= 0) add(field->name(), "/reconcile");
  }
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  return std::make_unique<reconcile_rows>(request, key_columns, columns);
}

}  // namespace

const component& reconcile_transform() {
  static const component self{
      .spec =
          {.name = "reconcile",
           .kind = component_kind::transform,
           .summary = "Compares its rows with those of another unit",
           .description =
               "`from: [rows, other]`: the rows of the first unit pass on, those of the second are compared with them. "
               "Beside a sink, `reconcile: { with: UNIT, key: [id] }` does this for the rows that the sink gets. The sink "
               "then also reads back what it has written, before it is visible, and compares it with the rows that it "
               "got: the staged rows of `postgres` and `sqlite`, the hidden files of `csv`, `ndjson`, `parquet` and "
               "`ipc`. So the message says whether a difference came from the units before or from the target.\n\n"
               "Compared are the number of rows, and the columns `columns`, else all that both units have: by hashes of "
               "128 bits that do not depend on the order of rows, in less than 2 MiB of memory for any number of rows. "
               "If anything differs, the run fails before its sinks publish anything (`not_reconciled`), and the message "
               "says how many rows there are on both sides, which columns differ, with the sums of numbers, and which "
               "keys: all of them up to about 50, else some. with `severity: warn` the run continues; the report of the run "
               "and the event `quality.warned` have the message.\n\n"
               "Values are equal if they are equal in the common type of both columns: `1` and `1.00`, but not `1` and "
               "`'1'`. Rows that were rejected or filtered between both units are missing in the first one.\n\n"
               "What was written is compared in the types of the rows that arrived. Rows that the sink has rejected are "
               "left out; rows that a later one with the same key has replaced (`mode: upsert`) are a difference. Columns "
               "of json, lists, structs and maps are not read back, nor what other sinks write, files that are appended "
               "to, rows that wait for a system that is down, and what triggers of a table do when the run commits.",
           .value = {.form = shape::object,
                     .help = "the key, and what is compared",
                     .required = true,
                     .elements = {{.name = "key",
                                   .form = shape::list,
                                   .help = "columns that say which row is which",
                                   .required = true,
                                   .elements = {{.form = shape::column, .help = "a column"}}},
                                  {.name = "columns",
                                   .form = shape::list,
                                   .help = "columns to compare; else all that both units have",
                                   .elements = {{.form = shape::column, .help = "a column"}}},
                                  {.name = "severity",
                                   .form = shape::text,
                                   .help = "fail the run, or warn",
                                   .default_value = "fail",
                                   .choices = {"warn", "fail"}}}},
           .law = "in = out + merged (all rows of the second unit)",
           .example = R"yaml(version: 1
pipeline: same-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    columns: [faa, name, alt]
transform:
  tidy:
    from: airports
    derive: { name: "trim(name)" }
load:
  copy:
    from: tidy
    csv: { path: out/airports.csv }
    reconcile: { with: airports, key: [faa] }
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
