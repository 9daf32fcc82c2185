#include "engine/runs/carry_over.hpp"

#include "engine/error/names.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <array>

namespace sluice {

namespace {

/// Options that say what a source reads or a sink writes, by whatever component.
constexpr std::array<const char*, 9> object_options = {"path",    "topic",    "queue", "table", "query",
                                                       "columns", "exchange", "rows",  "url"};

/// What it reads or writes, as text: other options may change.
std::string object_of(const unit_definition& unit) {
  if (!unit.own.is_object()) return unit.component + " " + unit.own.dump();
  options object = options::object();
  for (const auto* name : object_options)
    if (const auto found = unit.own.find(name); found != unit.own.end()) object[name] = *found;
  return unit.component + " " + object.dump();
}

bool same_inputs(const planned_unit& a, const planned_unit& b) {
  return std::equal(a.inputs.begin(), a.inputs.end(), b.inputs.begin(), b.inputs.end(),
                    [](const auto& x, const auto& y) { return x.schema->Equals(*y.schema); });
}

/// Whether what one holds fits the other.
bool same_state(const planned_unit& a, const planned_unit& b) {
  return a.definition.component == b.definition.component && a.definition.own == b.definition.own && same_inputs(a, b);
}

bool same_unit(const planned_unit& a, const planned_unit& b) {
  const auto& x = a.definition;
  const auto& y = b.definition;
  return same_state(a, b) && a.parallelism == b.parallelism && x.from == y.from && x.mode == y.mode && x.key == y.key &&
         x.types == y.types && x.columns == y.columns && x.metadata == y.metadata && x.time.column == y.time.column &&
         x.time.out_of_order == y.time.out_of_order && x.time.idle == y.time.idle && a.policy == b.policy;
}

/// Whether instances and channels mean the same in both.
bool same_shape(const plan& a, const plan& b) {
  const bool units =
      std::equal(a.units.begin(), a.units.end(), b.units.begin(), b.units.end(), [](const auto& x, const auto& y) {
        return x.definition.name == y.definition.name && x.definition.role == y.definition.role &&
               x.parallelism == y.parallelism && x.rejects_port == y.rejects_port &&
               x.outputs.size() == y.outputs.size();
      });
  return units &&
         std::equal(a.edges.begin(), a.edges.end(), b.edges.begin(), b.edges.end(), [](const auto& x, const auto& y) {
           return x.from_unit == y.from_unit && x.from_port == y.from_port && x.to_unit == y.to_unit &&
                  x.to_input == y.to_input && x.kind == y.kind && x.keys == y.keys;
         });
}

class comparison {
 public:
  comparison(const plan& before, const flow::run_snapshot& at, const plan& now, const std::set<std::string>& drop)
      : before_(before), at_(at), now_(now), drop_(drop) {}

  result<carried_over> make() {
    for (const auto& unit : drop_)
      if (!before_.find(unit) && !now_.find(unit))
        return user_error("bad_arguments", "--drop-state: there is no unit " + unit, did_you_mean(unit));
    for (const auto& unit : before_.units) look_at(unit);
    for (const auto& unit : now_.units)
      if (!before_.find(unit.definition.name)) {
        differ(unit, "new");
        if (unit.definition.role == unit_role::load) made_.fresh_sinks.insert(unit.definition.name);
      }
    if (!refused_.empty()) return refusal();
    if (drop_.empty() && same_shape(before_, now_)) {
      made_.snapshot = at_;
      made_.snapshot.sources = sources_;
      return std::move(made_);
    }
    made_.snapshot.sources = sources_;
    for (const auto& [unit, splits] : sources_)
      if (const auto risen = at_.watermarks.find(unit); risen != at_.watermarks.end() && !splits.empty())
        made_.snapshot.watermarks.insert(*risen);
    made_.snapshot.inputs = at_.inputs;
    made_.snapshot.rejects_rows = at_.rejects_rows;
    made_.snapshot.rejects_bytes = at_.rejects_bytes;
    for (const auto& one : at_.instances) keep(one);
    return std::move(made_);
  }

 private:
  [[nodiscard]] bool drops(const std::string& unit) const { return drop_.contains(unit); }

  void differ(const planned_unit& unit, const std::string& how) {
    made_.differences.push_back(unit.definition.name + ": " + how);
  }

