#include "engine/lineage/facets.hpp"

#include "engine/values/types.hpp"
#include "engine/version.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <set>

namespace sluice::lineage {

namespace {

options transformation(const origin& one) {
  static constexpr const char* names[] = {"IDENTITY", "TRANSFORMATION", "AGGREGATION"};
  return {
      {"type", "DIRECT"}, {"subtype", names[static_cast<int>(one.how)]}, {"description", ""}, {"masking", one.masked}};
}

void add_rules(options& to, const unit_definition& unit, const options& rules, const std::vector<std::string>& broken) {
  for (const auto& [name, rule] : rules.items()) {
    if (!rule.is_object()) continue;
    const bool failed = std::find(broken.begin(), broken.end(), unit.name + "/" + name) != broken.end();
    std::string kind = "custom";
    std::vector<std::string> columns = {""};
    options content;
    for (const auto& [key, value] : rule.items()) {
      if (value.is_null() || key == "severity" || key == "allow") continue;
      kind = key == "check" ? "custom_sql" : key;
      content = value;
      if (value.is_array() && key != "rows" && key != "unique") {
        columns.clear();
        for (const auto& column : value) columns.push_back(column.is_string() ? column.text() : column.dump());
      } else if (value.is_object()) {
        columns.clear();
        for (const auto& [column, bound] : value.items()) columns.push_back(column);
      }
    }
    const auto severity = rule.value("severity", "reject");
    for (const auto& column : columns) {
      options made = {{"assertion", kind},
                      {"success", !failed},
                      {"severity", severity == "warn" ? "warn" : "error"},
                      {"name", unit.name + "/" + name}};
      if (!column.empty()) made["column"] = column;
      if (kind == "custom_sql" && content.is_string()) {
        made["content"] = content.text();
        made["contentType"] = "sql";
      }
      to.push_back(std::move(made));
    }
  }
}

}  // namespace

std::string producer() { return std::string("urn:sluice:") + version(); }

options facet(const std::string& schema, const options& members) {
  const auto name = schema.substr(schema.find('/') + 1);
  options made = {{"_producer", producer()},
                  {"_schemaURL", "https://openlineage.io/spec/facets/" + schema + ".json#/$defs/" + name}};
  for (const auto& [key, value] : members.items()) made[key] = value;
  return made;
}

options schema_facet(const arrow::Schema& of) {
  auto fields = options::array();
  for (const auto& field : of.fields())
    fields.push_back({{"name", field->name()}, {"type", type_name(*field->type())}});
  return facet("1-2-0/SchemaDatasetFacet", {{"fields", std::move(fields)}});
}

options column_lineage_facet(const traced_rows& of, const std::map<int, std::vector<dataset>>& places) {
  const auto add = [&](options& to, int source, const std::string& column, const options& how) {
    const auto found = places.find(source);
    if (found == places.end()) return;
    for (const auto& place : found->second)
      to.push_back({{"namespace", place.space},
                    {"name", place.name},
                    {"field", column},
                    {"transformations", options::array({how})}});
  };
  auto fields = options::object();
  for (const auto& column : of.columns) {
    auto from = options::array();
    for (const auto& one : column.from) add(from, one.source, one.column, transformation(one));
    fields[column.name] = options{{"inputFields", std::move(from)}};
  }
  auto rows = options::array();
  for (const auto& one : of.rows)
    add(rows, one.source, one.column,
        {{"type", "INDIRECT"}, {"subtype", one.how}, {"description", ""}, {"masking", false}});
  return facet("1-2-0/ColumnLineageDatasetFacet", {{"fields", std::move(fields)}, {"dataset", std::move(rows)}});
}

options assertions_of(const plan& of, int source, const std::vector<std::string>& broken) {
  // Units are in topological order.
  std::set<int> below = {source};
  auto made = options::array();
  for (std::size_t at = 0; at < of.units.size(); ++at) {
    const auto number = static_cast<int>(at);
    const auto& unit = of.units[at].definition;
    const auto edges = of.edges_into(number);
    const bool reads = std::any_of(edges.begin(), edges.end(), [&](int edge) {
      return below.count(of.edges[static_cast<std::size_t>(edge)].from_unit) > 0;
    });
    if (!reads) continue;
    below.insert(number);
    if (unit.component == "validate") add_rules(made, unit, unit.own, broken);
    if (unit.component == "steps")
      for (const auto& step : unit.own)
        if (step.is_object() && step.contains("validate")) add_rules(made, unit, step["validate"], broken);
  }
  return made;
}

}  // namespace sluice::lineage
