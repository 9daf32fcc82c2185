#include "actors/units/extract_unit.hpp"

#include "actors/units/guarded.hpp"
#include "actors/units/unit_actor.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <caf/all.hpp>

namespace sluice::actors {

namespace {

/// A split that is being read; lives on the actor's strand.
struct split_session {
  std::shared_ptr<const run_setup> setup;  // the source's context
  std::shared_ptr<source> from;
  split piece;
  std::unique_ptr<split_reader> reader = {};
  bool ended = false;

  /// Opens the split with the first call. Nothing follows a step with `end`.
  result<std::optional<read_step>> step() {
    if (ended) return std::optional<read_step>();
    if (!reader) {
      SLUICE_ASSIGN(reader, guarded("open the source", [&] { return from->open(piece); }));
    }
    SLUICE_ASSIGN(auto made, guarded("read the source", [&] { return reader->next(); }));
    if (made.end || !made.rows.data) {
      made.end = true;
      ended = true;
      reader.reset();
    }
    return std::optional(std::move(made));
  }
};

/// Reads splits one after the other, up to two calls ahead of what is passed on: as soon as one of two batches that
/// wait for credit has gone, the next one is read.
class extract_actor : public unit_actor {
 public:
  using unit_actor::unit_actor;

 protected:
  caf::message_handler own_messages() override {
    return {
        [this](take_split& message) { take(std::move(message.piece)); },
        [this](no_more_splits) {
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
                  started();
                  ask();
                });
  }

  void work() override {
    while (session_ && working_ && rejects_.clear() && reads_ + outbox_->waiting() < most_ahead) {
      ++reads_;
      calls_.call(
          [session = session_] { return session->step(); },
          [this, session = session_](result<std::optional<read_step>> step) { take(session, std::move(step)); });
    }
    if (done_ && !session_) finish_when_passed_on();
  }

  std::string reached() override {
    const auto made = source_ ? source_->reached() : options();
    return made.is_null() ? std::string() : made.dump();
  }

  void stop_early() override {
    session_.reset();
    done_ = true;
  }

  void let_go() override {
    session_.reset();
    source_.reset();
  }

 private:
  static constexpr std::size_t most_ahead = 2;

  void ask() { send(links_.enumerators[unit().source_number], want_split{who_}); }

  void take(split piece) {
    if (!working_ || done_) return;
    session_ = std::make_shared<split_session>(split_session{setup_, source_, std::move(piece)});
    sequence_ = 0;
    work();
  }

  void take(const std::shared_ptr<split_session>& session, result<std::optional<read_step>> step) {
    --reads_;
    if (!working_ || session != session_) return;  // stopped, or read past the end
    if (!step.ok()) return fail(std::move(step).problem());
    if (*step) pass_on(std::move(**step));
    if (working_) work();
  }

  void pass_on(read_step step) {
    const auto rows = step.rows.data ? step.rows.rows() : 0;
    counters_.in += step.records;
    counters_.out += static_cast<std::uint64_t>(rows);
    counters_.filtered += step.filtered;
    counters_.rejected += step.rejected.size();
    counters_.set_null += step.set_null;
    counters_.bytes += step.bytes;
    ++counters_.batches;
    for (auto& record : step.rejected) reject(std::move(record));
    rejects_.send();
    if (rows > 0 || step.end) {
      auto out = step.rows.data ? std::move(step.rows) : marker();
      out.order = {.split = session_->piece.id, .sequence = sequence_++, .last_in_split = step.end};
      emit(0, std::move(out));
    }
    if (!step.end || !working_) return;
    send(links_.enumerators[unit().source_number], split_finished{who_, session_->piece.id});
    session_.reset();
    if (!done_) ask();
  }

  void reject(rejected_record record) {
    rejected_row row;
    row.unit = unit().definition.name;
    row.code = std::move(record.code);
    row.column = std::move(record.column);
    row.message = std::move(record.message);
    row.record = std::move(record.record);
    row.position = position{unit().source_number, session_->piece.id, record.offset}.pack();
    row.file = session_->piece.object;
    rejects_.add(std::move(row));
  }

  batch marker() {
    batch empty;
    empty.data = arrow::RecordBatch::MakeEmpty(unit().outputs[0].schema).ValueOrDie();
    return empty;
  }

  std::shared_ptr<source> source_;
  std::shared_ptr<split_session> session_;
  std::uint32_t sequence_ = 0;  ///< of the next batch of the split
  std::size_t reads_ = 0;       ///< calls under way
  bool done_ = false;           ///< no split follows
};

}  // namespace

caf::actor spawn_extract(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                         const node_services& services) {
  return system.spawn<extract_actor>(std::move(setup), who, services);
}

}  // namespace sluice::actors
