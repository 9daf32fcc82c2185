#include "engine/component/component.hpp"
#include "engine/component/connection_field.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/sinks/history/history_fields.hpp"
#include "engine/sinks/history/history_sink.hpp"
#include "engine/sinks/sqlite/table_sink.hpp"
#include "engine/sinks/table_rules.hpp"

#include <arrow/type.h>
#include <sqlite3.h>

namespace sluice {

namespace {

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto path = text_option(request.own, "path", "");
  const auto name = text_option(request.own, "table", "");
  if (path.empty())
    faults.push_back(option_fault(
        "sqlite", "path", user_error("missing_path", "sqlite needs path: the database file", "path: out/shop.db")));
  if (name.empty())
    faults.push_back(option_fault(
        "sqlite", "table", user_error("missing_table", "sqlite needs table: the name of a table", "table: orders")));
  if (sqlite3_stricmp(name.c_str(), "_sluice_commits") == 0)
    faults.push_back(
        option_fault("sqlite", "table",
                     user_error("reserved_table",
                                "_sluice_commits is used by Sluice to record which runs have loaded into the database",
                                "use another table name")));
  check_table_rules(request, faults);
  std::shared_ptr<const history::history_rule> rule;
  if (history::has_history(request.mode) && faults.size() == before) rule = history::read_history(request, faults);
  if (faults.size() > before) return nullptr;
  if (!rule) return sqlite::make_table_sink(request, path, name, nullptr);
  auto staged = request;
  staged.schema = rule->staged;
  staged.key = rule->staged_key;
  return history::with_history_columns(sqlite::make_table_sink(staged, path, name, rule), request, rule);
}

write_target stated_table(const options& own) {
  return {.what = write_target::kind::table,
          .path = text_option(own, "path", ""),
          .table = text_option(own, "table", ""),
          .option = "/table"};
}

component_spec spec() {
  return {
      .name = "sqlite",
      .kind = component_kind::sink,
      .summary = "Writes to a table of a SQLite database",
      .description =
          "Rows are collected in a hidden database beside the target and moved in one transaction at the end of the "
          "run. Readers see all rows of a run or none, and the database is not locked during the run. The table is "
          "created if it does not exist. An existing table must have a column for each column of the rows, with a type "
          "that changes no values. Its constraints (NOT NULL, UNIQUE, CHECK) are checked for each row: a row that "
          "violates one is rejected with `on_error: reject`; otherwise the run fails.\n\n"
          "Modes: `error` (the table must not exist), `replace` (replaces all rows), `append`, `upsert` (by `key`, on "
          "which the table needs a unique index; if several rows have the same key, the last one wins), `merge` and "
          "`scd2`. "
          "The table `_sluice_commits` records the runs, so that a repeated commit does nothing.\n\n" +
          history::history_description() +
          "Types: booleans are stored as 0 and 1, numbers as INTEGER and REAL, decimals with up to 15 digits as "
          "numbers (DECIMAL(p,s), exact when rounded to their scale), longer decimals as TEXT, dates and times as ISO "
          "8601 TEXT that SQLite's date functions understand, lists and structs as JSON. NaN and integers above "
          "9223372036854775807 are row errors.",
      .value = {.form = shape::object,
                .help = "the table to write to",
                .elements = with_table_options(
                    {connection_field({{.name = "path",
                                        .form = shape::text,
                                        .help = "the database file; a sink creates it and its folders if missing",
                                        .required = true}}),
                     {.name = "table", .form = shape::text, .help = "name of the table", .required = true}})},
      .law = "in = loaded + merged + rejected",
      .example = R"yaml(version: 1
pipeline: sqlite-example
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, amount: { random: [0.0, 99.9], type: "decimal(12,2)" } } }
load:
  shop:
    from: orders
    sqlite: { path: build/examples/shop.db, table: orders }
    mode: upsert
    key: [id]
)yaml",
      .promise = delivery::transactional,
      .modes = {"", "error", "replace", "append", "upsert", "merge", "scd2"},
  };
}

}  // namespace

const component& sqlite_sink() {
  static const component made = {.spec = spec(), .make_sink = make, .target = stated_table};
  return made;
}

}  // namespace sluice
