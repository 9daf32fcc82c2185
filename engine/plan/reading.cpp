#include "engine/plan/reading.hpp"

#include "engine/error/names.hpp"
#include "engine/plan/file_choice.hpp"
#include "engine/plan/following_source.hpp"
#include "engine/plan/instances.hpp"
#include "engine/plan/unit_graph.hpp"
#include "engine/plan/watermark_source.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>

namespace sluice {

namespace {

using way = incremental_rule::way;

bool fail(const planned_unit& unit, const std::string& path, error problem, diagnostics& faults) {
  problem.where = "unit " + unit.definition.name;
  problem.path = unit_path(unit.definition) + path;
  faults.push_back(std::move(problem));
  return false;
}

std::string counted(std::int64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? " file" : " files");
}

/// True where rows carry their number in the file, which a reader that starts in the middle does not know.
bool numbers_rows(const unit_definition& unit) {
  if (!unit.metadata.is_object()) return false;
  return std::any_of(unit.metadata.begin(), unit.metadata.end(), [](const options& what) { return what == "row"; });
}

result<file_search> search_of(const planned_unit& unit, const file_reading& reads, const run_context& context) {
  SLUICE_ASSIGN(const auto own, reveal_secrets(unit.definition.own, context));
  return file_search{.path = own.is_object() ? own.value("path", options()) : own,
                     .compression = reads.packed && own.is_object() ? own.value("compression", "auto") : "none",
                     .base_folder = context.base_folder,
                     .extensions = reads.extensions};
}

void tell(source_reading& reading, std::string type, options data) {
  reading.told.push_back({{"type", std::move(type)}, {"data", std::move(data)}});
}

/// Chooses the files that are new; `found` becomes those to read.
bool choose_files(planned_unit& unit, const file_reading& reads, const store::source_state* known,
                  std::vector<input_file>& found, const run_context& context, bool remembers, diagnostics& faults) {
  auto& reading = unit.reading;
  const file_choice_rules rules = {.appends = reads.appends && !numbers_rows(unit.definition),
                                   .read_changed = unit.definition.incremental.read_changed,
                                   .remembers = remembers,
                                   .reset = reset_command(unit, context)};
  // The Store has references to secrets in the names of files: what was taken follows a secret that changes.
  auto taken = known == nullptr ? std::vector<store::file_mark>() : known->files;
  for (auto& mark : taken) mark.path = revealed_or_kept(mark.path, context);
  auto choice = choose_new_files(found, taken, rules);
  if (!choice.ok()) return fail(unit, "/incremental", std::move(choice).problem(), faults);
  found = std::move(choice->files);
  reading.remember->position = options{{"by", "file"}};
  reading.remember->files = std::move(choice->marks);
  for (auto& mark : reading.remember->files) mark.path = secrets::hide(std::move(mark.path));
  reading.note = found.empty() ? "nothing new" : "";
  const auto add = [&](std::int64_t count, const std::string& text) {
    if (count > 0) reading.note += (reading.note.empty() ? "" : ", ") + text;
  };
  add(choice->fresh, counted(choice->fresh, "new"));
  add(choice->grown, counted(choice->grown, "grown"));
  add(choice->changed, counted(choice->changed, "changed"));
  add(choice->known, std::to_string(choice->known) + " already loaded");
  tell(reading, "incremental.planned",
       {{"by", "file"},
        {"new_files", choice->fresh},
        {"grown_files", choice->grown},
        {"changed_files", choice->changed},
        {"known_files", choice->known}});
  return true;
}

/// In a plan the names of files have references in the place of secrets.
void set_chosen(source_reading& reading, const std::vector<input_file>& files) {
  std::vector<chosen_file> chosen;
  for (const auto& file : files) chosen.push_back({secrets::hide(file.name), file.begin, file.size});
  reading.files = std::make_shared<const chosen_files>(std::move(chosen));
}

bool check_position(const planned_unit& unit, const store::source_state& known, const run_context& context,
                    diagnostics& faults) {
  const auto& rule = unit.definition.incremental;
  if (!known.position.is_object() || rule.by == way::none) return true;
  const auto by = known.position.value("by", "");
  const auto column = known.position.value("column", "");
  if (by == (rule.by == way::file ? "file" : "column") && column == rule.column) return true;
  return fail(unit, "/incremental",
              user_error("state_mismatch",
                         "earlier runs read this source with incremental by " + by +
                             (column.empty() ? "" : " " + column) + ", so its state can't be used for " +
                             (rule.by == way::file ? std::string("file") : "column " + rule.column),
                         "restore the setting, or reset the state: " + reset_command(unit, context)),
              faults);
}

}  // namespace

bool uses_source_state(const pipeline& definition) {
  return std::any_of(definition.units.begin(), definition.units.end(), [](const unit_definition& unit) {
    return unit.incremental.by != way::none || unit.contract != column_contract::none;
  });
}

const store::source_state* state_of(const planned_unit& unit, const remembered_sources& remembered) {
  if (remembered.state == nullptr || remembered.fresh) return nullptr;
  return remembered.state->find(unit.definition.name);
}

std::string reset_command(const planned_unit& unit, const run_context& context) {
  return "sluice state reset " + context.pipeline + " --unit " + unit.definition.name;
}

options columns_to_json(const arrow::Schema& columns) {
  auto list = options::array();
  for (const auto& field : columns.fields())
    list.push_back({{"name", field->name()}, {"type", type_name(*field->type())}});
  return list;
}

