#include "actors/units/extract_unit.hpp"

#include "actors/units/guarded.hpp"
#include "actors/units/unit_actor.hpp"
#include "engine/component/flush_time.hpp"
#include "engine/component/unsettled_source.hpp"
#include "engine/flow/split_assignment.hpp"
#include "engine/operators/windows/event_times.hpp"
#include "engine/runs/proof.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <caf/all.hpp>

#include <deque>
#include <map>
#include <mutex>
#include <set>

namespace sluice::actors {

namespace {

/// A reader and the splits that it serves. `next` and `add` are called on the actor's strand, `interrupt` anywhere.
class reading {
 public:
  reading(std::shared_ptr<const run_setup> setup, std::shared_ptr<source> from)
      : setup_(std::move(setup)), from_(std::move(from)) {}

  /// One more split to serve.
  status add(const split& piece, const std::string& position) {
    open_.insert(piece.id);
    if (reader_) return guarded("open the source", [&] { return reader_->add(piece, position); });
    SLUICE_ASSIGN(auto made, guarded("open the source", [&] { return from_->open(piece, position); }));
    const std::lock_guard guard(lock_);
    reader_ = std::move(made);
    if (interrupted_) reader_->interrupt();
    return {};
  }

  /// The next step, of the split that it names; none where all splits have ended.
  result<std::optional<read_step>> next() {
    if (open_.empty() || !reader_) return std::optional<read_step>();
    SLUICE_ASSIGN(auto step, guarded("read the source", [&] { return reader_->next(); }));
    if (!step.split) step.split = *open_.begin();
    if (open_.count(*step.split) == 0)
      return internal_error("bad_step",
                            "the reader returned rows of split " + std::to_string(*step.split) + ", which is not open");
    SLUICE_TRY(check_step(step, from_->bounded()));
    if (step.end) open_.erase(*step.split);
    if (open_.empty()) drop_reader();
    return std::optional(std::move(step));
  }

  void interrupt() {
    const std::lock_guard guard(lock_);
    interrupted_ = true;
    if (reader_) reader_->interrupt();
  }

  [[nodiscard]] std::optional<down_state> down() const {
    const std::lock_guard guard(lock_);
    return down_of(reader_.get());
  }

 private:
  void drop_reader() {
    const std::lock_guard guard(lock_);
    reader_.reset();
  }

  std::shared_ptr<const run_setup> setup_;  // the source's context
  std::shared_ptr<source> from_;
  std::set<std::uint32_t> open_;  ///< splits that have not ended
  mutable std::mutex lock_;       ///< of the next two
  std::unique_ptr<split_reader> reader_;
  bool interrupted_ = false;
};

/// Reads splits, one after the other or several in turn as the source can, up to two calls ahead of what is passed on:
/// as soon as one of two batches that wait for credit has gone, the next one is read.
class extract_actor : public unit_actor {
 public:
  using unit_actor::unit_actor;

 protected:
  caf::message_handler own_messages() override {
    return {
        [this](take_split& message) { take(std::move(message)); },
        [this](const room_given& message) { take(message); },
        [this](const begin_epoch& message) {
          if (!obeys() || !working_ || is_ending()) return;
          if (message.epoch <= passed_) return tell_prepared_again();
          barrier_ = message;
          work();
        },
        [this](const watermark_risen& message) {
          if (!working_) return;
          if (message.time == flush_of_time) return void(flush_ = true);
          // At the end there may be none at all.
          if (!message.last || message.time != flow::idle_mark) pass_on_time(message.time);
          time_settled_ = time_settled_ || message.last;
          if (message.last) work();
        },
        [this](no_more_splits) {
          asked_ = false;
          done_ = true;
          if (working_) work();
        },
    };
  }

  void begin() override {
    calls_.call([setup = setup_, unit = unit_index()] { return setup->sources->get(*setup, unit); },
                [this](result<std::shared_ptr<source>> made) {
                  if (!working_) return;
                  if (!made.ok()) return fail(made.problem());
                  source_ = std::move(made).value();
                  unsettled_ = dynamic_cast<unsettled_source*>(source_.get());
                  time_ = time_of_rows();
                  started();
                  ask();
                });
  }