  void look_at(const planned_unit& old) {
    const auto& name = old.definition.name;
    const auto index = now_.find(name);
    const auto* next = index ? &now_.units[static_cast<std::size_t>(*index)] : nullptr;
    if (next != nullptr && next->definition.role != old.definition.role) next = nullptr;
    if (next == nullptr)
      differ(old, "gone");
    else if (!same_unit(old, *next))
      differ(old, "changed");
    if (old.definition.role == unit_role::extract) return look_at_source(old, next);
    if (old.definition.role == unit_role::load) {
      if (next != nullptr && object_of(old.definition) != object_of(next->definition)) made_.fresh_sinks.insert(name);
      return;
    }
    if (!holds(old) || drops(name)) return;
    if (next == nullptr)
      refuse(name, "holds rows, and it is not there any more");
    else if (!same_state(old, *next))
      refuse(name, "holds rows, and its options or inputs have changed");
  }

  void look_at_source(const planned_unit& old, const planned_unit* next) {
    const auto& name = old.definition.name;
    const auto found = at_.sources.find(name);
    if (found == at_.sources.end()) return;
    if (drops(name)) {
      sources_[name];
      return;
    }
    if (next == nullptr) return;
    if (object_of(old.definition) == object_of(next->definition))
      sources_[name] = found->second;
    else
      refuse(name, "has a position in " + object_of(old.definition) + ", and it reads " + object_of(next->definition) +
                       " now");
  }

  /// Whether any of its instances has a state in the checkpoint.
  [[nodiscard]] bool holds(const planned_unit& unit) const {
    const auto index = static_cast<std::uint32_t>(*before_.find(unit.definition.name));
    return std::any_of(at_.instances.begin(), at_.instances.end(), [&](const auto& one) {
      return one.report.who.unit == index && (!one.state.name.empty() || one.held > 0);
    });
  }

  /// What a transform holds, as that of its successor; its counts begin at zero.
  void keep(const flow::instance_snapshot& old) {
    const auto& unit = before_.units[old.report.who.unit];
    const auto index = now_.find(unit.definition.name);
    if (unit.definition.role != unit_role::transform || !index || drops(unit.definition.name)) return;
    const auto& next = now_.units[static_cast<std::size_t>(*index)];
    // fit_snapshot has to see all of them where there are now more, or fewer.
    if (old.state.name.empty() && old.held == 0 && unit.parallelism == next.parallelism) return;
    // Its inputs and outputs begin afresh, and so do the places of rows in them.
    flow::instance_snapshot kept{.held = old.held, .state = old.state};
    kept.report.who = {static_cast<std::uint32_t>(*index), old.report.who.instance};
    made_.snapshot.instances.push_back(std::move(kept));
  }

  void refuse(const std::string& unit, const std::string& why) { refused_.emplace_back(unit, why); }

  [[nodiscard]] error refusal() const {
    std::string message = "the pipeline was edited, and what the last checkpoint has does not fit any more: ";
    std::string forget;
    for (const auto& [unit, why] : refused_) {
      message += (forget.empty() ? "" : "; ") + ("unit " + unit + " " + why);
      forget += " --drop-state " + unit;
    }
    auto made = user_error("pipeline_changed", std::move(message),
                           "undo the change, or forget what it has:" + forget +
                               "; or start again with --fresh: what was loaded then comes again");
    made.where = "unit " + refused_.front().first;
    return made;
  }

  [[nodiscard]] std::string did_you_mean(const std::string& unit) const {
    std::vector<std::string> names;
    for (const auto& one : now_.units) names.push_back(one.definition.name);
    const auto near = nearest_name(unit, names);
    return near.empty() ? "" : "did you mean " + near + "?";
  }

  const plan& before_;
  const flow::run_snapshot& at_;
  const plan& now_;
  const std::set<std::string>& drop_;
  carried_over made_;
  std::map<std::string, flow::source_progress> sources_;
  std::vector<std::pair<std::string, std::string>> refused_;
};

}  // namespace

result<carried_over> carry_over(const plan& before, const flow::run_snapshot& at, const plan& now,
                                const std::set<std::string>& drop) {
  return comparison(before, at, now, drop).make();
}

}  // namespace sluice
