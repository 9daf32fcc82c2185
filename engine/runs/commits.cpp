#include "engine/runs/commits.hpp"

#include "engine/component/grows_in_place.hpp"

#include <algorithm>
#include <exception>
#include <map>

namespace sluice {

namespace {

/// Calls a component; an exception that leaves it all the same becomes its error.
template <class Call>
auto guarded(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& problem) {
    return internal_error("component_threw", std::string("can't publish the target: ") + problem.what());
  }
}

std::optional<int> find_unit(const plan& of, const std::string& name) {
  for (std::size_t i = 0; i < of.units.size(); ++i)
    if (of.units[i].definition.name == name && of.units[i].definition.role == unit_role::load)
      return static_cast<int>(i);
  return std::nullopt;
}

status commit_one(const plan& of, const run_context& context, const sink_maker& make, const store::prepared_sink& what,
                  interrupt_switch<sink>* stop) {
  const auto unit = find_unit(of, what.unit);
  if (!unit) return internal_error("unknown_unit", "the run has no load unit " + what.unit);
  SLUICE_ASSIGN(const auto made, guarded([&] { return make(of, *unit, context); }));
  if (stop != nullptr) stop->connect(made.get());
  auto done = guarded([&] { return made->commit(what.token); });
  if (stop != nullptr) stop->connect(nullptr);
  return done;
}

std::string rows_text(std::uint64_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); }

}  // namespace

std::vector<sink_outcome> commit_prepared(const plan& of, const run_context& context, const sink_maker& make,
                                          const std::vector<store::prepared_sink>& prepared,
                                          interrupt_switch<sink>* stop) {
  std::vector<sink_outcome> outcomes;
  for (const auto& what : prepared) {
    // Epochs of a sink become visible in their order.
    const auto before = std::find_if(outcomes.begin(), outcomes.end(), [&](const auto& one) {
      return one.problem && one.what.unit == what.unit && one.what.instance == what.instance;
    });
    if (before != outcomes.end()) {
      outcomes.push_back({.what = what, .problem = before->problem});
      continue;
    }
    auto done = commit_one(of, context, make, what, stop);
    outcomes.push_back({.what = what, .problem = done.ok() ? std::nullopt : std::optional(std::move(done).problem())});
  }
  return outcomes;
}

void remove_leftovers(const plan& of, const run_context& context, const sink_maker& make,
                      const std::vector<store::prepared_sink>& prepared) {
  for (std::size_t unit = 0; unit < of.units.size(); ++unit) {
    const auto& definition = of.units[unit].definition;
    if (definition.role != unit_role::load) continue;
    std::vector<std::string> tokens;
    for (const auto& one : prepared)
      if (one.unit == definition.name) tokens.push_back(one.token);
    const auto made = guarded([&] { return make(of, static_cast<int>(unit), context); });
    if (made.ok()) (void)guarded([&] { return (*made)->recover(tokens); });
  }
}

void remove_held(const plan& of, const run_context& context, const sink_maker& make,
                 const std::vector<store::prepared_sink>& held) {
  // An earlier run may have begun what grows: it is found by its token only.
  for (const auto& one : held) {
    const auto unit = find_unit(of, one.unit);
    if (!holds_earlier(one.token) || !unit) continue;
    const auto made = guarded([&] { return make(of, *unit, context); });
    auto* const growing = made.ok() ? dynamic_cast<grows_in_place*>(made->get()) : nullptr;
    if (growing != nullptr) growing->forget(one.token);
  }
  remove_leftovers(of, context, make, {});
}

status keep_prepared(const plan& of, const run_context& context, const sink_maker& make,
                     const std::vector<store::prepared_sink>& prepared) {
  status first;
  for (std::size_t unit = 0; unit < of.units.size(); ++unit) {
    const auto& definition = of.units[unit].definition;
    if (definition.role != unit_role::load) continue;
    std::vector<std::string> tokens;
    for (const auto& one : prepared)
      if (one.unit == definition.name) tokens.push_back(one.token);
    const auto made = guarded([&] { return make(of, static_cast<int>(unit), context); });
    auto done = made.ok() ? guarded([&] { return tokens.empty() ? (*made)->recover({}) : (*made)->keep(tokens); })
                          : status(made.problem());
    if (first.ok()) first = std::move(done);
  }
  return first;
}

bool is_refused(const error& problem) {
  if (problem.code == "missing_secret") return false;  // whoever has it can still commit
  static const std::vector<std::string> lasting = {"target_changed", "prepared_lost", "spill_log_damaged"};
  return problem.to_blame == blame::user || std::find(lasting.begin(), lasting.end(), problem.code) != lasting.end();
}

error commit_problem(const std::vector<sink_outcome>& outcomes) {
  std::string visible;
  std::string missing;
  const error* first = nullptr;
  bool refused = false;
  for (const auto& [what, problem] : outcomes) {
    auto& list = problem ? missing : visible;
    list += (list.empty() ? "" : ", ") + what.unit + " (" + what.target + ", " + rows_text(what.rows) + ")";
    if (!problem) continue;
    if (first == nullptr || (!refused && is_refused(*problem))) first = &*problem;
    refused = refused || is_refused(*problem);
  }
  error made = refused ? external_error("commit_refused", "a target refused the rows of the run: ")
                       : external_error("commit_unfinished",
                                        "the outputs are complete, but can't be made visible yet: ", {}, true);
  if (first != nullptr) {
    made.message += first->message;
    made.where = first->where;
    made.hint = first->hint;
  }
  made.message += "; visible: " + (visible.empty() ? "nothing" : visible) + "; not visible: " + missing;
  made.hint += (made.hint.empty() ? "" : "; ") +
               std::string("what is not visible yet is kept: the next run of the pipeline publishes it first") +
               (refused ? ", or discards it with --fresh" : "");
  return made;
}

}  // namespace sluice
