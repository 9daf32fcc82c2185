#pragma once

#include "engine/component/source.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::flow {

/// Computes the watermark of a source from what its readers have passed on (`time:`).
///
/// Rows are in order, up to `out_of_order`, within an object: a file or a partition. The splits of one object follow
/// each other, so an object has come as far as its first split that has not ended, whatever was read ahead of it. The
/// watermark is the lowest of all objects: one that nobody has begun holds it back, one that was read to its end or is
/// idle does not. So no row is late that keeps to `out_of_order`, however many readers there are.
class source_clock {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  struct rules {
    std::int64_t out_of_order = 0;                       ///< microseconds
    std::optional<std::chrono::microseconds> idle = {};  ///< silence after which a split holds nothing back
  };
  explicit source_clock(rules by) : by_(by) {}

  /// Takes what `discover` gave: the splits that are known, and perhaps some behind them.
  void extend(const std::vector<split>& all);
  /// Rows of a split were passed on; the latest of those with a time happened at `latest`.
  void passed_on(std::uint32_t id, std::optional<std::int64_t> latest);
  /// A split of a source without end was read up to what is there now.
  void silent(std::uint32_t id, time_point now);
  /// The watermark of an earlier run or try that this one goes on behind: it never falls below.
  void go_on(std::int64_t watermark) { watermark_ = watermark; }
  /// A split was read to its end.
  void finished(std::uint32_t id);
  /// The watermark, where it has risen since the last call.
  std::optional<std::int64_t> risen(time_point now);
  /// True where there is something to read, and all of it is idle.
  [[nodiscard]] bool is_idle(time_point now) const;
  /// When `risen` is to be asked again because a split becomes idle; none: not before something comes.
  [[nodiscard]] std::optional<time_point> next_idle(time_point now) const;
  /// The last answer of `risen`.
  [[nodiscard]] std::optional<std::int64_t> watermark() const { return watermark_; }

 private:
  struct split_state {
    std::size_t object = 0;
    std::optional<std::int64_t> latest = {};
    std::optional<time_point> silent_since = {};
    bool ended = false;
  };
  struct object_state {
    std::vector<std::uint32_t> splits = {};
    std::size_t next = 0;                     ///< index of the first that has not ended
    std::optional<std::int64_t> latest = {};  ///< of those before it
  };

  void come_forward(std::size_t index);
  [[nodiscard]] bool is_idle(const object_state& object, time_point now) const;
  [[nodiscard]] std::optional<std::int64_t> latest_of(const object_state& object) const;

  rules by_;
  std::vector<split_state> splits_;
  std::vector<object_state> objects_;
  std::unordered_map<std::string, std::size_t> object_of_;
  std::set<std::size_t> open_;  ///< objects that were not read to their end
  std::optional<std::int64_t> watermark_;
};

}  // namespace sluice::flow
