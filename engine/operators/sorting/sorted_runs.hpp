#pragma once

#include "engine/error/error.hpp"
#include "engine/operators/gather.hpp"
#include "engine/operators/sorting/row_stream.hpp"
#include "engine/operators/sorting/sort_keys.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// One batch and the order of its rows by their keys; the rows themselves stay
/// where they are. The first 16 bytes of a key are kept as two numbers, the
/// rest as bytes where any key is longer.
class sorted_run {
 public:
  static result<sorted_run> make(const batch& in, const encoded_keys& keys);

  [[nodiscard]] const batch& rows() const { return rows_; }
  /// The row of the batch that comes at a place in the order.
  [[nodiscard]] std::int32_t row_at(std::int64_t place) const {
    return order_.empty() ? static_cast<std::int32_t>(place) : order_[place];
  }
  [[nodiscard]] std::int64_t bytes() const;
  /// Of the rows alone.
  [[nodiscard]] std::int64_t row_bytes() const { return row_bytes_; }
  struct prefix {
    std::uint64_t high, low;
  };
  /// Of a key as encoded_keys gives it.
  static prefix prefix_of_key(std::string_view key);
  [[nodiscard]] const prefix& prefix_of(std::int64_t place) const { return prefixes_[place]; }
  /// The bytes of a key behind its prefix.
  [[nodiscard]] std::string_view rest(std::int64_t place) const;

 private:
  batch rows_;
  std::int64_t row_bytes_ = 0;
  std::vector<std::int32_t> order_;  ///< empty where the rows are in order
  std::vector<prefix> prefixes_;
  std::string rests_;                    ///< bytes behind the prefixes
  std::vector<std::int64_t> rest_ends_;  ///< empty where no key is longer than a prefix
};

/// Gives the chunks of a run one behind the other.
class run_source {
 public:
  virtual ~run_source() = default;
  /// The next chunk, which has rows; nothing at the end. May block.
  virtual result<std::optional<sorted_run>> next() = 0;
};

/// A run that is in memory as one chunk.
class run_in_memory final : public run_source {
 public:
  explicit run_in_memory(sorted_run chunk) : chunk_(std::move(chunk)) {}
  result<std::optional<sorted_run>> next() override { return std::exchange(chunk_, std::nullopt); }

 private:
  std::optional<sorted_run> chunk_;
};

/// Merges runs step by step. Rows with equal keys come in the order of the
/// runs.
class run_merger final : public row_stream {
 public:
  explicit run_merger(std::vector<std::unique_ptr<run_source>> runs);
  result<batch> next(std::int64_t rows, std::int64_t bytes) override;

 private:
  struct head {
    sorted_run::prefix key;
    bool ended;
  };
  struct cursor {
    std::unique_ptr<run_source> from;
    std::shared_ptr<const sorted_run> chunk;  ///< null at the end
    std::int64_t at = 0;                      ///< next place in it
    std::uint32_t slot = 0;                   ///< of the chunk, among those that the present output reads
  };

  status start();
  status load(std::int32_t run);
  status advance(std::int32_t run);
  void look_at(std::int32_t run);
  void replay(std::int32_t run);
  [[nodiscard]] bool wins(std::int32_t a, std::int32_t b) const;
  [[nodiscard]] std::int64_t rows_for(std::int64_t bytes) const;
  result<batch> gather() const;

  std::vector<cursor> runs_;
  std::vector<head> heads_;                              ///< the key of each run's next row
  std::vector<std::int32_t> losers_;                     ///< tournament tree; [0] is the winner
  std::vector<std::shared_ptr<const sorted_run>> read_;  ///< chunks that the present output reads
  std::vector<row_place> places_;                        ///< its rows
  bool started_ = false;
};

}  // namespace sluice
