#include "engine/plan/replay.hpp"

#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

namespace {

/// Transforms whose result for a row depends on that row alone.
constexpr std::array<std::string_view, 13> row_wise = {"cast",          "derive", "drop",  "filter", "flatten",
                                                       "nest",          "rename", "route", "select", "steps",
                                                       "surrogate_key", "union",  "unnest"};

bool is_row_wise(std::string_view component) {
  return std::find(row_wise.begin(), row_wise.end(), component) != row_wise.end();
}

std::string unit_of(const std::string& from) { return from.substr(0, from.find('.')); }

std::string replayed(const std::string& unit) { return "replay_" + unit; }

error not_replayable(const std::string& unit, const std::string& why, const std::string& hint) {
  auto made = user_error("not_replayable", "the rejects can't be replayed: unit " + unit + " " + why, hint);
  made.where = "unit " + unit;
  return made;
}

class cut {
 public:
  cut(pipeline& what, const plan& recorded, const records_of_units& records)
      : what_(what), recorded_(recorded), records_(records) {}

  status make() {
    for (const auto& [unit, path] : records_) SLUICE_TRY(enter(unit, path));
    for (bool more = true; more;) {
      more = false;
      for (const auto& unit : what_.units)
        if (!kept_.contains(unit.name) && reads_kept(unit)) more = kept_.insert(unit.name).second;
    }
    join_entries();
    for (auto& unit : what_.units)
      if (kept_.contains(unit.name) && !sources_.contains(unit.name)) SLUICE_TRY(check(unit));
    std::erase_if(what_.units, [&](const auto& unit) { return !kept_.contains(unit.name); });
    for (auto& source : made_) what_.units.insert(what_.units.begin(), std::move(source));
    return {};
  }

 private:
  unit_definition* find(const std::string& name) {
    const auto found =
        std::find_if(what_.units.begin(), what_.units.end(), [&](const auto& one) { return one.name == name; });
    return found == what_.units.end() ? nullptr : &*found;
  }

  [[nodiscard]] bool reads_kept(const unit_definition& unit) const {
    return std::any_of(unit.from.begin(), unit.from.end(), [&](const auto& from) {
      return kept_.contains(unit_of(from)) || sources_.contains(unit_of(from));
    });
  }

  status enter(const std::string& name, const std::string& path) {
    auto* unit = find(name);
    // A record that was replayed before and rejected by its own source.
    if (unit == nullptr && name.starts_with("replay_")) unit = find(name.substr(std::string("replay_").size()));
    const auto index = recorded_.find(name);
    if (unit == nullptr || !index)
      return not_replayable(name, "is not in the pipeline any more", "sluice rejects export writes them to a file");
    const auto& planned = recorded_.units[static_cast<std::size_t>(*index)];
    if (unit->role == unit_role::extract) return enter_source(*unit, planned, path);
    if (planned.inputs.size() != 1 && unit->component != "union")
      return not_replayable(name, "has several inputs, and its rejects don't say which one they came from",
                            "sluice rejects export writes them to a file");
    unit_definition source;
    source.role = unit_role::extract;
    source.name = replayed(unit->name);
    source.component = "ndjson";
    source.own = {{"path", path}};
    source.types = options::object();
    for (const auto& field : planned.inputs.front().schema->fields())
      source.types[field->name()] = type_name(*field->type());
    before_[unit->name] = std::exchange(unit->from, {source.name});
    kept_.insert(unit->name);
    sources_.insert(source.name);
    made_.push_back(std::move(source));
    return {};
  }

  /// A unit whose rejects are replayed may also get rows that are replayed from further above.
  void join_entries() {
    for (const auto& [name, before] : before_) {
      std::vector<std::string> from;
      for (const auto& one : before)
        if (kept_.contains(unit_of(one)) || sources_.contains(unit_of(one))) from.push_back(one);
      auto* unit = find(name);
      if (unit == nullptr || from.empty()) continue;
      from.push_back(unit->from.front());
      if (unit->component == "union") {
        unit->from = from;
        continue;
      }
      unit_definition both;
      both.role = unit_role::transform;
      both.name = "with_" + unit->from.front();
      both.component = "union";
      both.own = options::object();
      both.from = std::move(from);
      unit->from = {both.name};
      sources_.insert(both.name);  // it needs no check
      made_.push_back(std::move(both));
    }
  }

  status enter_source(unit_definition& unit, const planned_unit& planned, const std::string& path) {
    if (!unit.metadata.is_null() && !unit.metadata.empty())
      return not_replayable(unit.name, "has metadata: of the place of a row, which a replayed record does not have",
                            "sluice rejects export writes the records to a file");
    const auto format = unit.own.is_object() ? unit.own.value("format", "") : "";
    if (unit.component == "csv") {
      options own = unit.own.is_object() ? unit.own : options::object();
      own["path"] = path;
      own["compression"] = "none";
      own["encoding"] = "utf-8";
      own["skip_rows"] = 0;
      own["header"] = options::array();
      for (const auto& field : planned.resolved->fields()) own["header"].push_back(field->name());
      unit.own = std::move(own);
    } else if (unit.component == "ndjson" || format == "json") {
      unit.component = "ndjson";
      unit.own = {{"path", path}};
    } else {
      return not_replayable(
          unit.name,
          "reads " + (format.empty() ? unit.component : format) + ", whose records can not be written as lines",
          "sluice rejects export writes them to a file");
    }
    unit.incremental = {};
    unit.time = {};
    unit.contract = column_contract::none;
    if (unit.types.is_null()) unit.types = options::object();
    for (const auto& field : planned.resolved->fields())
      if (!unit.types.contains(field->name())) unit.types[field->name()] = type_name(*field->type());
    kept_.insert(unit.name);
    sources_.insert(unit.name);
    return {};
  }

  status check(unit_definition& unit) {
    if (unit.role == unit_role::load) return check_sink(unit);
    // Inputs that bring nothing are left out of a union; elsewhere they are needed.
    if (unit.component == "union")
      std::erase_if(unit.from, [&](const auto& from) {
        return !kept_.contains(unit_of(from)) && !sources_.contains(unit_of(from));
      });
    const auto refuse = [&](const std::string& component) {
      return not_replayable(unit.name,
                            "is a " + component + ": it sees rows together, and would see the replayed ones alone",
                            "sluice rejects export writes them to a file, which another pipeline can load");
    };
    if (!is_row_wise(unit.component)) return refuse(unit.component);
    if (unit.component != "steps" || !unit.own.is_array()) return {};
    for (const auto& step : unit.own)
      for (const auto& [operation, value] : step.items())
        if (!is_row_wise(operation)) return refuse(operation);
    return {};
  }

  static status check_sink(const unit_definition& unit) {
    if (unit.mode == "append" || unit.mode == "upsert" || unit.component == "kafka" || unit.component == "blackhole" ||
        unit.component == "stdout")
      return {};
    return not_replayable(unit.name,
                          "would replace its target with the replayed rows alone (mode: " +
                              (unit.mode.empty() ? std::string("replace") : unit.mode) + ")",
                          "only sinks with mode: append or upsert take more rows; sluice rejects export writes the "
                          "records to a file");
  }

  pipeline& what_;
  const plan& recorded_;
  const records_of_units& records_;
  std::set<std::string> kept_;
  std::set<std::string> sources_;
  std::map<std::string, std::vector<std::string>> before_;  ///< what entries read in the pipeline
  std::vector<unit_definition> made_;
};

}  // namespace

status cut_for_replay(pipeline& what, const plan& recorded, const records_of_units& records) {
  return cut(what, recorded, records).make();
}

}  // namespace sluice
