#include "actors/run/journal.hpp"

#include "actors/messages.hpp"
#include "actors/units/guarded.hpp"

#include <caf/event_based_actor.hpp>

namespace sluice::actors {

namespace {

constexpr auto patience = std::chrono::seconds(120);
constexpr auto pause = std::chrono::milliseconds(200);

/// Another process holds the Store, or its disk is full: neither need last.
bool may_pass(const error& problem) { return problem.code == "store_busy" || problem.code == "disk_full"; }

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
  for (auto& one : events) next_.events.push_back(std::move(one));
  if (!then) return flush_soon();
  waiting_.push_back(std::move(then));
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

void journal::flush_next() { waiting_.empty() ? flush_soon() : flush(); }

void journal::decide(store::manifest decision) { next_.decision = std::move(decision); }

void journal::settle(store::commit_state state) { next_.settled = state; }

void journal::flush() {
  if (busy_ || !any_) return;
  busy_ = true;
  any_ = false;
  auto change = std::make_shared<store::change>(std::exchange(next_, {}));
  change->run = run_;
  change->term = term_;
  give_up_ = self_->clock().now() + patience;
  attempt(std::move(change), std::exchange(waiting_, {}));
}

/// A Store that can't be written to for a while is no reason to fail a run.
void journal::attempt(std::shared_ptr<const store::change> change, std::vector<then_function> waiting) {
  calls_.call(
      [store = store_, change] { return guarded("write the run's state", [&] { return store->apply(*change); }); },
      [this, change, waiting = std::move(waiting)](result<std::vector<store::event>> events) mutable {
        if (!events.ok() && may_pass(events.problem()) && self_->clock().now() < give_up_) {
          self_->delayed_send(self_, pause, continuation{[this, change, waiting = std::move(waiting)]() mutable {
                                attempt(std::move(change), std::move(waiting));
                              }});
          return;
        }
        busy_ = false;
        const auto done = events.ok() ? status() : status(events.problem());
        if (events.ok()) announce(std::move(events).value());
        for (const auto& then : waiting) then(done);
        if (!done.ok() && waiting.empty()) {
          if (may_pass(done.problem())) put_back(*change);
          failed_(done.problem());
        }
        flush_next();
      });
}

void journal::put_back(const store::change& change) {
  any_ = true;
  if (!next_.state) next_.state = change.state;
  if (!next_.cause) next_.cause = change.cause;
  if (!next_.summary) next_.summary = change.summary;
  next_.events.insert(next_.events.begin(), change.events.begin(), change.events.end());
}

void journal::announce(std::vector<store::event> events) {
  if (notifier_ && !events.empty()) self_->send(notifier_, events_written{std::move(events)});
}

}  // namespace sluice::actors
