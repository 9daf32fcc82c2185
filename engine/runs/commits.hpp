#pragma once

#include "engine/component/component.hpp"
#include "engine/component/interrupt_switch.hpp"
#include "engine/plan/plan.hpp"
#include "engine/store/manifest.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace sluice {

/// Makes the sink of a unit; tests put their own in its place.
using sink_maker = std::function<result<std::unique_ptr<sink>>(const plan&, int unit, const run_context&)>;

/// What has become of the commit of one sink.
struct sink_outcome {
  store::prepared_sink what;
  std::optional<error> problem = {};  ///< none: its rows are visible
};

/// Makes visible what sinks have prepared, in this process or in one that has died. Repeating it changes nothing.
/// Blocks; `stop` lets it end soon, with what can be done without waiting for others.
std::vector<sink_outcome> commit_prepared(const plan& of, const run_context& context, const sink_maker& make,
                                          const std::vector<store::prepared_sink>& prepared,
                                          interrupt_switch<sink>* stop = nullptr);

/// Removes what the sinks of a run have left that will never be committed, and keeps what `prepared` names. What can't
/// be removed stays. Called when no other process works on the run. Blocks.
void remove_leftovers(const plan& of, const run_context& context, const sink_maker& make,
                      const std::vector<store::prepared_sink>& prepared);

/// The same, where nobody goes on with what `held` names, which was prepared for the end of a run.
void remove_held(const plan& of, const run_context& context, const sink_maker& make,
                 const std::vector<store::prepared_sink>& held);

/// The same, where what `prepared` names is not to be committed yet. Gives why something may be left, which a sink that
/// is not reached does: the first reason.
status keep_prepared(const plan& of, const run_context& context, const sink_maker& make,
                     const std::vector<store::prepared_sink>& prepared);

/// Whether trying again can't help: the target is another one than it was, or does not want the rows.
bool is_refused(const error& problem);

/// Says what each sink shows, where one of them refuses (commit_refused) or has failed for now (commit_unfinished).
error commit_problem(const std::vector<sink_outcome>& outcomes);

}  // namespace sluice
