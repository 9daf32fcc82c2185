#pragma once

#include "actors/messages.hpp"
#include "actors/run/follow_messages.hpp"
#include "actors/run/rejects_desk.hpp"
#include "actors/run/run_setup.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/instance.hpp"
#include "engine/component/may_be_down.hpp"
#include "engine/flow/inbox.hpp"
#include "engine/flow/outbox.hpp"
#include "engine/flow/waiting.hpp"

#include <caf/event_based_actor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// What extract, transform and load actors have in common: their place in the run, flow control, rejects, and the
/// protocol with the supervisor. They differ in `begin`, `work` and what they do when given up.
class unit_actor : public caf::event_based_actor {
 public:
  unit_actor(caf::actor_config& config, std::shared_ptr<const run_setup> setup, flow::instance_id who,
             const node_services& services);

  caf::behavior make_behavior() override;
  void on_exit() override;

 protected:
  /// Opens what the unit needs, without blocking; calls `started` when that is done.
  virtual void begin() = 0;
  /// Something has come or gone: input, credit, rejects. Does what can be done now; calls `finish` at the end.
  virtual void work() = 0;
  /// Nobody needs more of this unit.
  virtual void stop_early() {}
  /// The run has failed or was cancelled: lets go of everything, then calls `abandon_done`.
  virtual void give_up() { abandon_done(); }
  /// Whether something durable was made of which only the supervisor knows what is to become of it.
  [[nodiscard]] virtual bool keeps_prepared() const { return false; }
  /// What a supervisor that takes the run over has to know besides.
  virtual void stand(instance_stands& here) const { (void)here; }
  /// The same: sent before the instance's last report.
  virtual void tell_more_again() {}
  /// Handlers of the unit's own messages.
  virtual caf::message_handler own_messages() { return {}; }
  /// What it has counted, as others see it.
  [[nodiscard]] virtual flow::unit_counters counted() const { return counters_; }
  /// Nothing where its system is reached, or it has none.
  [[nodiscard]] virtual std::optional<down_state> down() const { return std::nullopt; }
  /// How far it is, and what it can't reach.
  [[nodiscard]] instance_progress progress() const;
  /// Called last: actors hold each other's handles, which must not outlive the run.
  virtual void let_go() {}

  void started();
  /// Reports to the supervisor, once, when everything was passed on: outputs ended, rejects stored.
  void finish_when_passed_on();
  /// Reports what was prepared at a barrier.
  void tell_prepared(epoch_prepared what);
  /// Once more, to a supervisor that has not heard of it.
  void tell_prepared_again();
  /// Whether the message that is being handled comes from whom the instance obeys: the supervisor, or this node. A
  /// supervisor whose run was taken over commands nothing any more.
  [[nodiscard]] bool obeys();
  void fail(error why);
  /// Tells the supervisor of a failure, which need not be the end of this unit.
  void tell_failure(error why);
  /// Fails because of a row: with its file and line, if its source finds them in time.
  void fail_at(error why, rejected_row row);
  void abandon_done();

  /// What a successor begins with, at a barrier: the counts, with `received` in the place of what came since; `streams`
  /// of the unit's own.
  [[nodiscard]] flow::instance_snapshot snapshot(const flow::inbox::aligned_barrier& at,
                                                 const std::string& streams = {}) const;
  /// Of the run that this one continues after; null: it begins afresh.
  [[nodiscard]] const flow::instance_snapshot* restored() const { return restored_; }
  [[nodiscard]] const std::string& restored_streams() const { return restored_streams_; }
  /// True once the supervisor has the last word of this instance, or its outputs are ending.
  [[nodiscard]] bool is_ending() const { return finished_ || (outbox_ && outbox_->ending()); }

  void emit(int port, const batch& rows);
  void give_credit(const std::vector<flow::due_credit>& due);
  /// Tells everyone upstream that nothing more is needed.
  void stop_upstream();
  /// True while the unit may make something new.
  [[nodiscard]] bool may_work() const { return working_ && outbox_->clear() && rejects_.clear(); }

  [[nodiscard]] const planned_unit& unit() const { return setup_->what->units[who_.unit]; }
  [[nodiscard]] int unit_index() const { return static_cast<int>(who_.unit); }

  std::shared_ptr<const run_setup> setup_;
  flow::instance_id who_;
  blocking_calls calls_;
  wiring links_;
  std::unique_ptr<flow::inbox> inbox_;
  std::unique_ptr<flow::outbox> outbox_;
  rejects_desk rejects_;
  flow::unit_counters counters_;
  std::string target_;                           ///< of a sink, for the report
  std::string token_;                            ///< the same: commits what it has prepared
  std::uint64_t token_rows_ = 0;                 ///< the same: what that is
  std::vector<flow::split_state> ended_splits_;  ///< of a reader: since the last barrier
  std::optional<std::int64_t> passed_time_;      ///< the same: the last watermark that it has passed on
  flow::saved_state kept_state_;                 ///< of a transform: what the next run goes on with
  std::uint64_t kept_rows_ = 0;                  ///< the same: rows in it
  /// What a source has reached, as JSON; asked when all its rows are passed on.
  virtual std::string reached() { return {}; }
  bool stopped_early_ = false;
  bool working_ = false;  ///< begun, and neither failed nor given up

 private:
  void wire(wiring& links);
  void begin_or_tell_again();
  void follow_other(const actors::follow& message);
  void supervisor_lost(const caf::down_msg& gone);
  void take(data_message& message);
  void take_credit(const credit& message);
  void emit_rejects(const std::vector<rejected_row>& rows);

  void name_row(const rejected_row& row);
  status go_on_behind();
  /// Notes whether what was made waits for credit.
  void note_held_back();
  [[nodiscard]] std::int64_t now() const;

  const flow::instance_snapshot* restored_ = nullptr;
  std::string restored_streams_;
  std::uint64_t skipped_before_ = 0;  ///< rows that arrived too late in the run that this one continues after
  flow::held_back_time held_back_;
  // What was told, for a supervisor that takes the run over.
  std::optional<epoch_prepared> prepared_;
  std::optional<instance_finished> last_word_;
  std::optional<error> failed_of_;
  std::uint64_t rejected_before_ = 0;  ///< rows in the file of the rejects when it was taken over
  bool begun_ = false;
  bool told_started_ = false;
  bool finished_ = false;
  std::optional<error> failure_;  ///< while the source looks for the row
};

}  // namespace sluice::actors
