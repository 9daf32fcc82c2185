#include "actors/run/checkpoints.hpp"

#include "actors/units/blocking_calls.hpp"
#include "engine/component/flush_time.hpp"
#include "engine/runs/proof.hpp"

#include <algorithm>

namespace sluice::actors {

namespace {

constexpr auto long_checkpoint = std::chrono::seconds(1);

}  // namespace

checkpoints::checkpoints(caf::event_based_actor* self, const run_setup& of, callbacks calls)
    : self_(self),
      plan_(*of.what),
      calls_(std::move(calls)),
      continues_(of.resume != nullptr),
      round_(*of.what, of.resume ? &of.resume->snapshot : nullptr, of.resume ? of.resume->epoch : 0) {
  if (const auto interval = plan_.checkpoint_interval()) interval_ = std::chrono::microseconds(*interval);
}

void checkpoints::start() {
  started_ = true;
  begun_ = self_->clock().now();
  // What was read since the last checkpoint of a run that was interrupted is late by now.
  if (interval_ && continues_) begun_ -= *interval_ * 3 / 4;
  wanted_ ? begin() : schedule();
}

void checkpoints::start_at_once() {
  started_ = true;
  begun_ = self_->clock().now();
  if (interval_) begin();
}

void checkpoints::schedule() {
  if (!interval_ || stopped_) return;
  const auto due = std::max(begun_ + *interval_, pause_until_);
  const auto now = self_->clock().now();
  const auto left =
      due > now ? std::chrono::duration_cast<std::chrono::microseconds>(due - now) : std::chrono::microseconds(0);
  self_->delayed_send(self_, left, continuation{[this, number = ++timer_] {
                        if (number == timer_ && !stopped_) begin();
                      }});
}

std::uint64_t checkpoints::ask(wish for_what) {
  auto next = wanted_.value_or(wish{});
  next.last = next.last || for_what.last;
  next.savepoint = next.savepoint || for_what.savepoint;
  next.pause = next.pause || for_what.pause;
  next.flush = next.flush || for_what.flush;
  wanted_ = next;
  const bool under_way = round_.under_way().has_value() || busy_;
  const auto epoch = round_.completed() + (round_.under_way() ? 2 : 1);
  if (started_ && !under_way) begin();
  return epoch;
}

void checkpoints::begin() {
  if (stopped_ || busy_ || round_.under_way()) return;
  ++timer_;
  begun_ = self_->clock().now();
  proof::enter(proof::phase::aligning);
  now_ = std::exchange(wanted_, std::nullopt).value_or(wish{});
  const auto enumerators = round_.begin();
  const auto epoch = *round_.under_way();
  for (const auto& who : enumerators) calls_.tell(who, caf::make_message(begin_epoch{epoch, now_.last || now_.pause}));
  see_whether_complete();
}

/// To a reader the watermark of a flush comes first, and waits there for the barrier.
void checkpoints::begin(const flow::instance_id& who, std::uint64_t epoch) {
  if (now_.last && now_.flush) calls_.tell(who, caf::make_message(watermark_risen{flush_of_time}));
  calls_.tell(who, caf::make_message(begin_epoch{epoch, now_.last || now_.pause}));
}

void checkpoints::ready(const epoch_ready& message) {
  if (stopped_) return;
  // All its readers had passed the barrier before: it was asked for the second time.
  if (message.epoch <= round_.completed())
    return calls_.tell(message.who, caf::make_message(epoch_passed{message.epoch}));
  for (const auto& who : round_.ready(message.who, message.epoch)) begin(who, message.epoch);
  go_on(round_.passed(message.who.unit));
  see_whether_complete();
}

void checkpoints::prepared(epoch_prepared message) {
  if (stopped_) return;
  flow::contribution what;
  what.prepared = prepared_by(message.what.report.who, message.token, message.target, message.rows);
  what.what = std::move(message.what);
  go_on(round_.prepared(message.epoch, std::move(what)));
  see_whether_complete();
}

void checkpoints::finished(const instance_finished& message) {
  flow::contribution what;
  what.prepared = prepared_by(message.report.who, message.token, message.target, message.rows);
  what.what = {.report = message.report,
               .held = message.held,
               .finished = true,
               .streams = message.streams,
               .state = message.state,
               .splits = message.splits,
               .watermark = message.has_watermark ? std::optional(message.watermark) : std::nullopt};
  go_on(round_.finished(std::move(what)));
  see_whether_complete();
}

std::optional<store::prepared_sink> checkpoints::prepared_by(const flow::instance_id& who, const std::string& token,
                                                             const std::string& target, std::uint64_t rows) const {
  if (token.empty()) return std::nullopt;
  return store::prepared_sink{.unit = plan_.units[who.unit].definition.name,
                              .instance = who.instance,
                              .token = token,
                              .target = target,
                              .rows = rows};
}

void checkpoints::go_on(const std::vector<flow::instance_id>& enumerators) {
  // Behind the last barrier nothing is read.
  if (stopped_ || now_.last || now_.pause) return;
  for (const auto& who : enumerators)
    calls_.tell(who, caf::make_message(epoch_passed{round_.under_way().value_or(round_.completed())}));
}

void checkpoints::see_whether_complete() {
  if (stopped_ || busy_ || !round_.complete()) return;
  busy_ = true;
  calls_.collected(round_.take(), now_);
}

void checkpoints::done() {
  busy_ = false;
  const auto now = self_->clock().now();
  // Where much state takes longer to write than the interval, the run would do nothing else.
  if (const auto took = now - begun_; took > long_checkpoint) pause_until_ = now + took;
  if (stopped_) return;
  wanted_ ? begin() : schedule();
}

flow::epoch_round::collected checkpoints::take_last() {
  stop();
  return round_.take();
}

void checkpoints::stop() {
  stopped_ = true;
  ++timer_;
}

}  // namespace sluice::actors
