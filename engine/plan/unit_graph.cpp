#include "engine/plan/unit_graph.hpp"

#include "engine/error/names.hpp"

#include <algorithm>
#include <map>

namespace sluice {

namespace {

/// Walks the units depth first, inputs before readers. Where a circle closes, the input is taken away and reported.
class sorter {
 public:
  sorter(const pipeline& definition, unit_graph& graph, diagnostics& faults)
      : units_(definition.units), graph_(graph), faults_(faults), states_(units_.size(), state::fresh) {}

  void run() {
    for (std::size_t unit = 0; unit < units_.size(); ++unit) visit(static_cast<int>(unit));
  }

 private:
  enum class state { fresh, open, done };

  void visit(int unit) {
    auto& mine = states_[static_cast<std::size_t>(unit)];
    if (mine == state::done) return;
    mine = state::open;
    path_.push_back(unit);
    auto& inputs = graph_.inputs[static_cast<std::size_t>(unit)];
    auto& missing = graph_.missing[static_cast<std::size_t>(unit)];
    std::vector<input_reference> kept;
    std::size_t place = 0;  // in `from`
    for (const auto& input : inputs) {
      while (std::find(missing.begin(), missing.end(), place) != missing.end()) ++place;
      if (states_[static_cast<std::size_t>(input.unit)] == state::open) {
        report(input.unit);
        missing.push_back(place);
      } else {
        visit(input.unit);
        kept.push_back(input);
      }
      ++place;
    }
    inputs = std::move(kept);
    path_.pop_back();
    mine = state::done;
    graph_.order.push_back(unit);
  }

  void report(int unit) {
    const auto first = std::find(path_.begin(), path_.end(), unit);
    std::string text = units_[static_cast<std::size_t>(unit)].name;
    for (auto at = path_.end(); at != first;) text += " -> " + units_[static_cast<std::size_t>(*--at)].name;
    faults_.push_back(unit_fault(units_[static_cast<std::size_t>(unit)], "/from", "cycle",
                                 "the units read each other in a cycle: " + text,
                                 "a unit may only read units that do not depend on it"));
  }

  const std::vector<unit_definition>& units_;
  unit_graph& graph_;
  diagnostics& faults_;
  std::vector<state> states_;
  std::vector<int> path_;
};

void check_readers(const pipeline& definition, const unit_graph& graph, diagnostics& faults) {
  std::vector<bool> read(definition.units.size(), false);
  for (const auto& inputs : graph.inputs)
    for (const auto& input : inputs)
      if (input.port != rejects_port_name) read[static_cast<std::size_t>(input.unit)] = true;
  for (std::size_t at = 0; at < definition.units.size(); ++at) {
    const auto& unit = definition.units[at];
    if (unit.role == unit_role::load || read[at]) continue;
    faults.push_back(unit_fault(unit, {}, "unread_unit", "no unit reads this unit, so its rows would be lost",
                                "add a load with from: " + unit.name + ", or remove the unit"));
  }
}

}  // namespace

error unit_fault(const unit_definition& unit, const std::string& path, std::string code, std::string message,
                 std::string hint) {
  auto made = user_error(std::move(code), std::move(message), std::move(hint));
  made.where = "unit " + unit.name;
  made.path = unit_path(unit) + path;
  return made;
}

unit_graph resolve_units(const pipeline& definition, diagnostics& faults) {
  unit_graph graph;
  graph.inputs.resize(definition.units.size());
  graph.missing.resize(definition.units.size());
  const auto before = faults.size();
  const bool incomplete =
      std::any_of(definition.units.begin(), definition.units.end(), [](const auto& unit) { return unit.name.empty(); });
  std::map<std::string, int> index;
  std::vector<std::string> names;
  for (std::size_t at = 0; at < definition.units.size(); ++at) {
    const auto& unit = definition.units[at];
    if (unit.name.empty()) continue;
    if (!index.emplace(unit.name, static_cast<int>(at)).second)
      faults.push_back(
          unit_fault(unit, {}, "duplicate_unit", "there are two units named " + unit.name, "rename one of them"));
    else if (unit.role != unit_role::load)
      names.push_back(unit.name);
  }
  for (std::size_t at = 0; at < definition.units.size(); ++at) {
    const auto& unit = definition.units[at];
    for (std::size_t input = 0; input < unit.from.size(); ++input) {
      const auto& text = unit.from[input];
      const auto path = "/from/" + std::to_string(input);
      const auto dot = text.find('.');
      const auto name = text.substr(0, dot);
      const auto port = dot == std::string::npos ? std::string() : text.substr(dot + 1);
      const auto found = index.find(name);
      if (found == index.end()) {
        const auto near = nearest_name(name, names);
        if (!incomplete)
          faults.push_back(unit_fault(
              unit, path, "unknown_unit", "there is no unit " + name,
              near.empty() ? "from: must name a unit of extract or transform" : "did you mean `" + near + "`?"));
      } else if (definition.units[static_cast<std::size_t>(found->second)].role == unit_role::load &&
                 port != rejects_port_name) {
        faults.push_back(
            unit_fault(unit, path, "reads_a_sink", name + " is a sink and has no output",
                       "read the unit that it reads: from: " +
                           (definition.units[static_cast<std::size_t>(found->second)].from.empty()
                                ? std::string("...")
                                : definition.units[static_cast<std::size_t>(found->second)].from.front())));
      } else {
        graph.inputs[at].push_back({found->second, port});
        continue;
      }
      graph.missing[at].push_back(input);
    }
  }
  const bool all_named = std::all_of(definition.units.begin(), definition.units.end(), [](const auto& unit) {
    return unit.role == unit_role::extract || !unit.from.empty();
  });
  // With a fault or an unknown name in a `from`, the unit that was meant would be reported as unread as well.
  const bool resolved = faults.size() == before && all_named && !incomplete;
  if (resolved) check_readers(definition, graph, faults);
  sorter(definition, graph, faults).run();
  return graph;
}

}  // namespace sluice
