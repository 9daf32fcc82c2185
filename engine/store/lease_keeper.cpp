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

lease_keeper::lease_keeper(std::shared_ptr<store> in, const std::string& node)
    : store_(std::move(in)), renewed_(uptime_microseconds()) {
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

bool lease_keeper::missed() const { return missed_ || uptime_microseconds() - renewed_ >= lease_microseconds; }

void lease_keeper::work() {
  std::unique_lock guard(lock_);
  auto pause = std::chrono::microseconds(beat_microseconds);
  while (!ends_.wait_for(guard, pause, [this] { return ending_; })) {
    guard.unlock();
    const auto asked = uptime_microseconds();
    const auto held = store_->beat();
    if (held.ok()) {
      if (asked - renewed_ >= lease_microseconds) missed_ = true;
      renewed_ = asked;
    }
    // A Store that was busy may be free in a moment, and the lease is running out.
    pause = held.ok() ? std::chrono::microseconds(beat_microseconds) : std::chrono::milliseconds(200);
    guard.lock();
  }
}

}  // namespace sluice::store
