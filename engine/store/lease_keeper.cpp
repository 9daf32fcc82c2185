#include "engine/store/lease_keeper.hpp"

#include <chrono>
#include <csignal>
#include <functional>
#include <utility>

namespace sluice::store {

namespace {

/// A thread whose signals go to those who wait for them.
std::thread quiet_thread(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread made(std::move(work));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return made;
}

}  // namespace

lease_keeper::lease_keeper(std::shared_ptr<store> in, const std::string& node, lease_rule rule)
    : store_(std::move(in)), rule_(rule), renewed_(uptime_microseconds()) {
  store_->enroll(this_process(node));
  thread_ = quiet_thread([this] { work(); });
}

lease_keeper::~lease_keeper() {
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
  }
  ends_.notify_all();
  thread_.join();
}

bool lease_keeper::missed() const { return missed_ || uptime_microseconds() - renewed_ >= rule_.most_silent.count(); }

void lease_keeper::work() {
  std::unique_lock guard(lock_);
  auto pause = rule_.beat;
  bool held_before = false;  // the first one makes the lease
  while (!ends_.wait_for(guard, pause, [this] { return ending_; })) {
    guard.unlock();
    const auto asked = uptime_microseconds();
    const auto held = store_->beat();
    if (held.ok()) {
      if (asked - renewed_ >= rule_.most_silent.count() || (held_before && !*held)) missed_ = true;
      renewed_ = asked;
      held_before = true;
    }
    // A Store that was busy may be free in a moment, and the lease is running out.
    pause = held.ok() ? rule_.beat : std::chrono::milliseconds(200);
    guard.lock();
  }
}

}  // namespace sluice::store
