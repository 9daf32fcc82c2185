#include "actors/transform.hpp"

#include "actors/guarded.hpp"
#include "actors/rejects_batch.hpp"
#include "actors/unit_actor.hpp"
#include "engine/flow/order.hpp"
#include "engine/wants_last.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <set>

namespace sluice::actors {

namespace {

using clock = std::chrono::steady_clock;

/// How long it works before others have their turn.
constexpr auto time_slice = std::chrono::milliseconds(5);

std::vector<batch> empty_batches(const planned_unit& unit) {
  std::vector<batch> all;
  for (const auto& port : unit.outputs) {
    batch empty;
    empty.data = arrow::RecordBatch::MakeEmpty(port.schema).ValueOrDie();
    if (unit.want_positions)
      empty.positions = std::make_shared<arrow::UInt64Array>(0, std::shared_ptr<arrow::Buffer>());
    all.push_back(std::move(empty));
  }
  return all;
}

class transform_actor : public unit_actor, private emitter {
 public:
  using unit_actor::unit_actor;

 protected:
  void begin() override {
    const auto& made_of = *setup_;
    auto made = guarded("make the unit", [&] {
      return made_of.components.make_transform(*made_of.what, unit_index(), *made_of.context);
    });
    if (!made.ok()) return fail(made.problem());
    transform_ = std::move(made).value();
    only_input_ = unit().inputs.size() <= 1;
    stamper_ = std::make_unique<flow::order_stamper>(transform_->keeps_order() && outbox_->any_ordered(),
                                                     empty_batches(unit()));
    open_inputs_ = unit().inputs.size();
    later_open_ = open_inputs_ - std::min<std::size_t>(open_inputs_, 1);
    hold_inputs_back();
    started();
    work();
  }

  void work() override {
    const auto until = clock::now() + time_slice;
    while (may_work() && !scheduled_ && step()) {
      if (clock::now() < until) continue;
      go_on_later();
    }
    rejects_.send();
    if (working_ && complete_) finish_when_done();
  }

  void stop_early() override {
    stamper_->settled(stamped_);
    send_stamped();
    give_up_input();
    complete_ = true;
  }

  void let_go() override {
    transform_.reset();
    current_.reset();
  }

 private:
  // -- emitter

  void emit(int port, batch rows) override {
    if (rows.rows() == 0) return;
    counters_.out += static_cast<std::uint64_t>(rows.rows());
    stamper_->made(port, std::move(rows), only_input_, stamped_);
  }

  void reject(const batch& in, const row_errors& why) override {
    for (std::size_t at = 0; at < why.size();) {
      const auto row = why[at].row;
      rejected_row record;
      record.unit = unit().definition.name;
      record.code = why[at].code;
      record.column = why[at].column;
      for (; at < why.size() && why[at].row == row; ++at)
        record.message += (record.message.empty() ? "" : "; ") + why[at].message;
      record.record = row_json(*in.data, row);
      if (in.positions) record.position = in.positions->Value(row);
      ++counters_.rejected;
      rejects_.add(std::move(record));
    }
  }

  void count_filtered(std::uint64_t rows) override { counters_.filtered += rows; }
  void count_merged(std::uint64_t rows) override { counters_.merged += rows; }
  void count_added(std::uint64_t rows) override { counters_.added += rows; }
  void count_set_null(const std::string& column, std::uint64_t values) override {
    (void)column;
    counters_.set_null += values;
  }

  // -- work

  /// Lets others have their turn first.
  void go_on_later() {
    scheduled_ = true;
    send(this, continuation{[this] {
           scheduled_ = false;
           if (working_) work();
         }});
  }

  /// One call into the transform; false where there is nothing to do.
  bool step() {
    if (complete_) return false;
    if (!resuming_ && !take_next()) return false;
    const auto more = guarded("work on rows", [&]() -> result<bool> { return transform_->resume(*this); });
    if (!more.ok()) return fail(more.problem()), false;
    resuming_ = *more;
    if (!resuming_) settle();
    send_stamped();
    return working_;
  }

  bool take_next() {
    auto next = inbox_->next();
    if (!next) return false;
    if (const auto* barrier = std::get_if<flow::inbox::aligned_barrier>(&*next)) {
      outbox_->barrier(barrier->epoch);
      return true;
    }
    status answer;
    if (const auto* end = std::get_if<flow::inbox::input_ended>(&*next)) {
      ended(end->input);
      answer = guarded("finish an input", [&] { return transform_->finish(end->input, *this); });
    } else {
      auto& arrived = std::get<flow::inbox::arrived_batch>(*next);
      const auto rows = static_cast<std::uint64_t>(arrived.rows.rows());
      counters_.in += rows;
      ++counters_.batches;
      current_ = arrived.owed;
      if (arrived.input == 0) stamper_->taken(arrived.rows.order);
      if (rows > 0)
        answer =
            guarded("work on rows", [&] { return transform_->process(arrived.input, std::move(arrived.rows), *this); });
    }
    if (!answer.ok()) return fail(answer.problem()), false;
    resuming_ = true;
    return true;
  }

  /// An input that is of no use yet stays with its sender, where that blocks nobody.
  void hold_inputs_back() {
    const auto* choice = dynamic_cast<const wants_last*>(transform_.get());
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
    if (later_open_ == 0) stamper_->settled(stamped_);
    if (open_inputs_ == 0) complete_ = true;
    if (!complete_ && transform_->satisfied()) {
      complete_ = true;
      give_up_input();
    }
    if (complete_) stamper_->settled(stamped_);
  }

  void send_stamped() {
    for (auto& [port, rows] : stamped_) {
      if (!working_) break;
      unit_actor::emit(port, std::move(rows));
    }
    stamped_.clear();
  }

  void give_up_input() {
    std::vector<flow::due_credit> due;
    inbox_->give_up(due);
    give_credit(due);
    stop_upstream();
  }

  /// What still arrives belongs to the balance, so the end of every input is waited for.
  void finish_when_done() {
    rejects_.send();
    if (rejects_.idle()) outbox_->end();
    if (inbox_->exhausted()) finish_when_passed_on();
  }

  std::unique_ptr<transform> transform_;
  std::unique_ptr<flow::order_stamper> stamper_;
  std::vector<flow::outgoing_batch> stamped_;  ///< to be sent after the call that made them
  std::optional<flow::due_credit> current_;    ///< for the batch that is being worked on
  std::size_t open_inputs_ = 0;
  std::set<int> held_back_;     ///< inputs that wait for the others to end
  std::size_t later_open_ = 0;  ///< inputs beyond the first that have not ended
  bool only_input_ = true;
  bool resuming_ = false;   ///< the transform has more to make
  bool scheduled_ = false;  ///< go_on_later is on its way
  bool complete_ = false;   ///< nothing more will be made
};

}  // namespace

caf::actor spawn_transform(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                           const node_services& services) {
  return system.spawn<transform_actor>(std::move(setup), who, services);
}

}  // namespace sluice::actors
