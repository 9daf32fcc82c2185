#pragma once

#include "engine/store/store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::store {

/// How often a lease is renewed, and after which silence others may have taken over what belongs to its holder.
struct lease_rule {
  std::chrono::microseconds beat{beat_microseconds};
  std::chrono::microseconds most_silent{lease_microseconds};
};

/// Keeps this process's lease in a Store: enrols it, and renews the lease on a thread of its own until the end.
class lease_keeper {
 public:
  lease_keeper(std::shared_ptr<store> in, const std::string& node, lease_rule rule = {});
  ~lease_keeper();
  lease_keeper(const lease_keeper&) = delete;
  lease_keeper& operator=(const lease_keeper&) = delete;

  /// Whether the lease had run out at any time (the process was stopped, the Store was locked): others may have taken
  /// its runs over, so that each has to be looked up before it commits.
  [[nodiscard]] bool missed() const;

 private:
  void work();

  std::shared_ptr<store> store_;
  lease_rule rule_;
  std::atomic<std::int64_t> renewed_;  ///< uptime of the last renewal that succeeded
  std::atomic<bool> missed_ = false;
  std::mutex lock_;
  std::condition_variable ends_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace sluice::store
