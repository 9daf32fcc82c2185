#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace sluice::app {

/// Chooses where buffers come from. Called first of all: Arrow asks once. docs/adr/0007-parquet-writing.md has why.
void choose_allocator();

/// Gives memory that is free, but scattered over the allocator's pages, back to the system once a second while it
/// lives. Batches of all sizes that are made by one thread and freed by another would otherwise leave more of it the
/// longer a run lasts.
class memory_trimmer {
 public:
  memory_trimmer();
  ~memory_trimmer();
  memory_trimmer(const memory_trimmer&) = delete;
  memory_trimmer& operator=(const memory_trimmer&) = delete;

 private:
  void work();

  std::mutex lock_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace sluice::app
