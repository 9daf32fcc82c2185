#include "engine/clients/postgres/connection.hpp"
#include "engine/clients/postgres/server_options.hpp"
#include "engine/component/component.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/sinks/history/history_fields.hpp"
#include "engine/sinks/history/history_sink.hpp"
#include "engine/sinks/postgres/table_sink.hpp"
#include "engine/sinks/table_rules.hpp"

namespace sluice {

namespace {

using namespace postgres;

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto url = text_option(request.own, "url", "");
  if (auto good = check_url(url); !good.ok())
    faults.push_back(option_fault("postgres", "url", std::move(good).problem()));
  auto name = parse_table_name(text_option(request.own, "table", ""));
  if (!name.ok()) {
    faults.push_back(option_fault("postgres", "table", name.problem()));
  } else if (name->table.starts_with("_sluice_")) {
    faults.push_back(option_fault(
        "postgres", "table",
        user_error("reserved_table", "names that begin with _sluice_ are used by Sluice", "use another table name")));
  }
  check_table_rules(request, faults);
  std::shared_ptr<const history::history_rule> rule;
  if (history::has_history(request.mode) && faults.size() == before) rule = history::read_history(request, faults);
  if (faults.size() > before) return nullptr;
  auto staged = request;
  if (rule) {
    staged.schema = rule->staged;
    staged.key = rule->staged_key;
  }
  auto made =
      make_table_sink(staged,
                      {.name = *std::move(name),
                       .schema = staged.schema,
                       .mode = request.mode,
                       .key = staged.key,
                       .create = create_rule_of(request.own),
                       .before = statements_of(request.own, "before"),
                       .after = statements_of(request.own, "after"),
                       .sink = (request.context != nullptr ? request.context->pipeline : "") + "." + request.unit,
                       .run = request.context != nullptr ? request.context->run_id : "",
                       .history = rule},
                      url);
  return rule ? history::with_history_columns(std::move(made), request, rule) : std::move(made);
}

write_target stated_table(const options& own) {
  const auto name = parse_table_name(text_option(own, "table", ""));
  return {.what = write_target::kind::table,
          .path = canonical_server(text_option(own, "url", "")),
          .table = name.ok() ? name->quoted() : "",
          .option = "/table"};
}

component_spec spec() {
  return {
      .name = "postgres",
      .kind = component_kind::sink,
      .summary = "Writes to a table of a PostgreSQL database",
      .description =
          "Rows are copied into a table beside the target (`_sluice_stage_...`) while the run works. At the commit one "
          "transaction moves them and notes run and epoch in the table `_sluice_commits`, so a repeated commit, or one "
          "whose answer was lost, loads nothing twice. Before the commit readers see nothing of the run, after it all "
          "of "
          "it. While rows are moved, `replace` makes readers of the table wait.\n\n"
          "Modes: `error` (the table must not exist), `append`, `replace` (all rows; the table keeps its identity, "
          "grants "
          "and indexes), `upsert` (by `key`, on which the table needs a unique index; of several rows with the same "
          "key "
          "the last one wins), `merge` and `scd2`. A table that does not exist is created, with `key` as its primary "
          "key. Names without "
          "quotes are folded to small letters, as PostgreSQL does: write `table: '\"Orders\"'` for others.\n\n"
          "The values of a column must fit its type without being changed: an integer that is too large for it, a text "
          "longer than varchar(n), more places than numeric(p,s) or a text with the byte 0 is a row error, as is a row "
          "that violates a constraint (NOT NULL, CHECK, UNIQUE, FOREIGN KEY). `on_error: reject` rejects such rows; "
          "otherwise the run fails before anything is visible. Exclusion constraints, unique indexes with conditions "
          "or "
          "expressions, and with `upsert` unique indexes other than the key, are checked by the commit only: it then "
          "fails, and nothing is loaded.\n\n" +
          history::history_description() +
          "The user needs the right to create tables in the schema of the target, and insert (upsert: also select and "
          "update; replace: truncate or delete) on the table.",
      .value = {.form = shape::object,
                .help = "the table to write to",
                .elements = with_table_options({server_field(),
                                                {.name = "table",
                                                 .form = shape::text,
                                                 .help = "name of the table: orders, mart.orders",
                                                 .required = true}})},
      .law = "in = loaded + merged + rejected",
      .example = R"yaml(version: 1
pipeline: postgres-example
connections:
  mart: { postgres: { url: "${PG_URL:-postgresql://postgres@127.0.0.1:5432/postgres}" } }
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, amount: { random: [0.0, 99.9], type: "decimal(12,2)" } } }
load:
  mart:
    from: orders
    postgres: { connection: mart, table: orders }
    mode: upsert
    key: [id]
)yaml",
      .promise = delivery::transactional,
      .modes = {"", "error", "replace", "append", "upsert", "merge", "scd2"},
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& postgres_sink() {
  static const component made = {.spec = spec(), .make_sink = make, .target = stated_table};
  return made;
}

}  // namespace sluice
