#pragma once

#include "actors/messages.hpp"
#include "actors/run/run_setup.hpp"
#include "engine/flow/epoch_round.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/message.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace sluice::actors {

/// Decides when a run takes a checkpoint, and gathers it: one at a time, the next one an interval after the last began,
/// and after one that took more than a second not before as much time has passed again; or at once where somebody asks.
/// Part of the supervisor, which writes what was gathered.
class checkpoints {
 public:
  /// Why a checkpoint is taken, beside its time.
  struct wish {
    bool last = false;       ///< the run ends with it
    bool savepoint = false;  ///< it is kept
    bool pause = false;      ///< nothing is read behind it, and the run waits
    bool flush = false;      ///< open windows are emitted before it
  };
  struct callbacks {
    std::function<void(const flow::instance_id&, caf::message)> tell;
    std::function<void(flow::epoch_round::collected, wish)> collected;  ///< `done` must follow, or the run ends
  };
  checkpoints(caf::event_based_actor* self, const run_setup& of, callbacks calls);

  /// All units are at work.
  void start();
  /// The same for a run that was taken over, of which nobody knows how far the next one had come: it is begun, or gone
  /// on with, at once.
  void start_at_once();
  /// One more as soon as may be; gives its epoch.
  std::uint64_t ask(wish for_what);
  void ready(const epoch_ready& message);
  void prepared(epoch_prepared message);
  /// An instance has ended.
  void finished(const instance_finished& message);
  /// What was gathered last is in the Store, and visible where it is to be.
  void done();
  /// The one that was gathered last is that of a pause.
  [[nodiscard]] bool pausing() const { return now_.pause; }
  /// What is gathered now is in the supervisor's hands.
  [[nodiscard]] bool busy() const { return busy_; }
  /// The epoch that is being gathered, or written.
  [[nodiscard]] std::optional<std::uint64_t> under_way() const {
    return busy_ ? std::optional(round_.completed()) : round_.under_way();
  }
  /// The contributions to the end of the run: all have ended.
  flow::epoch_round::collected take_last();
  void stop();

 private:
  void begin();
  void begin(const flow::instance_id& who, std::uint64_t epoch);
  void schedule();
  void see_whether_complete();
  void go_on(const std::vector<flow::instance_id>& enumerators);
  [[nodiscard]] std::optional<store::prepared_sink> prepared_by(const flow::instance_id& who, const std::string& token,
                                                                const std::string& target, std::uint64_t rows) const;

  caf::event_based_actor* self_;
  const plan& plan_;
  std::optional<std::chrono::microseconds> interval_;
  callbacks calls_;
  bool continues_;  ///< behind the last checkpoint of another run
  flow::epoch_round round_;
  std::optional<wish> wanted_;  ///< for the next one
  wish now_;                    ///< of the one that is under way
  std::chrono::steady_clock::time_point begun_, pause_until_;
  std::uint64_t timer_ = 0;  ///< the newest one counts
  bool started_ = false;
  bool busy_ = false;
  bool stopped_ = false;
};

}  // namespace sluice::actors
