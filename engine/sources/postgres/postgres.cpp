#include "engine/clients/postgres/names.hpp"
#include "engine/clients/postgres/server_options.hpp"
#include "engine/component/component.hpp"
#include "engine/component/retry.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/sources/postgres/query.hpp"
#include "engine/sources/postgres/query_source.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

using namespace postgres;

/// What stands behind FROM: a table, or a query in parentheses.
std::optional<std::string> from_clause(const options& own, std::string& shown, diagnostics& faults) {
  const auto table = text_option(own, "table", "");
  auto query = text_option(own, "query", "");
  if (table.empty() == query.empty()) {
    faults.push_back(option_fault(
        "postgres", "table",
        user_error(table.empty() ? "missing_key" : "invalid_value",
                   table.empty() ? "postgres needs table or query" : "postgres takes table or query, found both",
                   "table: crm.customers, or query: \"select id, name from crm.customers\"")));
    return {};
  }
  if (table.empty()) {
    while (!query.empty() && (query.back() == ';' || query.back() == ' ' || query.back() == '\n')) query.pop_back();
    shown = "query";
    return "(" + query + "\n) AS sluice_query";
  }
  auto name = parse_table_name(table);
  if (!name.ok()) {
    faults.push_back(option_fault("postgres", "table", std::move(name).problem()));
    return {};
  }
  shown = name->shown();
  return name->quoted();
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto made = std::make_shared<query_table>();
  made->unit = request.unit;
  made->url = text_option(request.own, "url", "");
  made->retry = retry_of(request.own);
  made->seed = (request.context != nullptr ? request.context->seed : 0) ^ request.number;
  made->types = request.types;
  made->number = request.number;
  made->want_positions = request.want_positions;
  made->policy = request.policy;
  if (auto good = check_url(made->url); !good.ok())
    faults.push_back(option_fault("postgres", "url", std::move(good).problem()));
  auto from = from_clause(request.own, made->shown, faults);
  if (const auto rule = request.own.find("partition"); rule != request.own.end() && rule->is_object()) {
    made->partition = {.column = rule->value("column", ""), .parts = rule->value("parts", std::int64_t{1})};
    constexpr std::int64_t most = 1024;
    if (made->partition->parts < 1 || made->partition->parts > most)
      faults.push_back(option_fault("postgres", "partition/parts",
                                    user_error("invalid_value", "parts must be between 1 and 1024, found " +
                                                                    std::to_string(made->partition->parts))));
  }
  if (faults.size() > before) return nullptr;
  made->from = *std::move(from);
  if (request.resolved) {
    made->records = records_of(request);
  } else {
    interruption never;
    session asked(made->url, made->retry, made->seed, never);
    const auto reached = asked.with_connection([&](connection& server) -> status {
      made->records = describe_query(server, made->from, request, faults);
      return {};
    });
    if (!reached.ok()) faults.push_back(reached.problem());
  }
  if (faults.size() > before || !made->records) return nullptr;
  auto columns = source_columns::choose(request, *made->records, false, faults);
  if (!columns.ok()) return nullptr;
  made->columns = *std::move(columns);
  return make_query_source(std::move(made));
}

component_spec spec() {
  return {
      .name = "postgres",
      .kind = component_kind::source,
      .summary = "Reads a table or a query of a PostgreSQL database",
      .description =
          "Rows come in PostgreSQL's binary format and keep their values: integers, numeric(p,s), real, double, "
          "boolean, "
          "text, varchar, char, date, time, timestamp, timestamptz, interval, bytea, and arrays of them. uuid, json, "
          "jsonb "
          "and enums are read as text, domains as what they are made of. numeric without precision becomes a decimal "
          "with "
          "the places of a sample; a value that does not fit fails the run, and the message shows the `types:` line to "
          "add. Columns of other types are refused by name: cast them in a query, or leave them out with `columns:`. "
          "Infinite dates and times, NaN of numeric and arrays of several dimensions are row errors.\n\n"
          "All rows are of one moment, also with `partition`, which reads ranges of an integer column in parallel "
          "within "
          "one snapshot. What was read can't be read again: if the connection breaks after the first row, the run "
          "fails, "
          "and nothing is published. `types:` may only give numeric columns a decimal type.",
      .value = {.form = shape::object,
                .help = "the table or query to read",
                .elements = {server_field(),
                             {.name = "table", .form = shape::text, .help = "name of a table or view: crm.customers"},
                             {.name = "query", .form = shape::text, .help = "a SELECT, in place of table"},
                             {.name = "partition",
                              .form = shape::object,
                              .help = "reads ranges of a column in parallel",
                              .elements = {{.name = "column",
                                            .form = shape::column,
                                            .help = "a column of smallint, integer or bigint",
                                            .required = true},
                                           {.name = "parts",
                                            .form = shape::integer,
                                            .help = "number of ranges",
                                            .required = true}}}}},
      .law = "in = out + rejected",
      .example = R"yaml(version: 1
pipeline: postgres-source-example
connections:
  shop: { postgres: { url: "${PG_URL:-postgresql://postgres@127.0.0.1:5432/postgres}" } }
extract:
  tables:
    postgres: { connection: shop, query: "select schemaname::text, tablename::text from pg_tables" }
load:
  nowhere:
    from: tables
    blackhole: {}
)yaml",
      .replayable = false,
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& postgres_source() {
  static const component made = {.spec = spec(), .make_source = make};
  return made;
}

}  // namespace sluice
