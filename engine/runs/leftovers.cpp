#include "engine/runs/leftovers.hpp"

#include "engine/runs/record.hpp"
#include "engine/runs/resume.hpp"

namespace sluice {

namespace {

/// Runs that are looked at, the newest first: brokers and servers forget what is older by themselves.
constexpr std::int64_t newest_runs = 100;

bool may_have_left(const store::run_record& run) {
  return store::is_final(run.state) && run.summary.is_object() && run.summary.value(leftovers_key, false);
}

}  // namespace

void remove_old_leftovers(store::store& in, const std::string& pipeline, const options& params, const sink_maker& make,
                          const std::vector<store::prepared_sink>& kept) {
  const auto runs = in.runs({.pipeline = pipeline, .limit = newest_runs});
  if (!runs.ok()) return;
  for (const auto& run : *runs) {
    if (!may_have_left(run) || !same_params(run.params, params)) continue;
    // What a target has refused is kept for the next try.
    const auto due = in.due_commits(run.id);
    if (!due.ok() || !due->empty()) continue;
    const auto whole = in.find_run(run.id);  // the list has no plans
    if (!whole.ok()) continue;
    const auto recorded = read_record(*whole);
    if (recorded.ok()) (void)keep_prepared(*recorded->what, *recorded->context, make, kept);
  }
}

}  // namespace sluice