  void work() override {
    if (barrier_) pass_barrier();
    while (!barrier_ && !drained_ && reading_ && working_ && held_ == 0 && rejects_.clear() &&
           reads_ + outbox_->waiting() < most_ahead) {
      ++reads_;
      calls_.call([from = reading_] { return from->next(); },
                  [this, from = reading_](result<std::optional<read_step>> step) { take(from, std::move(step)); });
    }
    if (!done_ || reading_ || barrier_ || drained_) return;
    // The last rows of the other readers count in the watermark, too.
    if (time_ && unit().stops && !time_settled_ && !stopped_early_) return;
    if (time_ && source_ && source_->ends_for_good()) {
      outbox_->watermark(end_of_time);
    } else if (time_ && setup_->what->flush) {
      outbox_->watermark(flush_of_time);
    }
    time_.reset();
    finish_when_passed_on();
  }

  [[nodiscard]] std::optional<down_state> down() const override { return reading_ ? reading_->down() : std::nullopt; }
  void stand(instance_stands& here) const override { here.drained = drained_; }

  std::string reached() override {
    const auto made = source_ ? source_->reached() : options();
    return made.is_null() ? std::string() : made.dump();
  }

  void stop_early() override {
    // Readers that are still wanted do not wait for what this one would have read.
    if (time_ && unit().stops)
      for (const auto& [id, one] : splits_)
        send(links_.enumerators[unit().source_number], split_finished{who_, id, one.position, one.passed_on});
    stop_reading();
    done_ = true;
  }

  /// A call that blocks would keep a thread of the pool.
  void give_up() override {
    stop_reading();
    if (source_) source_->interrupt();
    abandon_done();
  }

  void let_go() override {
    stop_reading();
    unsettled_ = nullptr;
    source_.reset();
  }

 private:
  static constexpr std::size_t most_ahead = 2;

  struct open_split {
    split piece;
    std::string position = {};                   ///< behind the last step that was passed on
    decltype(order_key::sequence) sequence = 0;  ///< of its next batch
    std::int64_t passed_on = 0;                  ///< bytes of rows, where that is limited
    std::int64_t room = 0;                       ///< what that may become
    bool asked = false;                          ///< for more room
    bool silent = false;                         ///< nothing came of it last
    std::optional<std::int64_t> latest = {};     ///< when the latest of its rows happened, since it was opened
    std::deque<read_step> held;                  ///< read, and waiting for it
  };

  void stop_reading() {
    if (reading_) reading_->interrupt();
    reading_.reset();
    splits_.clear();
    behind_barrier_.clear();
    held_ = 0;
  }

  void ask() {
    if (asked_ || done_ || splits_.size() >= source_->splits_per_reader()) return;
    asked_ = true;
    send(links_.enumerators[unit().source_number], want_split{who_});
  }

  void take(take_split message) {
    asked_ = false;
    if (!working_ || done_) return;
    if (!reading_) reading_ = std::make_shared<reading>(setup_, source_);
    if (proof::planted(proof::bug::position_behind)) message.position.clear();
    const auto from = message.position;
    calls_.call([from = reading_, piece = message.piece,
                 position = std::move(message.position)] { return from->add(piece, position); },
                [this, from = reading_, piece = message.piece](const status& added) {
                  if (working_ && from == reading_ && !added.ok()) fail(of_split(added.problem(), piece));
                });
    const auto id = message.piece.id;
    splits_[id].piece = std::move(message.piece);
    splits_[id].room = message.room;
    splits_[id].position = from;
    splits_[id].sequence = static_cast<decltype(order_key::sequence)>(message.sequence);
    ask();
    work();
  }

  void take(const std::shared_ptr<reading>& from, result<std::optional<read_step>> step) {
    --reads_;
    if (!working_ || from != reading_) return;  // stopped, or read past the end
    if (!step.ok()) return fail(of_only_split(std::move(step).problem()));
    if (*step) barrier_ ? behind_barrier_.push_back(std::move(**step)) : take(std::move(**step));
    if (working_) work();
  }

