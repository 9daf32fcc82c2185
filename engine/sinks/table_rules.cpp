#include "engine/sinks/table_rules.hpp"

#include "engine/error/names.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

namespace sluice {

void check_table_rules(const sink_request& request, diagnostics& faults) {
  const auto at_unit = [](error problem, std::string where) {
    problem.path = std::move(where);
    return problem;
  };
  const bool upsert = request.mode == "upsert" || request.mode == "merge" || request.mode == "scd2";
  if (request.mode.empty())
    faults.push_back(at_unit(user_error("missing_mode", "a table sink needs mode: there is no safe default",
                                        "mode: error, replace (all rows), append, upsert (by key), merge or scd2"),
                             "/mode"));
  if (upsert && request.key.empty())
    faults.push_back(at_unit(user_error("missing_key", "mode " + request.mode + " needs key", "key: [id]"), "/key"));
  if (!upsert && !request.key.empty())
    faults.push_back(
        at_unit(user_error("unexpected_key",
                           "key can only be used with the modes upsert, merge and scd2, not with mode " + request.mode,
                           "remove key: or write mode: upsert"),
                "/key"));
  if (request.schema && request.schema->num_fields() == 0)
    faults.push_back(user_error("no_columns", "a table needs at least one column", "select some"));
  for (std::size_t i = 0; request.schema && i < request.key.size(); ++i) {
    if (request.schema->GetFieldIndex(request.key[i]) >= 0) continue;
    const auto near = nearest_name(request.key[i], request.schema->field_names());
    faults.push_back(at_unit(
        user_error("unknown_column", "no column " + request.key[i] + " arrives",
                   near.empty() ? "the columns are " + schema_text(*request.schema) : "did you mean " + near + "?"),
        "/key/" + std::to_string(i)));
  }
}

std::vector<field_spec> with_table_options(std::vector<field_spec> own) {
  own.push_back({.name = "create",
                 .form = shape::text,
                 .help =
                     "a table, or (evolve) a column, that is missing: if_missing creates the table, evolve also adds "
                     "columns, never fails",
                 .default_value = "if_missing",
                 .choices = {"if_missing", "evolve", "never"}});
  own.push_back({.name = "before",
                 .form = shape::list,
                 .help = "SQL statements that the transaction of each commit runs first",
                 .elements = {{.form = shape::text}}});
  own.push_back({.name = "after",
                 .form = shape::list,
                 .help = "SQL statements that it runs last",
                 .elements = {{.form = shape::text}}});
  return own;
}

create_rule create_rule_of(const options& own) {
  const auto text = own.is_object() ? own.value("create", "") : std::string();
  return text == "evolve" ? create_rule::evolve : text == "never" ? create_rule::never : create_rule::if_missing;
}

std::vector<std::string> statements_of(const options& own, const char* name) {
  if (!own.is_object()) return {};
  const auto found = own.find(name);
  return found == own.end() ? std::vector<std::string>() : found->get<std::vector<std::string>>();
}

}  // namespace sluice
