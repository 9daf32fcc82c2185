#include "engine/store/store_place.hpp"
#include "tests/engine/store/fresh_store.hpp"
#include "tests/engine/store/store_suite.hpp"

#include <catch2/catch.hpp>

namespace sluice::store::testing {

namespace {

store_under_test fresh() {
  const auto in = std::make_shared<fresh_store>();
  return {[in] { return open_store(in->place()).value(); }};
}

}  // namespace

TEST_CASE("the Store keeps runs over a restart", "[store]") { keeps_runs(fresh); }
TEST_CASE("the Store numbers events without gaps", "[store]") { numbers_events(fresh); }
TEST_CASE("the Store knows when a run began that ended at once", "[store]") { times_fast_runs(fresh); }
TEST_CASE("the Store lets nothing change an ended run", "[store]") { guards_final_states(fresh); }
TEST_CASE("the Store refuses a controller whose term is over", "[store]") { guards_terms(fresh); }
TEST_CASE("the Store finds a run by id, prefix, pipeline and last", "[store]") { resolves_references(fresh); }
TEST_CASE("the Store keeps subscribers' cursors", "[store]") { keeps_cursors(fresh); }
TEST_CASE("the Store remembers what sources have taken", "[store]") { remembers_sources(fresh); }
TEST_CASE("the Store lets one live run use a pipeline's state", "[store]") { lets_one_run_use_the_state(fresh); }
TEST_CASE("the Store keeps decisions to commit until they are settled", "[store]") { decides_commits(fresh); }
TEST_CASE("the Store lets nothing pass a commit that was refused", "[store]") { keeps_refused_commits(fresh); }
TEST_CASE("the Store gives a run to another process when its own is dead", "[store]") {
  takes_over_from_the_dead(fresh);
}
TEST_CASE("the Store counts what pipelines have done", "[store]") { counts_for_monitors(fresh); }
TEST_CASE("the Store serves several threads and connections", "[store]") { serves_many_threads(fresh); }
TEST_CASE("the Store lets one controller lead, and the next one when its lease is over", "[store]") {
  lets_one_lead(fresh);
  lets_another_one_lead_sooner(fresh);
}

}  // namespace sluice::store::testing
