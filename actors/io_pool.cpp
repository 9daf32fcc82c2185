#include "actors/io_pool.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <fstream>
#include <map>
#include <string>
#include <thread>

namespace sluice::actors {

struct io_pool::core {
  std::mutex lock;
  std::condition_variable more;
  std::condition_variable fewer;
  std::deque<std::function<void()>> jobs;
  std::size_t most = 0;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool closing = false;
  std::map<pid_t, clockid_t> clocks;  ///< of the threads' use of the processor
  std::chrono::nanoseconds ended{0};  ///< used by threads that have ended

  static std::chrono::nanoseconds used_by(clockid_t clock) {
    timespec time{};
    if (::clock_gettime(clock, &time) != 0) return {};
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  static void loop(const std::shared_ptr<core>& self) {
    std::unique_lock guard(self->lock);
    const auto number = ::gettid();
    clockid_t own = CLOCK_THREAD_CPUTIME_ID;
    if (::pthread_getcpuclockid(::pthread_self(), &own) == 0) self->clocks.emplace(number, own);
    for (;;) {
      ++self->idle;
      self->more.wait(guard, [&] { return self->closing || !self->jobs.empty(); });
      --self->idle;
      if (self->jobs.empty()) break;
      auto job = std::move(self->jobs.front());
      self->jobs.pop_front();
      guard.unlock();
      job();
      job = nullptr;
      guard.lock();
    }
    self->ended += used_by(own);
    self->clocks.erase(number);
    --self->threads;
    self->fewer.notify_all();
  }

  /// Processor time that the threads have used so far.
  [[nodiscard]] std::chrono::nanoseconds used() const {
    auto all = ended;
    for (const auto& [thread, clock] : clocks) all += used_by(clock);
    return all;
  }

  /// Whether a thread could go on if only it got the processor.
  [[nodiscard]] bool wants_processor() const {
    return std::any_of(clocks.begin(), clocks.end(), [](const auto& thread) {
      std::ifstream file("/proc/self/task/" + std::to_string(thread.first) + "/stat");
      std::string line;
      std::getline(file, line);
      const auto name_end = line.rfind(')');  // the state stands behind the name, which may hold anything
      return name_end != std::string::npos && line.compare(name_end, 3, ") R") == 0;
    });
  }
};

io_pool::io_pool(std::size_t most_threads) : core_(std::make_shared<core>()) { core_->most = most_threads; }

io_pool::~io_pool() { finish(); }

void io_pool::finish() {
  std::unique_lock guard(core_->lock);
  core_->closing = true;
  core_->more.notify_all();
  if (core_->clocks.contains(::gettid())) return;  // one of our own threads, which ends soon
  // What takes processor time still packs or encodes, and comes to the removal of its hidden file, also where a busy
  // machine gives it hardly any; what wants none hangs.
  constexpr auto least_of_a_second = std::chrono::milliseconds(50);
  constexpr int most_seconds = 30;
  for (int second = 0; second < most_seconds; ++second) {
    const auto before = core_->used();
    if (core_->fewer.wait_for(guard, std::chrono::seconds(1), [&] { return core_->threads == 0; })) return;
    if (core_->used() - before < least_of_a_second && !core_->wants_processor()) return;
  }
}

void io_pool::run(std::function<void()> job) {
  std::unique_lock guard(core_->lock);
  core_->jobs.push_back(std::move(job));
  if (core_->jobs.size() <= core_->idle || core_->threads == core_->most) {
    guard.unlock();  // or the one that wakes would wait for us
    core_->more.notify_one();
    return;
  }
  ++core_->threads;
  guard.unlock();
  std::thread([self = core_] { core::loop(self); }).detach();
}

struct strand::queue {
  explicit queue(std::shared_ptr<io_pool> to) : pool(std::move(to)) {}

  std::mutex lock;
  std::deque<std::function<void()>> jobs;
  bool working = false;
  std::shared_ptr<io_pool> pool;
};

strand::strand(std::shared_ptr<io_pool> pool) : queue_(std::make_shared<queue>(std::move(pool))) {}

void strand::post(std::function<void()> job) {
  {
    const std::lock_guard guard(queue_->lock);
    queue_->jobs.push_back(std::move(job));
    if (queue_->working) return;
    queue_->working = true;
  }
  queue_->pool->run([from = queue_] { work(from); });
}

void strand::work(const std::shared_ptr<queue>& from) {
  for (;;) {
    std::function<void()> job;
    {
      const std::lock_guard guard(from->lock);
      if (from->jobs.empty()) {
        from->working = false;
        return;
      }
      job = std::move(from->jobs.front());
      from->jobs.pop_front();
    }
    job();
  }
}

void strand::forget() {
  std::deque<std::function<void()>> gone;
  const std::lock_guard guard(queue_->lock);
  gone.swap(queue_->jobs);
}

std::size_t strand::pending() const {
  const std::lock_guard guard(queue_->lock);
  return queue_->jobs.size() + (queue_->working ? 1 : 0);
}

}  // namespace sluice::actors
