#include "actors/run/lost_ends.hpp"

#include "actors/units/guarded.hpp"

#include <optional>
#include <vector>

namespace sluice::actors {

namespace {

/// How soon the end of a run whose supervisor has died is tried again.
constexpr auto look_again = std::chrono::seconds(1);

struct lost_end {
  settled_run how;
  bool ours = true;  ///< not another process's
};

result<lost_end> settle_one(store::store& in, const run_setup& setup, const error& cause) {
  SLUICE_ASSIGN(auto settled, settle_lost_run(in, setup.run, death{cause}, setup.components.make_sink));
  if (settled) return lost_end{std::move(*settled)};
  SLUICE_ASSIGN(const auto record, in.find_run(setup.run));
  return lost_end{{.run = setup.run, .pipeline = record.pipeline, .state = record.state}, false};
}

std::shared_ptr<const run_outcome> outcome_of(const run_setup& setup, const result<lost_end>& settled,
                                              const error& cause) {
  auto outcome = std::make_shared<run_outcome>();
  outcome->run = setup.run;
  if (settled.ok()) {
    outcome->state = settled->how.state;
    outcome->cause = settled->how.problem;
  }
  if (outcome->state == store::run_state::failed && !outcome->cause) outcome->cause = cause;
  return outcome;
}

}  // namespace

lost_ends::lost_ends(caf::event_based_actor* self, std::shared_ptr<io_pool> pool, std::shared_ptr<store::store> in,
                     sink_maker make_sink, callbacks calls)
    : self_(self),
      own_(self, pool),
      others_(self, std::move(pool)),
      store_(std::move(in)),
      make_sink_(std::move(make_sink)),
      calls_(std::move(calls)) {}

void lost_ends::end(const std::shared_ptr<const run_setup>& setup, const error& cause) {
  end_since(setup, cause, self_->clock().now());
}

void lost_ends::end_since(const std::shared_ptr<const run_setup>& setup, const error& cause, time_point since) {
  own_.call(
      [in = store_, setup, cause] { return guarded("end the run", [&] { return settle_one(*in, *setup, cause); }); },
      [this, setup, cause, since](const result<lost_end>& settled) {
        const bool over = settled.ok() && (store::is_final(settled->how.state) || !settled->ours);
        if (!over && (!setup->commit_patience || self_->clock().now() - since < *setup->commit_patience)) {
          self_->delayed_send(self_, look_again,
                              continuation{[this, setup, cause, since] { end_since(setup, cause, since); }});
          return;
        }
        if (settled.ok() && settled->how.last && calls_.told) calls_.told(*settled->how.last);
        if (calls_.ended) calls_.ended(outcome_of(*setup, settled, cause));
      });
}

void lost_ends::leave_to_next(const std::string& run) {
  others_.call([in = store_, run] { return guarded("leave the run", [&] { return in->release(run); }); },
               [this, run](const status& left) {
                 if (left.ok() || stopped_) return;
                 self_->delayed_send(self_, look_again, continuation{[this, run] { leave_to_next(run); }});
               });
}

void lost_ends::keep_settling(std::chrono::milliseconds interval) {
  self_->delayed_send(self_, interval, continuation{[this, interval] { settle(interval); }});
}

void lost_ends::settle(std::chrono::milliseconds interval) {
  if (stopped_) return;
  if (waiting_ > 0) return keep_settling(interval);
  others_.call(
      [in = store_, make_sink = make_sink_] {
        return guarded("end the runs of dead processes", [&] { return settle_lost_runs(*in, true, make_sink); });
      },
      [this, interval](const result<std::vector<settled_run>>& settled) {
        if (settled.ok() && calls_.told)
          for (const auto& one : *settled)
            if (one.last) calls_.told(*one.last);
        if (!stopped_) keep_settling(interval);
      });
}

}  // namespace sluice::actors
