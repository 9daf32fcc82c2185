#pragma once

#include "actors/io_pool.hpp"
#include "actors/messages.hpp"
#include "actors/units/instance.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/message.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluice::actors::testing {

/// The pool of actors in virtual time: their blocking calls run on the test's thread, when the test lets them.
class stepped_calls final : public io_pool {
 public:
  void run(std::function<void()> job) override { jobs_.push_back(std::move(job)); }

  [[nodiscard]] std::size_t waiting() const { return jobs_.size(); }
  /// Runs one of those that wait, the oldest being 0.
  void run_one(std::size_t which);
  /// Forgets those that wait, as a process does that is killed.
  void forget() { jobs_.clear(); }

 private:
  std::deque<std::function<void()>> jobs_;
};

/// An actor system whose messages, blocking calls and timers happen one by one, on the test's thread, as the test wants
/// it. Time stands still unless the test lets it pass: minutes take as long as the work that is done in them.
class virtual_time {
 public:
  /// With a seed the next message or call is picked at random, the same each time; without one, in the order in which
  /// they came. Messages from one actor to another stay in order, as in CAF.
  explicit virtual_time(std::optional<std::uint64_t> seed = {});
  /// Ends the actors that were given to `keep`. Actors that still live then are leaks: it says so and aborts.
  ~virtual_time();
  virtual_time(const virtual_time&) = delete;
  virtual_time& operator=(const virtual_time&) = delete;

  [[nodiscard]] caf::actor_system& system() { return *system_; }
  [[nodiscard]] stepped_calls& calls() { return *calls_; }
  [[nodiscard]] node_services services(const std::string& node = "here") const;
  [[nodiscard]] std::chrono::steady_clock::time_point now() { return coordinator_->clock().now(); }
  /// Actors that live.
  [[nodiscard]] std::size_t alive() const;

  /// Ends the actor with the test, at the latest.
  caf::actor keep(caf::actor one);

  /// While set, calls wait: a disk that hangs.
  bool stalled = false;

  /// One message or call; false where there is none.
  bool step();
  /// Until nothing is left to be done at this moment.
  void settle();
  /// Lets time pass, timer by timer.
  void pass(std::chrono::microseconds time);
  /// The same until `look` gives true, for `limit` at most; gives what `look` gave last.
  bool pass_until(const std::function<bool()>& look, std::chrono::microseconds limit);
  /// Goes to the next timer, if one comes within `limit`, and does what is due then.
  bool pass_to_next(std::chrono::microseconds limit);
  /// Lets time pass without doing what is due: everybody is slow.
  void slip(std::chrono::microseconds time);
  /// The same up to the next timer; false where none comes within `limit`.
  bool jump(std::chrono::microseconds limit);
  /// Ends an actor in the middle of whatever it does.
  void kill(const caf::actor& one);

  std::mt19937_64 random;

 private:
  struct config : caf::actor_system_config {
    config();
  };

  config config_;
  std::shared_ptr<stepped_calls> calls_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_;
  std::vector<caf::actor> kept_;
  bool at_random_;
};

/// An actor that the test plays: it keeps what it is sent.
class probe {
 public:
  explicit probe(virtual_time& time);

  [[nodiscard]] const caf::actor& handle() const { return handle_; }
  operator const caf::actor&() const { return handle_; }

  template <class Message>
  void send(const caf::actor& to, Message message) const {
    caf::send_as(handle_, to, std::move(message));
  }
  /// Messages of a kind, oldest first.
  template <class Message>
  [[nodiscard]] std::vector<Message> all() const {
    std::vector<Message> found;
    for (const auto& one : *got_)
      if (one.template match_elements<Message>()) found.push_back(one.template get_as<Message>(0));
    return found;
  }
  template <class Message>
  [[nodiscard]] std::size_t count() const {
    return all<Message>().size();
  }
  /// The newest message of a kind; fails the test where there is none.
  template <class Message>
  [[nodiscard]] Message last() const {
    auto found = all<Message>();
    if (found.empty()) missing();
    return std::move(found.back());
  }
  /// Forgets what has come so far.
  void clear() const { got_->clear(); }
  /// Whether anything has come.
  [[nodiscard]] bool silent() const { return got_->empty(); }

 private:
  [[noreturn]] static void missing();

  std::shared_ptr<std::vector<caf::message>> got_ = std::make_shared<std::vector<caf::message>>();
  caf::actor handle_;
};

}  // namespace sluice::actors::testing
