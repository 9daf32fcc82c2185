#include "actors/units/transform_unit.hpp"

#include "actors/run/order_wanted.hpp"
#include "actors/run/rejects_batch.hpp"
#include "actors/run/rule_messages.hpp"
#include "actors/units/guarded.hpp"
#include "actors/units/transform_state.hpp"
#include "actors/units/unit_actor.hpp"
#include "engine/component/checks_rules.hpp"
#include "engine/component/flush_time.hpp"
#include "engine/component/holds_back.hpp"
#include "engine/component/late_answers.hpp"
#include "engine/component/may_block.hpp"
#include "engine/component/shifts_time.hpp"
#include "engine/component/wants_last.hpp"
#include "engine/flow/order.hpp"
#include "engine/runs/proof.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>

namespace sluice::actors {

namespace {

/// How long it works before others have their turn.
constexpr auto time_slice = std::chrono::milliseconds(5);

std::vector<batch> empty_batches(const planned_unit& unit) {
  std::vector<batch> all;
  for (const auto& port : unit.outputs) {
    batch empty;
    empty.data = arrow::RecordBatch::MakeEmpty(port.schema).ValueOrDie();
    if (unit.want_positions) empty.positions = unknown_positions(0);
    all.push_back(std::move(empty));
  }
  return all;
}

/// What one call into a transform made.
class call_answer final : public emitter {
 public:
  struct made_batch {
    int port;
    batch rows;
  };
  result<bool> more = false;  ///< what it answered; true: it may have more to make
  std::vector<made_batch> made;
  std::vector<rejected_row> rejected;
  flow::unit_counters counted;

  void emit(int port, batch rows) override {
    if (rows.rows() > 0) made.push_back({port, std::move(rows)});
  }
  void reject(const batch& in, const row_errors& why) override {
    for (auto& row : rejected_rows(in, why)) rejected.push_back(std::move(row));
  }
  void count_filtered(std::uint64_t rows) override { counted.filtered += rows; }
  void count_merged(std::uint64_t rows) override { counted.merged += rows; }
  void count_added(std::uint64_t rows) override { counted.added += rows; }
  void count_set_null(const std::string& column, std::uint64_t values) override {
    (void)column;
    counted.set_null += values;
  }
};

class transform_actor : public unit_actor {
 public:
  transform_actor(caf::actor_config& config, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                  const node_services& services)
      : unit_actor(config, setup, who, services),
        saves_(this, services.io),
        open_(std::make_shared<open_transform>(open_transform{std::move(setup), who})) {}

 protected:
  void begin() override {
    const auto& made_of = *setup_;
    auto made = guarded("make the unit", [&] {
      return made_of.components.make_transform(*made_of.what, unit_index(), *made_of.context);
    });
    if (!made.ok()) return fail(made.problem());
    open_->unit = std::move(made).value();
    transform_ = open_->unit.get();
    may_block_ = dynamic_cast<const may_block*>(transform_);
    late_ = dynamic_cast<late_answers*>(transform_);
    holding_ = dynamic_cast<const holds_back*>(transform_);
    checking_ = dynamic_cast<const checks_rules*>(transform_);
    if (late_ != nullptr && !order_wanted(*setup_, unit_index())) late_->release_order();
    only_input_ = unit().inputs.size() <= 1;
    stamper_ = std::make_unique<flow::order_stamper>(transform_->keeps_order() && outbox_->any_ordered(),
                                                     empty_batches(unit()));
    open_inputs_ = unit().inputs.size();
    later_open_ = open_inputs_ - std::min<std::size_t>(open_inputs_, 1);
    if (restored() == nullptr || proof::planted(proof::bug::state_forgotten)) return ready();
    if (restored()->finished && restored()->state.name.empty()) return ended_before();
    if (!restored()->streams.empty())
      if (const auto numbered = stamper_->restore(restored_streams()); !numbered.ok()) return fail(numbered.problem());
    calls_.call([on = open_] { return guarded("take back what the unit held", [&] { return take_back(*on); }); },
                [this](const status& restored) {
                  if (!working_) return;
                  if (!restored.ok()) return fail(restored.problem());
                  // What it left to the next run is left once more.
                  this->restored()->finished ? ended_before() : ready();
                });
  }

  void work() override {
    if (!ready_) return;
    const auto until = clock().now() + time_slice;
    while (may_work() && !scheduled_ && !calling_ && step()) {
      if (clock().now() < until) continue;
      go_on_later();
    }
    rejects_.send();
    if (working_ && complete_) finish_when_done();
  }

