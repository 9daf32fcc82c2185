#include "config/other_inputs.hpp"

#include "engine/component/json_pointer.hpp"
#include "engine/error/names.hpp"
#include "engine/operators/reconcile/reconciled_sink.hpp"
#include "engine/operators/validation/rules.hpp"
#include "engine/plan/unit_graph.hpp"

#include <algorithm>

namespace sluice::config {

namespace {

class adder {
 public:
  adder(pipeline& of, diagnostics& faults) : of_(of), faults_(faults) {
    for (const auto& unit : of.units) {
      incomplete_ = incomplete_ || unit.name.empty();
      if (unit.role != unit_role::load) names_.push_back(unit.name);
    }
  }

  void run() {
    std::vector<unit_definition> all;
    for (auto& unit : of_.units) {
      if (unit.role == unit_role::transform && unit.component == "validate") add_references(unit);
      if (unit.role == unit_role::load && unit.own.is_object() && unit.own.contains(wanted_reconcile) &&
          unit.own.at(wanted_reconcile).contains("with"))
        add_reconcile(unit, all);
      all.push_back(std::move(unit));
    }
    of_.units = std::move(all);
  }

 private:
  /// False, with a fault, where there is no such unit.
  bool known(unit_definition& of, const std::string& reference, const std::string& path) {
    const auto name = reference.substr(0, reference.find('.'));
    if (incomplete_ || std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
    const auto near = nearest_name(name, names_);
    faults_.push_back(
        unit_fault(of, path, "unknown_unit", "there is no unit " + name,
                   near.empty() ? "name a unit of extract or transform" : "did you mean `" + near + "`?"));
    of.faulty = true;
    return false;
  }

  void add_references(unit_definition& unit) {
    if (!unit.own.is_object()) return;
    for (const auto& [rule, own] : unit.own.items()) {
      if (!own.is_object() || !own.contains("references")) continue;
      for (const auto& [column, text] : own.at("references").items()) {
        const auto other = validation::referenced(text.text()).first;
        if (other.empty() || !known(unit, other, pointer({"validate", rule, "references", column}))) continue;
        const auto first = unit.from.begin() + std::min<std::ptrdiff_t>(1, std::ssize(unit.from));
        if (std::find(first, unit.from.end(), other) == unit.from.end()) unit.from.push_back(other);
      }
    }
  }

  /// The unit of its own passes the sink's rows on, and compares them. The sink compares with them what it has written.
  void add_reconcile(unit_definition& sink, std::vector<unit_definition>& before) {
    const auto asked = sink.own.at(wanted_reconcile);
    sink.own[wanted_reconcile].erase("with");
    const auto with = asked.value("with", std::string());
    if (sink.from.size() != 1 || !known(sink, with, "/reconcile/with")) return;
    unit_definition made;
    made.role = unit_role::transform;
    made.name = sink.name + "_reconcile";
    for (int number = 2;
         std::any_of(of_.units.begin(), of_.units.end(), [&](const auto& one) { return one.name == made.name; });
         ++number)
      made.name = sink.name + "_reconcile_" + std::to_string(number);
    made.faulty = sink.faulty;
    made.place = sink.place;
    made.from = {sink.from.front(), with};
    made.component = "reconcile";
    made.own = options::object();
    made.own[reconciled_sink] = sink.name;
    for (const auto& [name, value] : asked.items())
      if (name != "with" && !value.is_null()) made.own[name] = value;
    sink.from = {made.name};
    before.push_back(std::move(made));
  }

  pipeline& of_;
  diagnostics& faults_;
  std::vector<std::string> names_;
  bool incomplete_ = false;  ///< a section could not be read
};

}  // namespace

void add_other_inputs(pipeline& of, diagnostics& faults) { adder(of, faults).run(); }

}  // namespace sluice::config