  /// Between two steps, once the rejects of those before are stored: what is read from here on comes behind it.
  void pass_barrier() {
    rejects_.send();
    if (!rejects_.idle()) return;
    if (proof::planted(proof::bug::position_ahead)) {
      if (behind_barrier_.empty() && reads_ > 0) return;
      for (const auto& step : behind_barrier_) splits_.at(*step.split).position = step.position;
    }
    const auto at = *std::exchange(barrier_, std::nullopt);
    // Not what the next run goes on from: `passed_time_` stays.
    if (flush_ && time_) outbox_->watermark(flush_of_time);
    outbox_->barrier(at.epoch);
    rejects_.passed(at.epoch);
    epoch_prepared here{.epoch = at.epoch, .what = snapshot(inbox_->barrier_here(at.epoch))};
    here.what.splits = std::exchange(ended_splits_, {});
    for (const auto& [id, from] : splits_) {
      auto position = unsettled_ != nullptr ? unsettled_->whole_position(from.position) : from.position;
      here.what.splits.push_back({.split = id,
                                  .position = std::move(position),
                                  .ended = false,
                                  .sequence = from.sequence,
                                  .latest = from.latest});
    }
    here.what.watermark = passed_time_;
    passed_ = at.epoch;
    tell_prepared(std::move(here));
    if (at.last) {
      drained_ = true;
      return stop_reading();
    }
    auto steps = std::exchange(behind_barrier_, {});
    for (auto& step : steps)
      if (working_ && reading_) take(std::move(step));
  }

  /// Rows that come before their place in the order wait here where those below have enough of such.
  void take(read_step step) {
    auto& from = splits_.at(*step.split);
    if (from.held.empty() && fits(from, step)) return pass_on(std::move(step));
    from.held.push_back(std::move(step));
    ++held_;
    ask_for_room(from);
  }

  void take(const room_given& message) {
    const auto found = splits_.find(message.split);
    if (!working_ || found == splits_.end()) return;
    auto& from = found->second;
    from.room = message.bytes;
    from.asked = false;
    while (!from.held.empty() && fits(from, from.held.front())) {
      auto step = std::move(from.held.front());
      from.held.pop_front();
      --held_;
      const bool last = step.end;
      pass_on(std::move(step));
      if (last || !working_) break;
    }
    if (splits_.contains(message.split)) ask_for_room(splits_.at(message.split));
    if (working_) work();
  }

  /// Takes the room that the rows of a step need, if they have it.
  static bool fits(open_split& from, const read_step& step) {
    if (from.room == flow::split_assignment::no_limit || !step.rows.data) return true;
    const auto bytes = step.rows.bytes();
    if (from.passed_on + bytes > from.room) return false;
    from.passed_on += bytes;
    return true;
  }

  void ask_for_room(open_split& from) {
    if (from.held.empty() || std::exchange(from.asked, true)) return;
    send(links_.enumerators[unit().source_number],
         want_room{who_, from.piece.id, from.passed_on + from.held.front().rows.bytes()});
  }

  void pass_on(read_step step) {
    auto& from = splits_.at(*step.split);
    const auto rows = step.rows.data ? step.rows.rows() : 0;
    counters_.in += step.records;
    counters_.out += static_cast<std::uint64_t>(rows);
    counters_.filtered += step.filtered;
    counters_.rejected += step.rejected.size();
    counters_.set_null += step.set_null;
    counters_.bytes += step.bytes;
    ++counters_.batches;
    for (auto& record : step.rejected) reject(std::move(record), from.piece);
    rejects_.send();
    from.position = step.position;
    const auto latest = latest_time(step);
    if (rows > 0 || step.end) {
      auto out = step.rows.data ? std::move(step.rows) : marker();
      out.order = {.split = from.piece.id, .sequence = from.sequence++, .last_in_split = step.end};
      emit(0, out);
    }
    if (working_ && time_) tell_time(from, latest, step.records == 0 && !step.end && !source_->bounded());
    if (unsettled_ != nullptr && working_ && unsettled_->wants_checkpoint()) ask_for_checkpoint();
    if (!step.end || !working_) return;
    // The end of `until: now` is a position like any other.
    ended_splits_.push_back({.split = from.piece.id,
                             .position = step.position,
                             .ended = !unit().stops,
                             .sequence = unit().stops ? from.sequence : 0,
                             .latest = unit().stops ? from.latest : std::nullopt});
    send(links_.enumerators[unit().source_number],
         split_finished{who_, from.piece.id, std::move(step.position), from.passed_on});
    splits_.erase(from.piece.id);
    if (splits_.empty()) reading_.reset();
    ask();
  }