  void stop_early() override {
    stop_wanted_ = calling_ || !ready_;
    if (stop_wanted_) return;
    stamper_->settled(stamped_);
    send_stamped();
    give_up_input();
    barrier_.reset();
    complete_ = true;
  }

  void tell_more_again() override {
    if (!calling_) tell_of_rules();  // else with the next barrier
  }

  /// A call under way ends first, so that nothing of the run continues after its end.
  void give_up() override {
    if (!calling_) return abandon_done();
    calls_.call([] { return 0; }, [this](int) { abandon_done(); });
  }

  /// Large state is taken down beside the scheduler's threads, behind the call under way.
  void let_go() override {
    transform_ = nullptr;
    checking_ = nullptr;
    calls_.post([last = std::move(open_)]() mutable { last.reset(); });
    current_.reset();
  }

 private:
  // -- work

  void ready() {
    ready_ = true;
    hold_inputs_back();
    started();
    work();
  }

  /// The run that this one continues after had got to its end here.
  void ended_before() {
    ready_ = true;
    started();
    stop_early();
    work();
  }

  /// Everything before the barrier has been passed on: lets it pass, and writes down what the transform holds.
  void pass_barrier() {
    rejects_.send();
    if (!rejects_.idle()) return;
    const auto at = *std::exchange(barrier_, std::nullopt);
    tell_of_rules();
    outbox_->barrier(at.epoch);
    rejects_.passed(at.epoch);
    auto here = snapshot(at, stamper_->state());
    here.held = transform_->held();
    calling_ = true;
    const auto name =
        std::to_string(at.epoch) + "/" + unit().definition.name + "-" + std::to_string(who_.instance) + ".state";
    calls_.call([on = open_, name] { return hand_out(*on, name); },
                [this, name, epoch = at.epoch, here = std::move(here)](result<handed_out> what) mutable {
                  calling_ = false;
                  if (!working_) return;
                  if (!what.ok()) return fail(cannot_hand_out(what.problem()));
                  save(epoch, std::move(here), name, *std::move(what));
                  if (stop_wanted_) stop_early();
                  if (working_) work();
                });
  }

  /// Made durable while the transform works on.
  void save(std::uint64_t epoch, flow::instance_snapshot here, const std::string& name, handed_out what) {
    saving_ = true;
    saves_.call(
        [folder = setup_->checkpoint_folder, name, what = std::move(what)] { return write(folder, name, what); },
        [this, epoch, here = std::move(here)](const result<flow::saved_state>& saved) mutable {
          if (!working_) return;
          if (!saved.ok()) return fail(saved.problem());
          saving_ = false;
          here.state = *saved;
          tell_prepared({.epoch = epoch, .what = std::move(here)});
          work();
        });
  }

  static error cannot_hand_out(error why) {
    if (why.code == "not_supported")
      why.hint += std::string(why.hint.empty() ? "" : "; or ") + "remove run: { checkpoint: }, or raise run.memory";
    return why;
  }

  /// Lets others have their turn first.
  void go_on_later() {
    scheduled_ = true;
    send(this, continuation{[this] {
           scheduled_ = false;
           if (working_) work();
         }});
  }

  /// One call into the transform; false where there is nothing to do, or it is done elsewhere.
  bool step() {
    if (complete_) return false;
    if (barrier_ && !resuming_) {
      pass_barrier();
      return false;
    }
    if (resuming_) {
      call([](transform& unit, emitter& out) { return unit.resume(out); });
      return working_ && !calling_;
    }
    return take_next();
  }

