#include "engine/columns/typed/read_types.hpp"
#include "engine/component/component.hpp"
#include "engine/component/connection_field.hpp"
#include "engine/error/names.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/sources/sqlite/query.hpp"

#include <arrow/type.h>
#include <sqlite3.h>

#include <filesystem>

namespace sluice {

namespace {

using namespace sqlite;

/// The database's path, which must be there: SQLite's own message does not say which file is missing.
std::string find_database(const source_request& request, diagnostics& faults) {
  const auto given = text_option(request.own, "path", "");
  const auto base = request.context != nullptr ? request.context->base_folder : std::string();
  const auto path = given.starts_with('/') || base.empty() ? given : base + "/" + given;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    faults.push_back(option_fault("sqlite", "path",
                                  user_error("file_not_found", "there is no database " + given,
                                             "check the path; relative ones start where the run was started")));
  return path;
}

std::string select_of(const options& own, const std::string& file, std::string& shown, diagnostics& faults) {
  const auto table = text_option(own, "table", "");
  const auto query = text_option(own, "query", "");
  shown = file + ":" + (table.empty() ? "query" : table);
  if (table.empty() != query.empty()) return table.empty() ? query : "SELECT * FROM " + quoted_name(table);
  faults.push_back(
      option_fault("sqlite", "table",
                   user_error(table.empty() ? "missing_key" : "invalid_value",
                              table.empty() ? "sqlite needs table or query" : "sqlite takes table or query, found both",
                              "table: orders, or query: \"select id, name from customers\"")));
  return {};
}

/// The error unknown_table where the database has no table or view of that name; SQLite compares names without case.
status check_table(connection& in, const std::string& path, const std::string& table) {
  if (table.empty()) return {};
  SLUICE_ASSIGN(
      const auto found,
      in.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY lower(name) = lower(?) DESC, "
              "name",
              {table}));
  std::vector<std::string> names;
  for (const auto& row : found) names.push_back(row.front());
  if (!names.empty() && sqlite3_stricmp(names.front().c_str(), table.c_str()) == 0) return {};
  const auto near = nearest_name(table, names);
  return option_fault("sqlite", "table",
                      user_error("unknown_table", "there is no table " + table + " in " + path,
                                 !near.empty()   ? "did you mean " + near + "?"
                                 : names.empty() ? "the database has no tables"
                                                 : "its tables are " + shortened(joined(names), 200)));
}

/// The schema that the run was planned with, as columns to read.
std::vector<typed::column_plan> planned_columns(const arrow::Schema& records,
                                                const std::map<std::string, typed::column_plan>& given) {
  std::vector<typed::column_plan> made;
  for (const auto& field : records.fields()) {
    typed::column_plan column;
    const auto found = given.find(field->name());
    if (found != given.end()) column = found->second;
    column.name = field->name();
    column.type = field->type();
    column.inferred = found == given.end();
    made.push_back(std::move(column));
  }
  return made;
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto made = std::make_shared<query_table>();
  made->unit = request.unit;
  made->number = request.number;
  made->want_positions = request.want_positions;
  made->policy = request.policy;
  made->path = find_database(request, faults);
  made->select = select_of(request.own, text_option(request.own, "path", ""), made->shown, faults);
  const auto given = typed::read_types(request.types, faults);
  if (auto zone = zone_clock::find(request.context != nullptr ? request.context->timezone : "UTC"); zone.ok())
    made->zone = *zone;
  else
    faults.push_back(std::move(zone).problem());
  if (faults.size() > before) return nullptr;
  if (request.resolved) {
    made->records = planned_columns(*records_of(request), given);
    interruption never;
    auto database = connection::open(made->path, connection::access::read, never);
    auto marked =
        database.ok() ? mark_guesses(*database, made->select, made->records) : status(std::move(database).problem());
    if (!marked.ok()) {
      faults.push_back(std::move(marked).problem());
      return nullptr;
    }
  } else {
    interruption never;
    auto database = connection::open(made->path, connection::access::read, never);
    auto known = database.ok() ? check_table(*database, made->path, text_option(request.own, "table", ""))
                               : status(std::move(database).problem());
    auto found = known.ok() ? describe_query(*database, made->select, given)
                            : result<std::vector<typed::column_plan>>(std::move(known).problem());
    if (!found.ok()) {
      faults.push_back(std::move(found).problem());
      if (faults.back().path.empty()) faults.back().path = "/sqlite";
      return nullptr;
    }
    made->records = *std::move(found);
  }
  arrow::FieldVector fields;
  for (const auto& one : made->records) fields.push_back(arrow::field(one.name, one.type));
  auto columns = source_columns::choose(request, *arrow::schema(std::move(fields)), false, faults);
  if (!columns.ok() || faults.size() > before) return nullptr;
  made->columns = *std::move(columns);
  return make_query_source(std::move(made));
}

component_spec spec() {
  return {
      .name = "sqlite",
      .kind = component_kind::source,
      .summary = "Reads a table or a query of a SQLite database",
      .description =
          "All rows are of one moment. A run that continues after a checkpoint reads the rows again up to where it "
          "was, "
          "and "
          "fails if the database was changed meanwhile (`not_replayable`). A column has the type with which the table "
          "declares it: INT is bigint, BOOL "
          "boolean, REAL, FLOAT and DOUBLE double, DECIMAL(p,s) and NUMERIC(p,s) decimal, CHAR, CLOB and TEXT text, "
          "BLOB "
          "bytea, and DATE, TIME, TIMESTAMP, DATETIME and TIMESTAMPTZ what they say, from ISO 8601 text. Columns "
          "without such a declaration, as those of expressions, get the type of their values in the first 1,000 rows. "
          "`types:` gives other types.\n\n"
          "SQLite keeps any value in any column, so each value is checked: one that the column's type can't hold is a "
          "row error. A number is also read into the other kind of number if it is the same there, and into text.\n\n"
          "With `incremental: { by: column, column: updated_at }` a run loads the rows that are new since the last "
          "one.",
      .value = {.form = shape::object,
                .help = "the table or query to read",
                .elements = {connection_field(
                                 {{.name = "path",
                                   .form = shape::text,
                                   .help = "the database file; a sink creates it and its folders if missing",
                                   .required = true}}),
                             {.name = "table", .form = shape::text, .help = "name of a table or view"},
                             {.name = "query", .form = shape::text, .help = "a SELECT, in place of table"}}},
      .law = "in = out + rejected",
      .example = R"yaml(version: 1
pipeline: sqlite-source-example
extract:
  products:
    sqlite: { path: examples/data/products.db, query: "select * from products where price > 1" }
load:
  nowhere:
    from: products
    blackhole: {}
)yaml",
  };
}

}  // namespace

const component& sqlite_source() {
  static const component made = {.spec = spec(), .make_source = make};
  return made;
}

}  // namespace sluice
