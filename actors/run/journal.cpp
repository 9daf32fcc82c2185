#include "actors/run/journal.hpp"

#include "actors/messages.hpp"
#include "actors/units/guarded.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

namespace sluice::actors {

namespace {

constexpr auto patience = std::chrono::seconds(120);
constexpr auto pause = std::chrono::milliseconds(200);

/// Another process holds the Store, or its disk is full: neither need last, and neither let a write take effect.
bool may_pass(const error& problem) { return problem.code == "store_busy" || problem.code == "disk_full"; }
/// Others have the run, or it was removed: nothing that is written here counts any more.
bool is_foreign(const error& problem) {
  return problem.code == "stale_term" || problem.code == "run_is_final" || problem.code == "run_not_found";
}

using events = std::vector<store::event>;

/// What the Store has of a change's events above a cursor, where it has all of them.
result<std::optional<events>> look_for(store::store& in, const store::change& change, std::int64_t after) {
  constexpr std::int64_t most = 1000;
  SLUICE_ASSIGN(auto found, guarded("read the run's events", [&] { return in.events(after, change.run, most); }));
  const auto count = change.events.size();
  const bool all =
      count > 0 && found.size() >= count &&
      std::equal(change.events.begin(), change.events.end(), found.end() - static_cast<std::ptrdiff_t>(count),
                 [](const auto& a, const auto& b) { return a.type == b.type && a.unit == b.unit; });
  if (!all) return std::optional<events>();
  found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(count));
  return std::optional(std::move(found));
}

}  // namespace

journal::journal(caf::event_based_actor* self, std::shared_ptr<io_pool> pool, std::shared_ptr<store::store> to,
                 caf::actor notifier, std::string run, std::int64_t term, std::function<void(const error&)> failed)
    : self_(self),
      calls_(self, std::move(pool)),
      store_(std::move(to)),
      notifier_(std::move(notifier)),
      run_(std::move(run)),
      term_(term),
      failed_(std::move(failed)) {}

void journal::write(std::optional<store::run_state> state, std::optional<options> cause, std::optional<options> summary,
                    std::vector<store::event> events, then_function then) {
  any_ = true;
  if (state) next_.state = state;
  if (cause) next_.cause = std::move(cause);
  if (summary) next_.summary = std::move(summary);
  if (!then) interest_.others.insert(interest_.others.end(), events.begin(), events.end());
  for (auto& one : events) next_.events.push_back(std::move(one));
  if (!then) return flush_soon();
  interest_.waiting.push_back(std::move(then));
  flush();
}

/// What nobody waits for goes with what follows shortly: a small run would else wait for the disk at every step.
void journal::flush_soon() {
  if (scheduled_ || !any_) return;
  scheduled_ = true;
  self_->delayed_send(self_, std::chrono::milliseconds(10), continuation{[this] {
                        scheduled_ = false;
                        flush();
                      }});
}

void journal::flush_next() { interest_.waiting.empty() ? flush_soon() : flush(); }

void journal::decide(store::manifest decision) { next_.decision = std::move(decision); }

void journal::settle(std::int64_t epoch, store::commit_state state) {
  next_.settled = state;
  next_.epoch = epoch;
}

void journal::flush() {
  if (busy_ || !any_) return;
  busy_ = true;
  any_ = false;
  auto change = std::make_shared<store::change>(std::exchange(next_, {}));
  change->run = run_;
  change->term = term_;
  give_up_ = self_->clock().now() + patience;
  attempt(std::move(change), std::exchange(interest_, {}), false);
}

journal::attempted journal::apply(store::store& in, const store::change& change, std::int64_t after, bool unclear) {
  if (unclear) {
    auto known = look_for(in, change, after);
    if (!known.ok()) return {known.problem(), true};
    if (*known) return {std::move(**known), false};
  }
  auto made = guarded("write the run's state", [&] { return in.apply(change); });
  if (made.ok() || may_pass(made.problem()) || is_foreign(made.problem())) return {std::move(made), false};
  // Whether it took effect all the same is read back.
  auto known = look_for(in, change, after);
  if (!known.ok()) return {std::move(made), true};
  if (*known) return {std::move(**known), false};
  return {std::move(made), false};
}

/// A Store that can't be written to for a while is no reason to fail a run.
void journal::attempt(std::shared_ptr<const store::change> change, interest of, bool unclear) {
  calls_.call([store = store_, change, after = newest_, unclear] { return apply(*store, *change, after, unclear); },
              [this, change, of = std::move(of)](attempted made) mutable {
                const bool again = made.unclear || (!made.written.ok() && may_pass(made.written.problem()));
                if (again && self_->clock().now() < give_up_) {
                  self_->delayed_send(
                      self_, pause, continuation{[this, change, of = std::move(of), unclear = made.unclear]() mutable {
                        attempt(std::move(change), std::move(of), unclear);
                      }});
                  return;
                }
                settled(*change, of, std::move(made));
              });
}

void journal::settled(const store::change& change, const interest& of, attempted made) {
  busy_ = false;
  const auto done = made.written.ok() ? status() : status(made.written.problem());
  if (made.written.ok()) announce(std::move(made.written).value());
  // Who waits writes again what is theirs; what only came with it is put before that.
  const bool lost = !done.ok() && !made.unclear && !is_foreign(done.problem());
  if (lost && !of.waiting.empty() && !of.others.empty()) put_back({.events = of.others});
  for (const auto& then : of.waiting) then(done);
  if (!done.ok() && of.waiting.empty()) {
    if (lost) put_back(change);
    failed_(done.problem());
  }
  flush_next();
}

void journal::put_back(const store::change& change) {
  any_ = true;
  if (!next_.state) next_.state = change.state;
  if (!next_.cause) next_.cause = change.cause;
  if (!next_.summary) next_.summary = change.summary;
  next_.events.insert(next_.events.begin(), change.events.begin(), change.events.end());
  interest_.others.insert(interest_.others.begin(), change.events.begin(), change.events.end());
}

void journal::announce(std::vector<store::event> events) {
  if (!events.empty()) newest_ = events.back().cursor;
  if (notifier_ && !events.empty()) self_->send(notifier_, events_written{std::move(events)});
}

}  // namespace sluice::actors
