#pragma once

#include "engine/batch.hpp"
#include "engine/error.hpp"
#include "engine/transforms/sort_keys.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// One batch and the order of its rows by their keys; the rows themselves stay where they are. The first 16 bytes of a
/// key are kept as two numbers, the rest as bytes where any key is longer.
class sorted_run {
 public:
  static result<sorted_run> make(const batch& in, const encoded_keys& keys);

  [[nodiscard]] const batch& rows() const { return rows_; }
  /// The row of the batch that comes at a place in the order.
  [[nodiscard]] std::int32_t row_at(std::int64_t place) const {
    return order_.empty() ? static_cast<std::int32_t>(place) : order_[place];
  }
  [[nodiscard]] std::int64_t bytes() const;
  struct prefix {
    std::uint64_t high, low;
  };
  [[nodiscard]] const prefix& prefix_of(std::int64_t place) const { return prefixes_[place]; }
  /// The bytes of a key behind its prefix.
  [[nodiscard]] std::string_view rest(std::int64_t place) const;

 private:
  batch rows_;
  std::vector<std::int32_t> order_;  ///< empty where the rows are in order
  std::vector<prefix> prefixes_;
  std::string rests_;                    ///< bytes behind the prefixes
  std::vector<std::int64_t> rest_ends_;  ///< empty where no key is longer than a prefix
};

/// Merges runs step by step. Rows with equal keys come in the order of the runs.
class run_merger {
 public:
  explicit run_merger(std::vector<sorted_run> runs);
  /// The next rows in order, at most `rows`; a batch without rows at the end.
  result<batch> next(std::int64_t rows);

 private:
  [[nodiscard]] bool wins(std::int32_t a, std::int32_t b) const;
  void look_at(std::int32_t run);
  void replay(std::int32_t run);

  std::vector<sorted_run> runs_;
  struct head {
    sorted_run::prefix key;
    bool ended;
  };
  std::vector<std::int64_t> at_;      ///< next place of each run
  std::vector<head> heads_;           ///< its key
  std::vector<std::int32_t> losers_;  ///< tournament tree; [0] is the winner
};

}  // namespace sluice
