#include "actors/run/lost_tries.hpp"

#include "actors/run/adoption.hpp"
#include "actors/run/next_try.hpp"
#include "engine/flow/retries.hpp"
#include "engine/runs/lost_runs.hpp"

#include <chrono>

namespace sluice::actors {

namespace {

error error_from(const options& cause) {
  return external_error(cause.value("code", ""), cause.value("message", ""), cause.value("hint", ""));
}

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

namespace {

/// Whether it has completed a checkpoint since it went on the last time: the summary that is written with one does not
/// say `epoch` any more.
result<bool> got_further(store::store& in, const store::run_record& run) {
  SLUICE_ASSIGN(const auto complete, in.checkpoints(run.id));
  const auto before = run.summary.is_object() ? run.summary.value("epoch", std::int64_t{0}) : 0;
  return !complete.empty() && complete.front().what.epoch > before;
}

}  // namespace

result<std::optional<lost_try>> find_lost_try(store::store& in, const std::string& run, error cause, options process,
                                              bool of_controller) {
  std::optional<lost_try> none;
  lost_try found;
  found.cause = std::move(cause);
  SLUICE_ASSIGN(found.record, in.find_run(run));
  if (store::is_final(found.record.state)) return none;
  SLUICE_ASSIGN(found.recorded, read_record(found.record));
  SLUICE_ASSIGN(const auto due, in.due_commits(run));
  for (const auto& one : due)
    if (!one.what.end.empty()) return none;
  const auto& summary = found.record.summary;
  if (summary.is_object()) {
    found.attempt = summary.value("attempt", found.attempt);
    found.failures = summary.value("failures", found.failures);
  }
  auto rule = found.recorded.what->definition.retry;
  if (!rule && of_controller && found.recorded.what->checkpoint_interval()) {
    rule = after_loss;
    SLUICE_ASSIGN(const bool further, got_further(in, found.record));
    if (further) found.failures = 0;
  }
  found.again = rule && flow::wait_after(*rule, found.failures + 1, found.recorded.context->seed);
  if (of_controller) {
    SLUICE_ASSIGN(found.adopts, may_be_adopted(in, found.record, *found.recorded.what));
  }
  if (!found.again && !found.adopts) return none;
  const bool first = found.failures == 0 || !found.record.cause.is_object();
  found.tries.first_cause = first ? found.cause : error_from(found.record.cause);
  found.tries.process = std::move(process);
  found.tries.spent = found.record.started > 0 ? now() - found.record.started : 0;
  return std::optional(std::move(found));
}

void take_up(run_setup& setup, const lost_try& lost) {
  setup.attempt = lost.attempt;
  setup.failures = lost.failures;
  setup.tries = std::make_shared<const earlier_tries>(lost.tries);
  setup.died_of = lost.cause;
  setup.adopts = lost.adopts;
  setup.last_try = !lost.again;
}

result<std::vector<std::shared_ptr<const run_setup>>> lost_tries_of_node(store::store& in,
                                                                         const std::string& runs_folder,
                                                                         const run_address& here) {
  std::vector<std::shared_ptr<const run_setup>> all;
  store::run_query query;
  query.limit = 10'000;
  for (const auto state : store::run_states())
    if (!store::is_final(state)) query.states.push_back(state);
  SLUICE_ASSIGN(const auto open, in.runs(query));
  for (const auto& run : open) {
    // Those of `sluice run` are their own parents' to try again.
    if (run.alive || run.node == "local") continue;
    const auto found = find_lost_try(in, run.id, unseen_death(run).cause, {}, true);
    if (!found.ok() || !*found) continue;  // it is ended like any other
    const auto& record = (*found)->record;
    const auto& recorded = (*found)->recorded;
    auto setup = std::make_shared<run_setup>();
    setup->run = run.id;
    setup->what = recorded.what;
    setup->context = recorded.context;
    setup->components = planned_components();
    setup->checkpoint_folder = runs_folder + "/" + run.id + "/checkpoints";
    setup->rejects_path = runs_folder + "/" + run.id + "/rejects.ndjson";
    setup->record = make_record(*recorded.what, *recorded.context, record.params, here);
    setup->claim = claim_of(recorded.what->definition);
    setup->overlap = overlap_rule::queue;
    take_up(*setup, **found);
    all.push_back(std::move(setup));
  }
  return all;
}

}  // namespace sluice::actors
