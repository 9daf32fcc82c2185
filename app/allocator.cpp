#include "app/allocator.hpp"

#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace sluice::app {

void choose_allocator() {
  // Buffers are made by one thread and freed by another, all the time. Arrow's own allocators keep memory for each
  // thread, and more the longer a run lasts; the C library's, with as many arenas as cores, stays flat.
  ::setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
  ::mallopt(M_ARENA_MAX, static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 16U)));
}

memory_trimmer::memory_trimmer() {
  // A signal that ends the process in order must find the threads that wait for it, never this one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

memory_trimmer::~memory_trimmer() {
  {
    const std::lock_guard guard(lock_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void memory_trimmer::work() {
  constexpr std::size_t worth_it = 32 * 1024 * 1024;  // of free memory; less is soon used again
  std::unique_lock guard(lock_);
  while (!changed_.wait_for(guard, std::chrono::seconds(1), [this] { return over_; })) {
    if (::mallinfo2().fordblks > worth_it) ::malloc_trim(0);
  }
}

}  // namespace sluice::app
