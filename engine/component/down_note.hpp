#pragma once

#include "engine/component/may_be_down.hpp"

#include <mutex>
#include <optional>
#include <string>

namespace sluice {

/// Remembers since when and why a system can't be reached. Thread-safe.
class down_note {
 public:
  /// A try has failed; the first one since it was reached counts.
  void failed(const std::string& why);
  void reached();
  [[nodiscard]] std::optional<down_state> state() const;

 private:
  mutable std::mutex lock_;
  std::optional<down_state> down_;
};

}  // namespace sluice
