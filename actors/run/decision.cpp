#include "actors/run/decision.hpp"

#include "actors/units/guarded.hpp"
#include "engine/runs/proof.hpp"
#include "engine/store/lease_keeper.hpp"

namespace sluice::actors {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto pause = std::chrono::seconds(1);
/// How long the Store is asked whether it has the decision, by a process that does not live for ever.
constexpr auto look_patience = std::chrono::minutes(2);

/// Others have the run, or it was removed: nothing that this process writes counts any more.
bool is_foreign(const error& problem) {
  return problem.code == "stale_term" || problem.code == "run_is_final" || problem.code == "run_not_found";
}

error taken_over() {
  return external_error("stale_term", "another process took over the run while this process did not respond",
                        "that process makes its outputs visible; sluice status shows how it ended");
}

}  // namespace

decision::decision(caf::event_based_actor* self, const node_services& services, std::shared_ptr<store::store> in,
                   journal& to, const run_setup& of, callbacks calls)
    : self_(self),
      io_(self, services.io),
      lease_(services.lease),
      patience_(of.commit_patience),
      store_(std::move(in)),
      journal_(to),
      run_(of.run),
      term_(of.record.term),
      calls_(std::move(calls)) {}

void decision::later(std::function<void()> what) {
  self_->delayed_send(self_, pause, continuation{[this, what = std::move(what)] {
                        if (calls_.undone) what();
                      }});
}

void decision::take(store::manifest what, std::optional<store::run_state> state, options summary,
                    std::vector<store::event> events) {
  epoch_ = what.epoch;
  journal_.decide(std::move(what));
  journal_.write(state, {}, std::move(summary), std::move(events), [this](const status& written) {
    if (written.ok()) return check_lease();
    if (is_foreign(written.problem())) return calls_.not_taken(written.problem());
    look(written.problem(), self_->clock().now());
  });
}

void decision::settle(bool due, std::function<void()> then) {
  if (due) return settle_since(std::move(then), self_->clock().now());
  taken_ = false;
  then();
}

void decision::settle_since(std::function<void()> then, clock::time_point since) {
  journal_.settle(epoch_, store::commit_state::committed);
  journal_.write({}, {}, {}, {}, [this, then = std::move(then), since](const status& written) {
    if (!calls_.undone) return;
    // An earlier try may have taken effect.
    if (written.ok() || written.problem().code == "commit_settled") {
      taken_ = false;
      return then();
    }
    if (is_foreign(written.problem())) return calls_.undone(taken_over());
    if (patience_ && self_->clock().now() - since >= *patience_) return calls_.undone(written.problem());
    later([this, then, since] { settle_since(then, since); });
  });
}

namespace {

result<bool> has_epoch(store::store& in, const std::string& run, std::int64_t epoch) {
  SLUICE_ASSIGN(const auto due, in.due_commits(run));
  for (const auto& one : due)
    if (one.what.epoch == epoch) return true;
  SLUICE_ASSIGN(const auto complete, in.checkpoints(run));
  for (const auto& one : complete)
    if (one.what.epoch == epoch) return true;
  return false;
}

}  // namespace

/// The write has failed; whether it took effect all the same is read back.
void decision::look(const error& problem, clock::time_point since) {
  io_.call([store = store_, run = run_,
            epoch = epoch_] { return guarded("read the run's state", [&] { return has_epoch(*store, run, epoch); }); },
           [this, problem, since](const result<bool>& has) {
             if (!calls_.undone) return;
             if (has.ok()) return *has ? check_lease() : calls_.not_taken(problem);
             if (patience_ && self_->clock().now() - since > look_patience) return calls_.undone(problem);
             later([this, problem, since] { look(problem, since); });
           });
}

/// While this process was silent another one may have taken the run over: that one commits.
void decision::check_lease() {
  taken_ = true;
  proof::enter(proof::phase::decided);
  if (!lease_ || !lease_->missed()) return calls_.taken();
  io_.call(
      [store = store_, run = run_] { return guarded("read the run's state", [&] { return store->find_run(run); }); },
      [this](const result<store::run_record>& now) {
        if (!calls_.undone) return;
        now.ok() && now->term > term_ ? calls_.undone(taken_over()) : calls_.taken();
      });
}

void decision::end(last_words last, const std::function<void(const status&)>& then) {
  write(std::make_shared<const last_words>(std::move(last)), then, self_->clock().now());
}

void decision::write(const std::shared_ptr<const last_words>& last, const told_function& then,
                     clock::time_point since) {
  if (last->commits) journal_.settle(epoch_, *last->commits);
  journal_.write(last->state, last->cause, last->summary, last->events,
                 [this, last, then, since](const status& written) {
                   if (!calls_.undone) return;
                   if (written.ok()) return then({});
                   if (is_foreign(written.problem())) return then(taken_over());
                   // Only the Store does not know it yet. A full disk may have room again in a moment.
                   if (patience_ && self_->clock().now() - since >= *patience_) return then(written.problem());
                   later([this, last, then, since] { write(last, then, since); });
                 });
}

}  // namespace sluice::actors
