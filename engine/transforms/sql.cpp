#include "engine/component/component.hpp"

namespace sluice {

namespace {

/// Planning puts the units of the statement into its place (engine/plan/expand.cpp), so that no instance is made. A
/// step has one input and can't be several units.
std::unique_ptr<transform> make(const transform_request&, diagnostics& faults) {
  auto fault = user_error("invalid_option", "sql can't be a step",
                          "make it a separate unit: { from: ..., sql: \"select ...\" }");
  fault.path = "/sql";
  faults.push_back(std::move(fault));
  return nullptr;
}

constexpr const char* description =
    "The statement reads the units of `from` as tables: a port `routed.late` is the table routed_late. It is "
    "PostgreSQL's "
    "SQL: `select` with expressions, `distinct`, `distinct on`, `where`, `inner`, `left`, `right`, `full` and `cross "
    "join` with "
    "`on` or `using`, queries in `from`, `group by` with `rollup`, `cube` and `grouping sets`, `having`, window "
    "functions, "
    "`order by`, `limit`, `offset`, `with`, `union`, `union all`, `intersect`, `except`; `in (select ...)` and "
    "`exists (select ...)`, also with `not`, as conditions that `and` combines; `exists` anywhere, and subqueries as "
    "values, also such with one aggregate, where they compare with `=` to columns of the query around them. Anything "
    "else is refused by name. Params are "
    "written `$day`.\n\n"
    "Planning turns the statement into units with the transforms that the pipeline could have itself (`filter`, "
    "`join`, "
    "`aggregate`, `select`, `sort` ...). `sluice explain` shows them: they are named after the unit, `top_join`, and "
    "the "
    "last one has its name. So everything that is said of these transforms holds: the right table of a join is read "
    "completely first, put the smaller one there; rows come in the order of the first table, or of `order by`. "
    "Conditions "
    "on one table are tested before the joins, and a list of tables is joined by the equalities in `where`.\n\n"
    "Differences to PostgreSQL: the columns of the result need different names; unnamed columns are called as their "
    "function, or column_1, column_2; text is compared byte by byte.";

}  // namespace

const component& sql_transform() {
  static const component self{
      .spec = {.name = "sql",
               .kind = component_kind::transform,
               .summary = "Queries its inputs with a select statement",
               .description = description,
               .value = {.form = shape::text, .help = "the statement: select ... from UNIT ...", .required = true},
               .law = "those of the transforms that it becomes",
               .example = R"yaml(version: 1
pipeline: late-airlines
rejects: { allow: 10 }
extract:
  flights:
    csv: { path: examples/data/flights_2013_01.csv, null_values: ["", NA] }
    columns: [carrier, flight, dep_delay]
    types: { carrier: text, flight: integer, dep_delay: integer }
  airlines:
    csv: { path: examples/data/airlines.csv }
transform:
  late:
    from: [flights, airlines]
    sql: |
      select a.name, count(*) as flights, round(avg(f.dep_delay), 1) as delay
      from flights f join airlines a using (carrier)
      where f.dep_delay is not null
      group by a.name
      having count(*) > 20
      order by delay desc
      limit 5
load:
  show:
    from: late
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