  /// Nobody waits for the answer: if the run is ending, a checkpoint comes anyway.
  void ask_for_checkpoint() {
    caf::anon_send(caf::actor_cast<caf::actor>(links_.supervisor), steer_run{setup_->run, "checkpoint"});
  }

  /// Says in which split a defect of a component showed; what users can mend names its place itself.
  error of_split(error why, const split& piece) const {
    if (why.to_blame == blame::internal && why.where.empty())
      why.where = "unit " + unit().definition.name + ", split " + std::to_string(piece.id) + " (" + piece.object + ")";
    return why;
  }
  error of_only_split(error why) const {
    return splits_.size() == 1 ? of_split(std::move(why), splits_.begin()->second.piece) : why;
  }

  void reject(rejected_record record, const split& piece) {
    rejected_row row;
    row.unit = unit().definition.name;
    row.code = std::move(record.code);
    row.column = std::move(record.column);
    row.message = std::move(record.message);
    row.record = std::move(record.record);
    row.position = {unit().source_number, piece.id, static_cast<std::int64_t>(record.offset)};
    row.file = piece.object;
    rejects_.add(std::move(row));
  }

  /// The event time of rows, where somebody below needs to know how far it has come.
  [[nodiscard]] std::optional<event_time> time_of_rows() const {
    for (const auto& edge : setup_->what->edges)
      if (edge.from_unit == unit_index() && edge.timed) return unit().outputs.front().time;
    return std::nullopt;
  }

  void pass_on_time(std::int64_t time) {
    if (time == flow::idle_mark) {
      if (!std::exchange(idle_, true)) outbox_->watermark(time);
      return;
    }
    if (!std::exchange(idle_, false) && passed_time_ && *passed_time_ >= time) return;
    passed_time_ = std::max(passed_time_.value_or(time), time);
    outbox_->watermark(*passed_time_);
  }

  std::optional<std::int64_t> latest_time(const read_step& step) {
    if (!time_ || !step.rows.data) return std::nullopt;
    const auto times = windows::event_times::of(*step.rows.data, *time_);
    if (times.ok()) return times->latest();
    fail(times.problem());
    return std::nullopt;
  }

  /// Says how far the rows have come that were passed on, and once that no more come.
  void tell_time(open_split& of, std::optional<std::int64_t> latest, bool silent) {
    if (latest) of.latest = std::max(of.latest.value_or(*latest), *latest);
    const bool before = std::exchange(of.silent, silent);
    if (!latest && silent == before) return;
    send(links_.enumerators[unit().source_number],
         time_reached{of.piece.id, latest.has_value(), latest.value_or(0), silent});
  }

  batch marker() {
    batch empty;
    empty.data = arrow::RecordBatch::MakeEmpty(unit().outputs[0].schema).ValueOrDie();
    return empty;
  }

  std::shared_ptr<source> source_;
  unsettled_source* unsettled_ = nullptr;       ///< the same, where its server keeps what is read until a checkpoint
  std::optional<event_time> time_;              ///< of its rows, until all have been passed on
  bool idle_ = false;                           ///< has told so
  bool time_settled_ = false;                   ///< the last watermark has come
  std::shared_ptr<reading> reading_;            ///< while it has splits
  std::map<std::uint32_t, open_split> splits_;  ///< that it has, by id
  std::size_t reads_ = 0;                       ///< calls of `next` under way
  std::size_t held_ = 0;                        ///< steps that wait for room
  bool asked_ = false;                          ///< for a split
  bool done_ = false;                           ///< no split follows
  std::optional<begin_epoch> barrier_;          ///< to be sent when what comes before it is settled
  std::vector<read_step> behind_barrier_;       ///< read meanwhile
  bool flush_ = false;                          ///< open windows are emitted before the last barrier
  std::uint64_t passed_ = 0;                    ///< the epoch of the last barrier
  bool drained_ = false;                        ///< nothing is read behind the last barrier
};

}  // namespace

caf::actor spawn_extract(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                         const node_services& services) {
  return system.spawn<extract_actor>(std::move(setup), who, services);
}

}  // namespace sluice::actors
