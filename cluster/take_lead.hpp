#pragma once

#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::cluster {

/// How controllers that share a Store know that the one which leads has gone. All of them have the same.
struct lead_rule {
  std::chrono::milliseconds beat{500};          ///< it writes a sign of life so often
  std::chrono::milliseconds most_silent{6000};  ///< without one, whatever else is known of it
  /// Without one, where nothing listens at its address any more.
  [[nodiscard]] std::chrono::milliseconds silent_when_gone() const { return 2 * beat + std::chrono::milliseconds(200); }
};

/// Makes this process the controller of a Store; gives its term. Where the Store is shared with other controllers, it
/// stands by until none of them leads that lives, and logs which one does; a signal to stop, which stays pending, ends
/// that (interrupted). `endpoint` is where other nodes reach this one.
result<std::int64_t> take_lead(store::store& in, bool shared, const std::string& endpoint, const lead_rule& rule,
                               const std::function<void(const std::string&)>& log);

/// Looks from time to time who leads. Calls `lost` once where a newer term than this process's is taken.
class lead_watch {
 public:
  /// `term` 0: this process does not lead, and only wants to know who does.
  lead_watch(std::shared_ptr<store::store> in, std::int64_t term, std::function<void(const std::string& who)> lost);
  ~lead_watch();
  lead_watch(const lead_watch&) = delete;
  lead_watch& operator=(const lead_watch&) = delete;

  [[nodiscard]] bool lost() const { return lost_; }
  /// Where the leader was when this process looked last; empty: nowhere.
  [[nodiscard]] std::string endpoint() const;
  /// Leaves the lead to the others; at the end of this process's work.
  void step_down();

 private:
  void work();

  std::shared_ptr<store::store> store_;
  std::int64_t term_;
  std::function<void(const std::string&)> told_;
  std::atomic<bool> lost_ = false;
  mutable std::mutex lock_;
  std::condition_variable ends_;
  bool ending_ = false;
  std::string endpoint_;
  std::thread thread_;
};

}  // namespace sluice::cluster
