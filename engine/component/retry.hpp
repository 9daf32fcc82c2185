#pragma once

#include "engine/component/options.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice {

/// `retry:` of a unit: how a source or sink connects again to a system that is down.
struct retry_rule {
  std::uint32_t attempts = 5;  ///< tries after the first failure, before the unit fails
  std::chrono::microseconds backoff = std::chrono::seconds(1);  ///< before the first of them; doubles each time
  std::chrono::microseconds max_backoff = std::chrono::minutes(1);
};

/// What config has put into the options of a component with a connection; the defaults where the unit has no `retry:`.
retry_rule retry_of(const options& own);
options retry_to_options(const retry_rule& rule);

/// Says how long to wait before each try. Half of each wait is chosen at random, so that units that lost the same
/// server do not all come back at once.
class backoff {
 public:
  explicit backoff(const retry_rule& rule, std::uint64_t seed) : rule_(rule), random_(seed) {}

  /// The wait before the next try; nothing where all have been made.
  std::optional<std::chrono::microseconds> next();
  /// It works again: the next failure counts from the start.
  void reset() { tried_ = 0; }
  [[nodiscard]] std::uint32_t tried() const { return tried_; }

 private:
  retry_rule rule_;
  std::uint64_t random_;
  std::uint32_t tried_ = 0;
};

}  // namespace sluice
