#include "engine/memory/task_lanes.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {

struct task_lanes::state {
  struct lane {
    std::deque<job> jobs;
    bool taken = false;  ///< waits for a thread or is run by one
  };

  std::mutex lock;
  std::condition_variable more;
  std::condition_variable fewer;
  std::vector<lane> lanes;
  std::deque<std::size_t> ready;  ///< lanes that wait for a thread
  std::size_t unfinished = 0;
  std::size_t waited_for = 0;
  bool closing = false;
  std::vector<std::thread> threads;

  void loop(std::size_t thread) {
    std::unique_lock guard(lock);
    for (;;) {
      more.wait(guard, [&] { return closing || !ready.empty(); });
      if (closing) return;
      const auto number = ready.front();
      ready.pop_front();
      auto& mine = lanes[number];
      auto what = std::move(mine.jobs.front());
      mine.jobs.pop_front();
      guard.unlock();
      what(thread);
      what = nullptr;
      guard.lock();
      if (mine.jobs.empty()) {
        mine.taken = false;
      } else {
        ready.push_back(number);
      }
      if (--unfinished <= waited_for) fewer.notify_one();
    }
  }
};

task_lanes::task_lanes(std::size_t lanes, std::size_t threads) : state_(std::make_unique<state>()) {
  state_->lanes.resize(lanes);
  for (std::size_t i = 0; i < threads; ++i) state_->threads.emplace_back([self = state_.get(), i] { self->loop(i); });
}

task_lanes::~task_lanes() {
  {
    const std::lock_guard guard(state_->lock);
    state_->closing = true;
  }
  state_->more.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

void task_lanes::post(std::size_t lane, job what) {
  const std::lock_guard guard(state_->lock);
  auto& mine = state_->lanes[lane];
  mine.jobs.push_back(std::move(what));
  ++state_->unfinished;
  if (std::exchange(mine.taken, true)) return;
  state_->ready.push_back(lane);
  state_->more.notify_one();
}

void task_lanes::wait(std::size_t jobs) {
  std::unique_lock guard(state_->lock);
  state_->waited_for = jobs;
  state_->fewer.wait(guard, [&] { return state_->unfinished <= jobs; });
}

}  // namespace sluice
