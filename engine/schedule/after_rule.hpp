#pragma once

#include "engine/schedule/settings.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::schedule {

/// A run of another pipeline that has ended well.
struct upstream_end {
  std::string pipeline;
  std::string run;
  std::int64_t time = 0;  ///< microseconds since 1970 UTC
  options params;         ///< as texts; null where they are not known
};

/// Upstream runs that start a run together.
struct upstream_set {
  std::vector<upstream_end> runs = {};  ///< in the order of `after`
  options params = options::object();   ///< the `same` ones, as texts
  std::int64_t time = 0;                ///< when it was complete
};

/// Collects ends of upstream runs until a set is complete. A plain state machine: the same ends in the same order give
/// the same sets, in whatever process, and each end is part of one set at most. Of two runs of one pipeline that wait
/// in the same set, the newer one counts.
class after_rule {
 public:
  after_rule(after_settings of, const options& state);

  [[nodiscard]] bool concerns(const std::string& pipeline) const;
  /// The sets that the end completes: none or one.
  std::vector<upstream_set> take(const upstream_end& what);
  [[nodiscard]] options state() const;
  [[nodiscard]] const after_settings& settings() const { return of_; }

 private:
  struct waiting {
    std::string run;
    std::int64_t time = 0;
  };
  [[nodiscard]] options same_of(const upstream_end& what) const;

  after_settings of_;
  std::map<std::string, std::map<std::string, waiting>> open_;  ///< by the values of `same`, then by pipeline
};

}  // namespace sluice::schedule
