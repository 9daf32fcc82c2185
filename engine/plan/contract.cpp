#include "engine/error/names.hpp"
#include "engine/operators/common_type.hpp"
#include "engine/plan/instances.hpp"
#include "engine/plan/reading.hpp"
#include "engine/plan/unit_graph.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <map>

namespace sluice {

namespace {

using names = std::vector<std::string>;

bool contains(const names& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

names missing_from(const names& list, const names& all) {
  names missing;
  for (const auto& name : all)
    if (!contains(list, name)) missing.push_back(name);
  return missing;
}

/// What files of one shape have that the source has not, and the other way round.
struct difference {
  names fresh;
  names lost;
  names retyped;  ///< "amount is text, was bigint": files that hold types
  [[nodiscard]] bool none() const { return fresh.empty() && lost.empty() && retyped.empty(); }
  [[nodiscard]] std::string text() const {
    std::string told;
    const auto add = [&](const char* what, const names& which) {
      if (!which.empty()) told += (told.empty() ? "" : "; ") + std::string(what) + joined(which);
    };
    add("new columns: ", fresh);
    add("missing columns: ", lost);
    add("changed types: ", retyped);
    return told;
  }
};

/// Files with the same columns.
struct shape_of_files {
  std::shared_ptr<arrow::Schema> columns;
  std::vector<input_file> files;
};

class contract_check {
 public:
  contract_check(planned_unit& unit, const std::vector<input_file>& files, const store::source_state* known,
                 const run_context& context, diagnostics& faults)
      : unit_(unit), files_(files), known_(known), context_(context), faults_(faults) {}

  bool run() {
    if (known_ != nullptr && !known_->schema.is_null()) {
      auto columns = columns_from_json(known_->schema);
      if (!columns.ok()) return fail(std::move(columns).problem());
      base_ = std::move(*columns);
    }
    if (files_.empty()) return adopt_base();
    const auto* found = find_component(component_kind::source, unit_.definition.component);
    const bool good = found->files.columns == nullptr ? check_records() : sort_files(*found) && check_files();
    write_notes();
    return good;
  }

 private:
  bool fail(error problem) {
    problem.where = "unit " + unit_.definition.name;
    if (problem.path.empty()) problem.path = unit_path(unit_.definition) + "/contract";
    faults_.push_back(std::move(problem));
    return false;
  }

  [[nodiscard]] column_contract rule() const { return unit_.definition.contract; }

  bool adopt_base() {
    unit_.resolved = with_metadata(base_->fields());
    return true;
  }

  error frozen(const std::string& what) const {
    return user_error("schema_changed",
                      std::string("contract: freeze, but the columns differ from ") +
                          (base_ ? "the last run: " : "the first file, types or columns: ") + what,
                      (base_ ? "to accept them: " + reset_command(unit_, context_) + " --schema; or " : std::string()) +
                          "use contract: evolve, discard or quarantine");
  }

  void tell(const difference& what, const std::string& file, std::size_t files, const char* outcome) {
    unit_.reading.told.push_back({{"type", "schema.drifted"},
                                  {"data",
                                   {{"contract", to_string(rule())},
                                    {"new", what.fresh},
                                    {"lost", what.lost},
                                    {"retyped", what.retyped},
                                    {"file", file},
                                    {"files", files},
                                    {"outcome", outcome}}}});
  }

  /// What has changed and what becomes of it: "new columns: mail (read); lost columns: name (null)".
  [[nodiscard]] std::string short_text(const difference& what) const {
    if (rule() == column_contract::quarantine) return what.text() + " (rejected)";
    auto told = what;
    const char* read = rule() == column_contract::evolve ? " (read)" : " (not read)";
    if (!told.fresh.empty()) told.fresh.back() += read;
    if (!told.lost.empty()) told.lost.back() += " (null)";
    return told.text();
  }

  /// A line for each change, with the files that have it.
  void write_notes() {
    auto& note = unit_.reading.note;
    for (const auto& [what, files] : noted_) {
      note += (note.empty() ? "" : "\n") + what + " in " + files.front();
      if (files.size() == 2) note += " and " + files.back();
      if (files.size() > 2) note += " and " + std::to_string(files.size() - 1) + " other files";
    }
  }

  /// The unit as it would be with only some columns of some files.
  [[nodiscard]] planned_unit cut_down(const names& columns, const std::vector<input_file>& files) const {
    auto made = unit_;
    made.reading = {};
    made.resolved = nullptr;
    made.needed.clear();
    made.definition.columns = columns;
    made.definition.metadata = nullptr;
    if (made.definition.types.is_object() && !columns.empty())
      for (const auto& [name, ignored] : unit_.definition.types.items())
        if (!contains(columns, name)) made.definition.types.erase(name);
    std::vector<chosen_file> chosen;
    for (const auto& file : files) chosen.push_back({secrets::hide(file.name), 0, file.size});
    made.reading.files = std::make_shared<const chosen_files>(std::move(chosen));
    return made;
  }

  std::shared_ptr<arrow::Schema> infer(const names& columns, const std::vector<input_file>& files) {
    const auto made = instantiate_source(cut_down(columns, files), context_, faults_);
    return made == nullptr ? nullptr : made->schema();
  }

  [[nodiscard]] std::shared_ptr<arrow::Schema> with_metadata(arrow::FieldVector fields) const {
    const auto& metadata = unit_.definition.metadata;
    if (metadata.is_object()) {
      std::erase_if(fields, [&](const auto& field) { return metadata.contains(field->name()); });
      for (const auto& [name, what] : metadata.items())
        fields.push_back(arrow::field(name, what == "row" ? arrow::int64() : arrow::utf8()));
    }
    return arrow::schema(std::move(fields));
  }

  // -- records that each have their own fields (ndjson)

  bool check_records() {
    const auto inferred = infer(unit_.definition.columns, files_);
    if (inferred == nullptr) return false;
    auto fields = (base_ ? base_ : inferred)->fields();
    difference what;
    if (base_) what.fresh = missing_from(base_->field_names(), inferred->field_names());
    if (!what.none()) {
      if (rule() == column_contract::freeze) return fail(frozen(what.text()));
      // Which of several files have them is not known: each record has its own.
      noted_[short_text(what)].push_back(files_.size() == 1 ? files_.front().name
                                                            : std::to_string(files_.size()) + " files");
      tell(what, files_.front().name, files_.size(),
           rule() == column_contract::evolve    ? "the new columns are added"
           : rule() == column_contract::discard ? "the new columns are not read"
                                                : "records with new columns are rejected");
      if (rule() == column_contract::evolve)
        for (const auto& name : what.fresh) fields.push_back(inferred->GetFieldByName(name));
    }
    unit_.resolved = with_metadata(fields);
    unit_.reading.frozen = rule() == column_contract::freeze;
    if (rule() == column_contract::discard && unit_.definition.columns.empty())
      unit_.definition.columns = arrow::schema(fields)->field_names();
    remember(arrow::schema(std::move(fields)));
    return true;
  }

  // -- files that each have one set of columns

  bool sort_files(const component& by) {
    auto revealed = reveal_secrets(unit_.definition.own, context_);
    if (!revealed.ok()) return fail(std::move(revealed).problem());
    source_request request;
    request.own = *std::move(revealed);
    request.columns = unit_.definition.columns;
    request.context = &context_;
    std::map<std::string, std::size_t> places;
    for (const auto& file : files_) {
      auto columns = by.files.columns(request, file);
      if (!columns.ok() && columns.problem().code == "empty_file" && files_.size() > 1) {
        shape_of_.push_back(0);  // without any line, it has the columns of the others
        continue;
      }
      if (!columns.ok()) return fail(std::move(columns).problem());
      auto all = (*columns)->fields();
      const auto& wanted = unit_.definition.columns;
      if (!wanted.empty()) std::erase_if(all, [&](const auto& field) { return !contains(wanted, field->name()); });
      auto shape = arrow::schema(std::move(all));
      const auto [place, added] = places.emplace(shape->ToString(), shapes_.size());
      if (added) shapes_.push_back({std::move(shape), {}});
      shape_of_.push_back(static_cast<std::uint32_t>(place->second));
    }
    if (shapes_.empty()) {
      auto none = by.files.columns(request, files_.front());
      return fail(none.ok() ? internal_error("empty_source", "a file without lines has columns")
                            : std::move(none).problem());
    }
    for (std::size_t i = 0; i < files_.size(); ++i) shapes_[shape_of_[i]].files.push_back(files_[i]);
    return true;
  }

  /// The columns that the files are compared with: those of the last run, else of the first file and those given.
  [[nodiscard]] names expected() const {
    if (base_) return records_of_base()->field_names();
    auto all = shapes_.front().columns->field_names();
    if (!unit_.definition.columns.empty()) return unit_.definition.columns;
    if (unit_.definition.types.is_object())
      for (const auto& [name, ignored] : unit_.definition.types.items())
        if (!contains(all, name)) all.push_back(name);
    return all;
  }

  [[nodiscard]] std::shared_ptr<arrow::Schema> records_of_base() const {
    arrow::FieldVector fields;
    for (const auto& field : base_->fields())
      if (!unit_.definition.metadata.is_object() || !unit_.definition.metadata.contains(field->name()))
        fields.push_back(field);
    return arrow::schema(std::move(fields));
  }

  difference compare(const shape_of_files& shape, const names& wanted, const arrow::Schema* types) const {
    difference what;
    what.fresh = missing_from(wanted, shape.columns->field_names());
    what.lost = missing_from(shape.columns->field_names(), wanted);
    for (const auto& field : shape.columns->fields()) {
      const auto before = types == nullptr ? nullptr : types->GetFieldByName(field->name());
      if (before && field->type()->id() != arrow::Type::NA && !before->type()->Equals(*field->type()))
        what.retyped.push_back(field->name() + " is " + type_name(*field->type()) + ", was " +
                               type_name(*before->type()));
    }
    return what;
  }

  bool check_files() {
    auto wanted = expected();
    const auto typed = base_ ? base_ : shapes_.front().columns;
    std::vector<difference> differences;
    for (const auto& shape : shapes_) differences.push_back(compare(shape, wanted, typed.get()));
    if (!judge(differences)) return false;
    if (rule() == column_contract::evolve)
      for (const auto& one : differences)
        for (const auto& name : one.fresh)
          if (!contains(wanted, name)) wanted.push_back(name);
    auto columns = types_of(wanted, differences);
    if (columns == nullptr) return false;
    unit_.resolved = with_metadata(columns->fields());
    make_groups(wanted, differences);
    remember(std::move(columns));
    return true;
  }

  bool judge(const std::vector<difference>& differences) {
    bool good = true;
    for (std::size_t at = 0; at < shapes_.size(); ++at) {
      const auto& what = differences[at];
      if (what.none()) continue;
      const auto& file = shapes_[at].files.front().name;
      if (rule() == column_contract::freeze) {
        good = fail(frozen("file " + file + " has " + what.text()));
      } else if (!what.retyped.empty() && rule() != column_contract::quarantine) {
        good = fail(user_error(
            "schema_changed", "a column of " + file + " has another type: " + joined(what.retyped),
            "read these files in a separate unit and cast there, or use contract: quarantine to reject their rows"));
      } else {
        for (const auto& one : shapes_[at].files) noted_[short_text(what)].push_back(one.name);
        tell(what, file, shapes_[at].files.size(),
             rule() == column_contract::quarantine ? "the rows are rejected"
             : rule() == column_contract::discard  ? "new columns are not read, missing columns are null"
                                                   : "new columns are added, missing columns are null");
      }
    }
    return good;
  }

  [[nodiscard]] bool is_read(const difference& what) const {
    return what.none() || rule() != column_contract::quarantine;
  }

  /// The type of each wanted column: the user's, that of the last run, or what the files say.
  std::shared_ptr<arrow::Schema> types_of(const names& wanted, const std::vector<difference>& differences) {
    std::map<std::string, std::shared_ptr<arrow::DataType>> types;
    if (unit_.definition.types.is_object())
      for (const auto& [name, given] : unit_.definition.types.items()) {
        const auto text = given.is_object()   ? given.value("type", "")
                          : given.is_string() ? given.get<std::string>()
                                              : "";
        if (auto type = parse_type(text); type.ok()) types[name] = *type;
      }
    if (base_)
      for (const auto& field : base_->fields()) types.emplace(field->name(), field->type());
    const auto before = types;
    for (std::size_t at = 0; at < shapes_.size(); ++at) {
      if (!is_read(differences[at])) continue;
      names unknown;
      for (const auto& name : shapes_[at].columns->field_names())
        if (contains(wanted, name) && !before.contains(name)) unknown.push_back(name);
      if (unknown.empty()) continue;
      const auto inferred = infer(unknown, shapes_[at].files);
      if (inferred == nullptr) return nullptr;
      for (const auto& field : inferred->fields()) add_type(types, *field);
    }
    arrow::FieldVector fields;
    for (const auto& name : wanted) {
      const auto type = types.find(name);
      if (type != types.end()) {
        fields.push_back(arrow::field(name, type->second));
        continue;
      }
      fail(user_error("unknown_column", "no file has a column " + name, "give its type: " + types_line(name, "text")));
      return nullptr;
    }
    return arrow::schema(std::move(fields));
  }

  static bool is_number(const arrow::DataType& type) {
    return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) || arrow::is_decimal(type.id());
  }

  /// Files that were sampled apart may have guessed apart: what holds the values of both, else text.
  static void add_type(std::map<std::string, std::shared_ptr<arrow::DataType>>& types, const arrow::Field& field) {
    auto& known = types[field.name()];
    if (!known) {
      known = field.type();
    } else if (!known->Equals(*field.type())) {
      const auto common = common_type(known, field.type());
      const bool numbers = is_number(*known) && is_number(*field.type());
      known = common ? common : numbers ? arrow::float64() : arrow::utf8();
    }
  }

  /// Files that don't say the types of their columns give null types.
  static bool says_types(const arrow::Schema& columns) {
    return std::any_of(columns.fields().begin(), columns.fields().end(),
                       [](const auto& field) { return field->type()->id() != arrow::Type::NA; });
  }

  static std::shared_ptr<arrow::Schema> as_texts(const arrow::Schema& columns) {
    arrow::FieldVector texts;
    for (const auto& field : columns.fields()) texts.push_back(arrow::field(field->name(), arrow::utf8()));
    return arrow::schema(std::move(texts));
  }

  void make_groups(const names& wanted, const std::vector<difference>& differences) {
    if (std::all_of(differences.begin(), differences.end(), [](const auto& one) { return one.none(); }) &&
        wanted.size() == static_cast<std::size_t>(shapes_.front().columns->num_fields()))
      return;
    for (std::size_t at = 0; at < shapes_.size(); ++at) {
      file_group group;
      for (const auto& name : wanted)
        if (shapes_[at].columns->GetFieldByName(name)) group.columns.push_back(name);
      if (!is_read(differences[at])) {
        group.refused = differences[at].text();
        if (!says_types(*shapes_[at].columns)) group.own = as_texts(*shapes_[at].columns);
      }
      unit_.reading.groups.push_back(std::move(group));
    }
    unit_.reading.group_of = shape_of_;
  }

  void remember(std::shared_ptr<arrow::Schema> columns) {
    if (unit_.reading.remember) unit_.reading.remember->schema = columns_to_json(*columns);
  }

  planned_unit& unit_;
  const std::vector<input_file>& files_;
  const store::source_state* known_;
  const run_context& context_;
  diagnostics& faults_;
  std::shared_ptr<arrow::Schema> base_;  ///< of the last run; null: none
  std::vector<shape_of_files> shapes_;
  std::map<std::string, names> noted_;   ///< files by what has changed in them
  std::vector<std::uint32_t> shape_of_;  ///< of each file
};

}  // namespace

bool apply_contract(planned_unit& unit, const std::vector<input_file>& files, const store::source_state* known,
                    const run_context& context, diagnostics& faults) {
  return contract_check(unit, files, known, context, faults).run();
}

}  // namespace sluice
