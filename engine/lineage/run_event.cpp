#include "engine/lineage/run_event.hpp"

#include "engine/lineage/facets.hpp"
#include "engine/lineage/plan_lineage.hpp"
#include "engine/runs/record.hpp"
#include "engine/version.hpp"

#include <algorithm>
#include <fstream>

namespace sluice::lineage {

namespace {

constexpr std::size_t most_known = 16;
/// Of a file of rejects so much is looked at to find out which rules were broken.
constexpr std::size_t most_rejects = 100'000;

/// The type of the run event; empty: it is none.
std::string type_of(const std::string& event) {
  static const std::map<std::string, std::string> types = {
      {"run.queued", "START"},      {"run.started", "RUNNING"},    {"checkpoint.completed", "RUNNING"},
      {"run.recovered", "RUNNING"}, {"run.resumed", "RUNNING"},    {"run.restarting", "RUNNING"},
      {"run.paused", "RUNNING"},    {"run.succeeded", "COMPLETE"}, {"run.partial", "COMPLETE"},
      {"run.failed", "FAIL"},       {"run.cancelled", "ABORT"}};
  const auto found = types.find(event);
  return found == types.end() ? std::string() : found->second;
}

std::string text_at(const options& of, const char* name) {
  if (!of.is_object()) return {};
  const auto found = of.find(name);
  return found != of.end() && found->is_string() ? found->text() : std::string();
}

std::string time_of(std::int64_t microseconds) {
  store::event at;
  at.time = microseconds;
  return store::cloud_event(at)["time"].text();
}

options dataset_json(const dataset& of, options facets) {
  return {{"namespace", of.space}, {"name", of.name}, {"facets", std::move(facets)}};
}

/// "unit/rule" of all rules that rejected a row, and of the one that the run failed of.
std::vector<std::string> broken_rules(const options& data) {
  std::vector<std::string> broken;
  if (data.contains("cause") && text_at(data["cause"], "code") == "rule_broken") {
    // "rule NAME of unit UNIT: ..."
    const auto message = text_at(data["cause"], "message");
    const auto where = text_at(data["cause"], "where");
    // "FILE line 4: column NAME: ..." with the unit as its place, of a row.
    const auto column = message.find("column ");
    if (where.starts_with("unit ") && column != std::string::npos)
      broken.push_back(where.substr(5) + "/" + message.substr(column + 7, message.find(':', column) - column - 7));
    const auto of = message.find(" of unit ");
    if (message.starts_with("rule ") && of != std::string::npos)
      broken.push_back(message.substr(of + 9, message.find(':', of) - of - 9) + "/" + message.substr(5, of - 5));
  }
  std::ifstream file(text_at(data, "rejects_path"));
  std::string line;
  for (std::size_t at = 0; at < most_rejects && std::getline(file, line); ++at) {
    const auto reject = options::try_parse(line);
    if (!reject || text_at(*reject, "code") != "rule_broken") continue;
    auto name = text_at(*reject, "unit") + "/" + text_at(*reject, "column");
    if (std::find(broken.begin(), broken.end(), name) == broken.end()) broken.push_back(std::move(name));
  }
  return broken;
}

options statistics(const options& data, const std::string& unit, const char* rows) {
  if (!data.is_object() || !data.contains("units")) return {};
  for (const auto& one : data["units"]) {
    if (one.value("unit", "") != unit) continue;
    options made = {{"rowCount", one.value(rows, std::int64_t{0})}};
    if (const auto bytes = one.value("bytes", std::int64_t{0}); bytes > 0) made["size"] = bytes;
    return made;
  }
  return {};
}

options run_facets(const store::run_record& record, const store::event& event, const std::string& space) {
  options made = {
      {"processing_engine", facet("1-1-1/ProcessingEngineRunFacet", {{"name", "sluice"}, {"version", version()}})}};
  const bool started_by = record.context.is_object() && record.context.contains("origin");
  if (started_by && record.context["origin"].is_object()) {
    const auto& origin = record.context["origin"];
    if (const auto due = origin.value("due", std::int64_t{0}); due > 0)
      made["nominalTime"] = facet("1-0-1/NominalTimeRunFacet", {{"nominalStartTime", time_of(due)}});
    if (origin.contains("parents") && !origin["parents"].empty()) {
      const auto& parent = origin["parents"][0];
      made["parent"] =
          facet("1-2-0/ParentRunFacet", {{"run", {{"runId", text_at(parent, "run")}}},
                                         {"job", {{"namespace", space}, {"name", text_at(parent, "pipeline")}}}});
    }
  }
  if (event.data.is_object() && event.data.contains("cause")) {
    const auto& cause = event.data["cause"];
    auto where = text_at(cause, "where");
    made["errorMessage"] =
        facet("1-0-1/ErrorMessageRunFacet",
              {{"message", text_at(cause, "code") + ": " + text_at(cause, "message")},
               {"programmingLanguage", "SQL"},
               {"stackTrace", where.empty() ? text_at(cause, "hint") : where + ": " + text_at(cause, "hint")}});
  }
  return made;
}

options job_facets(const plan& of, const store::run_record& record) {
  options made = {
      {"jobType", facet("2-0-4/JobTypeJobFacet", {{"processingType", of.endless() ? "STREAMING" : "BATCH"},
                                                  {"integration", "SLUICE"},
                                                  {"jobType", "PIPELINE"}})},
      {"sourceCode", facet("1-0-1/SourceCodeJobFacet", {{"language", "YAML"}, {"sourceCode", record.text}})}};
  if (!record.owner.empty())
    made["ownership"] = facet("1-0-1/OwnershipJobFacet", {{"owners", options::array({{{"name", record.owner}}})}});
  if (!record.tags.empty()) {
    auto tags = options::array();
    for (const auto& tag : record.tags) tags.push_back({{"key", tag}, {"value", "true"}, {"source", "USER"}});
    made["tags"] = facet("1-0-0/TagsJobFacet", {{"tags", std::move(tags)}});
  }
  if (!of.definition.description.empty())
    made["documentation"] = facet("1-1-0/DocumentationJobFacet", {{"description", of.definition.description}});
  return made;
}

/// A message of `sluice notify test`: an event that says nothing of any run.
options probe(const notice& what, const std::string& space) {
  return {{"eventType", "OTHER"},
          {"eventTime", time_of(what.time)},
          {"producer", producer()},
          {"schemaURL", "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
          {"run", {{"runId", what.id}, {"facets", options::object()}}},
          {"job", {{"namespace", space}, {"name", "sluice-notify-test"}, {"facets", options::object()}}},
          {"inputs", options::array()},
          {"outputs", options::array()}};
}

}  // namespace

result<std::shared_ptr<const event_maker::known_run>> event_maker::find(const notice& what, const std::string& run) {
  {
    const std::lock_guard guard(lock_);
    if (const auto found = known_.find(run); found != known_.end()) return found->second;
  }
  SLUICE_ASSIGN(auto record, what.record(run));
  SLUICE_ASSIGN(const auto read, read_record(record));
  auto made = std::make_shared<known_run>();
  made->what = read.what;
  made->inputs = options::array();
  made->outputs = options::array();
  std::map<int, std::vector<dataset>> places;
  const auto& units = read.what->units;
  for (std::size_t at = 0; at < units.size(); ++at) {
    const auto& unit = units[at];
    if (unit.definition.role != unit_role::extract) continue;
    auto& here = places[static_cast<int>(at)];
    here = datasets_of(unit, read.context->base_folder);
    const auto& schema = unit.resolved != nullptr ? unit.resolved : unit.outputs.front().schema;
    for (const auto& place : here) {
      made->inputs.push_back(dataset_json(place, {{"schema", schema_facet(*schema)}}));
      made->units[place.space + " " + place.name] = unit.definition.name;
    }
  }
  for (const auto& [number, rows] : lineage_of(*read.what)) {
    const auto& unit = units[static_cast<std::size_t>(number)];
    for (const auto& place : datasets_of(unit, read.context->base_folder)) {
      made->outputs.push_back(dataset_json(place, {{"schema", schema_facet(*unit.inputs.front().schema)},
                                                   {"columnLineage", column_lineage_facet(rows, places)}}));
      made->units[place.space + " " + place.name] = unit.definition.name;
    }
  }
  record.plan.clear();
  made->record = std::move(record);
  const std::lock_guard guard(lock_);
  if (known_.size() >= most_known) known_.clear();
  known_[run] = made;
  return std::shared_ptr<const known_run>(made);
}

result<options> event_maker::make(const notice& what) {
  if (what.kind == "test") return probe(what, space_);
  const auto& event = what.events.front();
  const auto type = type_of(event.type);
  if (type.empty() || what.kind != "event" || event.run.empty() || !what.record) return options();
  SLUICE_ASSIGN(const auto of, find(what, event.run));
  auto inputs = of->inputs;
  auto outputs = of->outputs;
  const bool over = type == "COMPLETE" || type == "FAIL" || type == "ABORT";
  if (over) {
    const auto broken = broken_rules(event.data);
    for (auto& input : inputs) {
      const auto& unit = of->units.at(input["namespace"].text() + " " + input["name"].text());
      options facets = options::object();
      if (auto counts = statistics(event.data, unit, "out"); !counts.is_null())
        facets["inputStatistics"] = facet("1-0-0/InputStatisticsInputDatasetFacet", std::move(counts));
      if (auto rules = assertions_of(*of->what, *of->what->find(unit), broken); !rules.empty())
        facets["dataQualityAssertions"] =
            facet("1-1-0/DataQualityAssertionsDatasetFacet", {{"assertions", std::move(rules)}});
      input["inputFacets"] = std::move(facets);
    }
    for (auto& output : outputs) {
      const auto& unit = of->units.at(output["namespace"].text() + " " + output["name"].text());
      options facets = options::object();
      // Of a run that failed nothing is visible.
      if (auto counts = statistics(event.data, unit, "out"); !counts.is_null() && type == "COMPLETE")
        facets["outputStatistics"] = facet("1-0-2/OutputStatisticsOutputDatasetFacet", std::move(counts));
      output["outputFacets"] = std::move(facets);
    }
  }
  return options{
      {"eventType", type},
      {"eventTime", time_of(event.time)},
      {"producer", producer()},
      {"schemaURL", "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
      {"run", {{"runId", event.run}, {"facets", run_facets(of->record, event, space_)}}},
      {"job", {{"namespace", space_}, {"name", event.pipeline}, {"facets", job_facets(*of->what, of->record)}}},
      {"inputs", std::move(inputs)},
      {"outputs", std::move(outputs)}};
}

}  // namespace sluice::lineage
