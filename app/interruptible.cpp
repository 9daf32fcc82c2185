#include "app/interruptible.hpp"

#include "app/run_engine.hpp"

#include <chrono>
#include <future>
#include <thread>

namespace sluice::app {

int do_interruptibly(std::function<void()> work) {
  constexpr auto pause = std::chrono::milliseconds(20);
  std::packaged_task<void()> task(std::move(work));
  auto done = task.get_future();
  std::thread(std::move(task)).detach();
  signals stop;
  while (done.wait_for(pause) != std::future_status::ready)
    if (stop.stop_asked()) return stop.first();
  done.get();
  return 0;
}

}  // namespace sluice::app
