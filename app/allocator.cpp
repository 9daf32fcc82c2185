#include "app/allocator.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace sluice::app {

void choose_allocator() {
  // Buffers are made by one thread and freed by another, all the time. Arrow's own allocators keep memory for each
  // thread, and more the longer a run lasts; the C library's, with as many arenas as cores, stays flat.
  ::setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
  ::mallopt(M_ARENA_MAX, static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 16U)));
}

}  // namespace sluice::app
