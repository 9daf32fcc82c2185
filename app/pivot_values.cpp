#include "app/pivot_values.hpp"

#include "app/preview_rows.hpp"
#include "engine/component/json_pointer.hpp"
#include "engine/plan/unit_graph.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <set>

namespace sluice::app {

namespace {

constexpr std::int64_t most_values = 1000;

bool lacks_values(const unit_definition& unit) {
  return unit.role == unit_role::transform && unit.component == "pivot" && !unit.faulty && unit.own.is_object() &&
         !unit.own.contains("into") && unit.from.size() == 1;
}

/// Leaves what `pivot` reads, and counts the values of its column.
void keep_values(pipeline& of, const unit_definition& pivot, std::int64_t most) {
  std::set<std::string> needed;
  std::vector<std::string> open = pivot.from;
  const auto name_of = [](const std::string& reference) { return reference.substr(0, reference.find('.')); };
  while (!open.empty()) {
    const auto name = name_of(open.back());
    open.pop_back();
    if (!needed.insert(name).second) continue;
    for (const auto& unit : of.units)
      if (unit.name == name) open.insert(open.end(), unit.from.begin(), unit.from.end());
  }
  std::erase_if(of.units, [&](const auto& unit) { return !needed.contains(unit.name); });
  for (auto& unit : of.units) {
    unit.incremental = {};  // what is new is decided by the run itself
    unit.contract = column_contract::none;
  }
  of.checkpoint_microseconds.reset();
  of.retry.reset();
  const auto column = pivot.own.value("on", std::string());
  const auto add = [&](unit_role role, const std::string& name, const std::string& from, const std::string& component,
                       options own) {
    unit_definition made;
    made.role = role;
    made.name = name;
    made.from = {from};
    made.component = component;
    made.own = std::move(own);
    of.units.push_back(std::move(made));
  };
  auto by = options::object();
  by["by"] = options::array({column});
  by["compute"] = options{{"_rows", "count(*)"}};
  add(unit_role::transform, "_values", pivot.from.front(), "aggregate", std::move(by));
  add(unit_role::transform, "_sorted", "_values", "sort", options::array({column}));
  add(unit_role::transform, "_first", "_sorted", "limit", options(most + 1));
  add(unit_role::load, preview_sink, "_first", "blackhole", options::object());
}

/// A value as `into` takes it.
options value_of(const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return options(nullptr);
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      return options(static_cast<const arrow::BooleanArray&>(column).Value(row));
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64: {
      const auto value = column.GetScalar(row).ValueOrDie()->CastTo(arrow::int64()).ValueOrDie();
      return options(static_cast<const arrow::Int64Scalar&>(*value).value);
    }
    default:
      return options(column.GetScalar(row).ValueOrDie()->ToString());
  }
}

result<options> values_of(const session& with, const planning_request& request, const unit_definition& pivot) {
  const auto most = pivot.own.value("max", most_values);
  auto asked = request;
  asked.remembers = false;
  asked.adapt = [&](pipeline& of) -> status {
    if (request.adapt) SLUICE_TRY(request.adapt(of));
    keep_values(of, pivot, most);
    return {};
  };
  if (asked.run_id.empty()) asked.run_id = "pivot-" + pivot.name;
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  const auto planned = plan_pipeline(with, asked, faults, source);
  if (!planned) return faults.empty() ? internal_error("no_plan", "the values can't be found") : faults.front();
  if (planned->what->endless())
    return user_error("invalid_option", "below a source without end the values of pivot can't be found before the run",
                      "list them: into: [...]");
  const auto kept = std::make_shared<kept_rows>();
  SLUICE_ASSIGN(const auto ended, fetch_rows(with, *planned, kept));
  if (ended.run.cause) return *ended.run.cause;
  auto values = options::array();
  for (const auto& rows : kept->batches)
    for (std::int64_t row = 0; row < rows->num_rows(); ++row)
      if (!rows->column(0)->IsNull(row)) values.push_back(value_of(*rows->column(0), row));
  if (static_cast<std::int64_t>(values.size()) > most)
    return user_error("too_many_columns",
                      "the column " + pivot.own.value("on", std::string()) + " has more than " + std::to_string(most) +
                          " values, each of which would become a column",
                      "filter them, list those that are wanted: into: [...], or raise max");
  if (values.empty())
    return user_error("invalid_option", "the column " + pivot.own.value("on", std::string()) + " has no values",
                      "list those that are wanted: into: [...]");
  return values;
}

}  // namespace

status find_pivot_values(const session& with, const planning_request& request, pipeline& of) {
  for (auto& unit : of.units) {
    if (!lacks_values(unit)) continue;
    auto values = values_of(with, request, unit);
    if (!values.ok()) {
      auto problem = std::move(values).problem();
      if (problem.at.line == 0 && problem.path.empty()) problem.path = unit_path(unit) + "/pivot";
      if (problem.where.empty()) problem.where = "unit " + unit.name;
      return problem;
    }
    unit.own["into"] = *std::move(values);
  }
  return {};
}

}  // namespace sluice::app
