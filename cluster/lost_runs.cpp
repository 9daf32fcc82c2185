#include "cluster/lost_runs.hpp"

namespace sluice::cluster {

store::change death_of(const store::run_record& run, std::int64_t term) {
  store::change what;
  what.run = run.id;
  what.state = store::run_state::failed;
  what.term = term;
  what.cause = options{{"code", "engine_died"},
                       {"message", "the process that ran it (pid " + std::to_string(run.pid) + ") is gone"},
                       {"hint", "nothing unfinished was published; run it again"}};
  store::event failed;
  failed.type = "run.failed";
  failed.data = {{"state", "failed"}, {"cause", *what.cause}};
  what.events.push_back(std::move(failed));
  return what;
}

result<std::int64_t> fail_lost_runs(store::store& in, std::int64_t term) {
  store::run_query query;
  query.limit = 10000;
  query.states = {store::run_state::queued, store::run_state::starting, store::run_state::running,
                  store::run_state::draining};
  SLUICE_ASSIGN(const auto open, in.runs(query));
  std::int64_t lost = 0;
  for (const auto& run : open) {
    if (run.pid == 0 || run.pid_started == 0 || is_alive(run)) continue;
    SLUICE_TRY(in.apply(death_of(run, term > 0 ? term : run.term)));
    ++lost;
  }
  return lost;
}

}  // namespace sluice::cluster
