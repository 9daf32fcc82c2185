#pragma once

#include "engine/store/store.hpp"

#include <functional>
#include <memory>

namespace sluice::store::testing {

/// One kind of Store under test: every call of `open` gives a new connection to the same, at first empty, state.
struct store_under_test {
  std::function<std::shared_ptr<store>()> open;
};

/// Makes an empty state of each implementation that can be reached here.
using store_factory = std::function<store_under_test()>;

/// What every Store promises; called from one TEST_CASE for each implementation.
void keeps_runs(const store_factory& make);
void numbers_events(const store_factory& make);
void times_fast_runs(const store_factory& make);
void guards_final_states(const store_factory& make);
void guards_terms(const store_factory& make);
void resolves_references(const store_factory& make);
void keeps_cursors(const store_factory& make);
void remembers_sources(const store_factory& make);
void lets_one_run_use_the_state(const store_factory& make);
void decides_commits(const store_factory& make);
void keeps_refused_commits(const store_factory& make);
void takes_over_from_the_dead(const store_factory& make);
void lets_one_lead(const store_factory& make);
void lets_another_one_lead_sooner(const store_factory& make);
void counts_for_monitors(const store_factory& make);
void serves_many_threads(const store_factory& make);

}  // namespace sluice::store::testing