  bool take_next() {
    auto next = inbox_->next();
    if (!next) return false;
    if (const auto* barrier = std::get_if<flow::inbox::aligned_barrier>(&*next)) {
      barrier_ = *barrier;
      call([epoch = barrier->epoch](transform& unit, emitter& out) -> result<bool> {
        SLUICE_TRY(unit.before_barrier(epoch, out));
        return true;
      });
      return working_ && !calling_;
    }
    if (const auto* risen = std::get_if<flow::inbox::time_risen>(&*next)) {
      if (risen->watermark == flow::idle_mark) {
        idle_ = true;
        answered(call_answer());
        return working_;
      }
      time_ = risen->watermark;
      call([time = risen->watermark](transform& unit, emitter& out) -> result<bool> {
        SLUICE_TRY(unit.on_time(time, out));
        return true;
      });
      return working_ && !calling_;
    }
    if (const auto* end = std::get_if<flow::inbox::input_ended>(&*next)) {
      ended(end->input);
      call([input = end->input](transform& unit, emitter& out) -> result<bool> {
        SLUICE_TRY(unit.finish(input, out));
        return true;
      });
      return working_ && !calling_;
    }
    auto& arrived = std::get<flow::inbox::arrived_batch>(*next);
    const auto rows = static_cast<std::uint64_t>(arrived.rows.rows());
    counters_.in += rows;
    ++counters_.batches;
    current_ = arrived.owed;
    if (arrived.input == 0) stamper_->taken(arrived.rows.order);
    if (rows == 0) {
      answered(call_answer());
      return working_;
    }
    call([input = arrived.input, in = std::move(arrived.rows)](transform& unit, emitter& out) mutable -> result<bool> {
      SLUICE_TRY(unit.process(input, std::move(in), out));
      return unit.resume(out);
    });
    return working_ && !calling_;
  }

  /// Calls the transform, here or, where that may take long, on the I/O pool; `answered` follows.
  template <class Call>
  void call(Call what) {
    const auto run = [](open_transform& on, Call& how) {
      call_answer answer;
      answer.more = guarded("work on rows", [&] { return how(*on.unit, answer); });
      return answer;
    };
    if (may_block_ == nullptr || !may_block_->next_call_may_block()) return answered(run(*open_, what));
    calling_ = true;
    calls_.call([on = open_, run, how = std::make_shared<Call>(std::move(what))] { return run(*on, *how); },
                [this](call_answer answer) {
                  calling_ = false;
                  if (!working_) return;
                  answered(std::move(answer));
                  if (working_ && stop_wanted_) stop_early();
                  if (working_) work();
                });
  }

  void answered(call_answer answer) {
    if (!answer.more.ok()) {
      tell_of_rules();
      if (unit().policy == on_error::fail && !answer.rejected.empty())
        return fail_at(answer.more.problem(), std::move(answer.rejected.front()));
      return fail(answer.more.problem());
    }
    counters_.filtered += answer.counted.filtered;
    counters_.merged += answer.counted.merged;
    counters_.added += answer.counted.added;
    counters_.set_null += answer.counted.set_null;
    counters_.rejected += answer.rejected.size();
    for (auto& row : answer.rejected) {
      row.unit = unit().definition.name;
      rejects_.add(std::move(row));
    }
    for (auto& [port, rows] : answer.made) {
      counters_.out += static_cast<std::uint64_t>(rows.rows());
      stamper_->made(port, std::move(rows), only_input_, stamped_);
    }
    resuming_ = *answer.more;
    if (!resuming_) settle();
    const bool time_passes = !resuming_ && time_ && (complete_ || holding_ == nullptr || !holding_->holds_rows());
    if (!resuming_ && (barrier_ || time_passes)) stamper_->let_pass(stamped_);
    send_stamped();
    if (time_passes && working_) outbox_->watermark(time_behind(*std::exchange(time_, std::nullopt)));
    if (!resuming_ && std::exchange(idle_, false) && working_) outbox_->watermark(flow::idle_mark);
  }

  [[nodiscard]] std::int64_t time_behind(std::int64_t time) const {
    const auto* const shifts = dynamic_cast<const shifts_time*>(transform_);
    const auto delay = shifts == nullptr ? std::int64_t{0} : shifts->delay();
    return time >= flush_of_time || time < std::numeric_limits<std::int64_t>::min() + delay ? time : time - delay;
  }

  /// An input that is of no use yet stays with its sender, where that blocks nobody.
  void hold_inputs_back() {
    const auto* choice = dynamic_cast<const wants_last*>(transform_);
    if (choice == nullptr || choice->last_input() < 0 ||
        !flow::may_hold_back(*setup_->what, unit_index(), choice->last_input()))
      return;
    inbox_->hold_back(choice->last_input());
    held_back_.insert(choice->last_input());
  }

  /// Lets them in when the others have ended.
  void ended(int input) {
    --open_inputs_;
    if (input > 0) --later_open_;
    if (held_back_.empty() || open_inputs_ > held_back_.size()) return;
    for (const auto held : held_back_) inbox_->let_in(held);
    held_back_.clear();
  }