result<std::shared_ptr<arrow::Schema>> columns_from_json(const options& from) {
  arrow::FieldVector fields;
  for (const auto& one : from) {
    if (!one.is_object()) return internal_error("state_unreadable", "the state holds columns that can't be read");
    SLUICE_ASSIGN(auto type, parse_type(one.value("type", "")));
    fields.push_back(arrow::field(one.value("name", ""), std::move(type)));
  }
  return arrow::schema(std::move(fields));
}

bool prepare_reading(planned_unit& unit, const run_context& context, const remembered_sources& remembered,
                     diagnostics& faults) {
  const auto& definition = unit.definition;
  const auto& rule = definition.incremental;
  if (is_followed(definition) && !check_followed(unit, faults)) return false;
  if (rule.by == way::none && definition.contract == column_contract::none) return true;
  auto& reading = unit.reading;
  reading.remember = store::source_change{.unit = definition.name, .forget_files = remembered.fresh};
  const auto* known = state_of(unit, remembered);
  if (known != nullptr && !check_position(unit, *known, context, faults)) return false;
  if (rule.by != way::file && definition.contract == column_contract::none) return true;

  const auto* component = find_component(component_kind::source, definition.component);
  const std::string key = rule.by == way::file ? "/incremental" : "/contract";
  if (component == nullptr || component->files.extensions.empty())
    return fail(unit, key,
                user_error("reads_no_files", "the source " + definition.component + " does not read files",
                           rule.by == way::file ? "incremental: { by: column, column: ... }" : "remove contract"),
                faults);
  const auto search = search_of(unit, component->files, context);
  if (!search.ok()) return fail(unit, "/" + definition.component, search.problem(), faults);
  auto files = find_files(*search);
  std::vector<input_file> found;
  if (files.ok()) {
    found = std::move(*files);
  } else if (rule.by != way::file || known == nullptr || known->schema.is_null() ||
             files.problem().code != "file_not_found") {
    // A folder that is empty because all its files were taken and put away has nothing new.
    auto problem = std::move(files).problem();
    return fail(unit, "/" + definition.component + problem.path, std::move(problem), faults);
  }
  if (rule.by == way::file &&
      std::any_of(found.begin(), found.end(), [](const auto& file) { return file.path == "-"; }))
    return fail(
        unit, "/incremental",
        user_error("not_a_file", "standard input can't be recognised by a later run", "read it without incremental"),
        faults);
  const auto all = found;
  if (rule.by == way::file &&
      !choose_files(unit, component->files, known, found, context, remembered.state != nullptr, faults))
    return false;
  const bool has_schema = known != nullptr && !known->schema.is_null();
  if (definition.contract != column_contract::none) {
    if (!apply_contract(unit, found.empty() && !has_schema ? all : found, known, context, faults)) return false;
  } else if (all.empty()) {
    auto columns = columns_from_json(known->schema);
    if (!columns.ok()) return fail(unit, "/incremental", columns.problem(), faults);
    unit.resolved = std::move(*columns);
  }
  // Types are inferred over all files, new or not, so that they don't change from run to run.
  if (!unit.resolved) {
    const auto made = instantiate_source(unit, context, faults);
    if (made == nullptr) return false;
    unit.resolved = made->schema();
  }
  if (found.empty()) reading.groups.clear();
  set_chosen(reading, found);
  if (reading.groups.empty()) reading.group_of.clear();
  return true;
}

bool finish_reading(planned_unit& unit, const arrow::Schema& columns, const run_context& context,
                    const remembered_sources& remembered, diagnostics& faults) {
  auto& reading = unit.reading;
  if (!reading.remember) return true;
  if (!reading.remember->schema) reading.remember->schema = columns_to_json(columns);
  const auto& rule = unit.definition.incremental;
  if (rule.by != way::column || reading.mark) return true;
  const auto field = columns.GetFieldByName(rule.column);
  if (!field) {
    const auto near = nearest_name(rule.column, columns.field_names());
    return fail(unit, "/incremental/column",
                user_error("unknown_column", "the source has no column " + rule.column,
                           near.empty() ? "its columns are " + schema_text(columns) : "did you mean `" + near + "`?"),
                faults);
  }
  if (!can_be_watermark(*field->type()))
    return fail(unit, "/incremental/column",
                user_error("invalid_watermark",
                           "column " + rule.column + " is " + type_name(*field->type()) +
                               "; new rows can only be found by integer, decimal, date, timestamp or text columns",
                           arrow::is_floating(field->type()->id())
                               ? "give it a type that keeps all digits: " + types_line(rule.column, "decimal(38,9)") +
                                     "; or use another column whose values only grow"
                               : "use a column whose values only grow"),
                faults);
  watermark mark{.column = rule.column, .type = type_name(*field->type()), .value = {}, .rows = 0};
  const auto* known = state_of(unit, remembered);
  if (known != nullptr && known->position.is_object()) {
    const auto type = known->position.value("type", "");
    if (type != mark.type)
      return fail(unit, "/incremental/column",
                  user_error("state_mismatch",
                             "column " + rule.column + " was " + type + " in earlier runs, now it is " + mark.type,
                             "give it the earlier type: " + types_line(rule.column, type) +
                                 ", or reset the state: " + reset_command(unit, context)),
                  faults);
    if (known->position.contains("value")) mark.value = known->position["value"].get<std::string>();
    mark.rows = known->position.value("rows", std::int64_t{0});
  }
  const auto shown = mark.value ? watermark_text(mark) : std::string();
  reading.note = shown.empty() ? "all rows" : "rows with " + mark.column + " above " + shown;
  options data = {{"by", "column"}, {"column", mark.column}};
  if (!shown.empty()) data["above"] = shown;
  tell(reading, "incremental.planned", std::move(data));
  reading.mark = std::move(mark);
  return true;
}

}  // namespace sluice
