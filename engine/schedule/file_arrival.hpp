#pragma once

#include "engine/component/options.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::schedule {

/// Finds out when files have arrived: a new file, or one that was changed, counts once its size and time have not
/// changed for a while. A plain state machine; times in microseconds.
class file_arrival {
 public:
  /// A file as it was seen: its size and time of change.
  using seen = std::pair<std::int64_t, std::int64_t>;

  file_arrival(std::int64_t settle, const options& state);

  /// What is there now; gives the paths that have arrived, sorted.
  std::vector<std::string> look(const std::map<std::string, seen>& there, std::int64_t now);
  /// When the next one may have arrived; 0: none is on its way.
  [[nodiscard]] std::int64_t next() const;
  [[nodiscard]] options state() const;
  [[nodiscard]] bool changed() const { return changed_; }

 private:
  struct coming {
    seen as;
    std::int64_t since = 0;
  };
  std::int64_t settle_;
  std::map<std::string, seen> known_;
  std::map<std::string, coming> coming_;
  bool changed_ = false;  ///< since it was made
};

}  // namespace sluice::schedule