  /// What was taken has been answered, as far as it can be now.
  void settle() {
    if (current_) give_credit({*current_});
    current_.reset();
    // A join that still waits for its other inputs answers its first one later.
    if (later_open_ == 0 && (late_ == nullptr || !late_->answers_late())) stamper_->settled(stamped_);
    if (open_inputs_ == 0) complete_ = true;
    if (!complete_ && transform_->satisfied()) {
      complete_ = true;
      time_ = end_of_time;
      give_up_input();
    }
    if (complete_) stamper_->settled(stamped_);
  }

  void send_stamped() {
    for (const auto& [port, rows] : stamped_) {
      if (!working_) break;
      unit_actor::emit(port, rows);
    }
    stamped_.clear();
  }

  void give_up_input() {
    std::vector<flow::due_credit> due;
    const auto given = inbox_->give_up(due);
    give_credit(due);
    stop_upstream();
    if (!given.ok()) fail(given.problem());
  }

  /// What still arrives belongs to the balance, so the end of every input is waited for. What it counted at a barrier
  /// is told before what it counted at its end, which belongs to the next checkpoint.
  void finish_when_done() {
    rejects_.send();
    if (rejects_.idle()) outbox_->end();
    if (!inbox_->exhausted() || saving_ || calling_) return;
    if (!std::exchange(told_at_end_, true)) tell_of_rules();
    const bool keeps = setup_->what->goes_on() && transform_->needs_watermarks() && !stopped_early_;
    if (keeps && !std::exchange(keeps_asked_, true)) return keep_for_next_run();
    finish_when_passed_on();
  }

  /// What its rules have found so far. No call is under way.
  void tell_of_rules() {
    if (checking_ == nullptr) return;
    auto found = checking_->rules();
    if (!found.empty()) send(links_.supervisor, rules_checked{.who = who_, .results = std::move(found)});
  }

  /// Its inputs have ended at a position: the next run goes on with what it holds.
  void keep_for_next_run() {
    saving_ = true;
    kept_rows_ = transform_->held();
    const auto name = "end" + std::to_string(setup_->attempt) + "/" + unit().definition.name + "-" +
                      std::to_string(who_.instance) + ".state";
    saves_.call(
        [on = open_, folder = setup_->checkpoint_folder, name]() -> result<flow::saved_state> {
          SLUICE_ASSIGN(const auto what, hand_out(*on, name));
          return write(folder, name, what);
        },
        [this](const result<flow::saved_state>& saved) {
          if (!working_) return;
          saving_ = false;
          if (!saved.ok()) return fail(saved.problem());
          kept_state_ = *saved;
          work();
        });
  }

  blocking_calls saves_;  ///< of what it holds
  std::shared_ptr<open_transform> open_;
  transform* transform_ = nullptr;          ///< in open_
  late_answers* late_ = nullptr;            ///< the same, where it answers late
  const may_block* may_block_ = nullptr;    ///< the same, where its calls may take long
  const holds_back* holding_ = nullptr;     ///< the same, where watermarks may have to wait for rows
  const checks_rules* checking_ = nullptr;  ///< the same, where it checks rows against rules
  std::unique_ptr<flow::order_stamper> stamper_;
  std::vector<flow::outgoing_batch> stamped_;            ///< to be sent after the call that made them
  std::optional<flow::due_credit> current_;              ///< for the batch that is being worked on
  std::optional<flow::inbox::aligned_barrier> barrier_;  ///< to be passed on when what comes before it has been
  std::optional<std::int64_t> time_;                     ///< a watermark, likewise
  bool idle_ = false;                                    ///< its inputs are, which those below do not know yet
  bool keeps_asked_ = false;  ///< what it holds for the next run is written, or being written
  std::size_t open_inputs_ = 0;
  std::set<int> held_back_;     ///< inputs that wait for the others to end
  std::size_t later_open_ = 0;  ///< inputs beyond the first that have not ended
  bool only_input_ = true;
  bool ready_ = false;        ///< made, and what it held before was taken back
  bool resuming_ = false;     ///< the transform has more to make
  bool scheduled_ = false;    ///< go_on_later is on its way
  bool calling_ = false;      ///< a call is under way on the I/O pool
  bool saving_ = false;       ///< what it held at a barrier is being written
  bool stop_wanted_ = false;  ///< nobody needs more: stop when it has ended
  bool complete_ = false;     ///< nothing more will be made
  bool told_at_end_ = false;  ///< what its rules have found
};

}  // namespace

caf::actor spawn_transform(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                           const node_services& services) {
  return system.spawn<transform_actor>(std::move(setup), who, services);
}

}  // namespace sluice::actors
