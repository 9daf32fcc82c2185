#include "cluster/move_runs.hpp"

#include "actors/messages.hpp"
#include "actors/units/blocking_calls.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <set>

namespace sluice::cluster {

namespace {

constexpr auto ask_limit = std::chrono::seconds(10);
/// How often a run is asked whether it is paused.
constexpr auto look_again = std::chrono::milliseconds(100);

class mover : public caf::event_based_actor {
 public:
  mover(caf::actor_config& config, caf::actor control, const std::vector<std::string>& runs,
        std::function<void(const std::string&)> log)
      : caf::event_based_actor(config),
        control_(std::move(control)),
        left_(runs.begin(), runs.end()),
        log_(std::move(log)) {}

  caf::behavior make_behavior() override {
    for (const auto& run : left_) pause(run);
    return {actors::resume_calls()};
  }
  void on_exit() override { control_ = nullptr; }

 private:
  void pause(const std::string& run) {
    request(control_, ask_limit, actors::steer_run{run, "pause"})
        .then(
            [this, run](const actors::steer_answer& answer) {
              if (answer.refused.code.empty() && answer.known) return later(run);
              if (answer.known) log_("run " + run + " stays where it is: " + answer.refused.message);
              done(run);
            },
            [this, run](const caf::error&) { done(run); });
  }

  void later(const std::string& run) {
    delayed_send(this, look_again, actors::continuation{[this, run] { look(run); }});
  }

  void look(const std::string& run) {
    request(control_, ask_limit, actors::get_progress{run})
        .then(
            [this, run](const actors::run_progress& now) {
              // A run that has ended is not known any more.
              if (now.run.empty() && now.state.empty()) return resume(run);
              now.state == "paused" ? resume(run) : later(run);
            },
            [this, run](const caf::error&) { done(run); });
  }

  void resume(const std::string& run) {
    request(control_, ask_limit, actors::steer_run{run, "resume"})
        .then(
            [this, run](const actors::steer_answer& answer) {
              // It is being prepared for its next try.
              if (answer.known && !answer.refused.code.empty()) return later(run);
              done(run);
            },
            [this, run](const caf::error&) { done(run); });
  }

  void done(const std::string& run) {
    left_.erase(run);
    if (left_.empty()) quit();
  }

  caf::actor control_;
  std::set<std::string> left_;
  std::function<void(const std::string&)> log_;
};

}  // namespace

void move_runs(caf::actor_system& system, const caf::actor& control, const std::vector<std::string>& runs,
               std::function<void(const std::string&)> log) {
  if (!runs.empty()) system.spawn<mover>(control, runs, std::move(log));
}

}  // namespace sluice::cluster
