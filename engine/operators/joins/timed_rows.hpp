#pragma once

#include "engine/operators/keys/group_index.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

namespace sluice::joins {

/// A row that a side of a join bounded by time keeps.
struct timed_row {
  std::uint64_t batch = 0;
  std::int32_t row = 0;
  std::int64_t time = 0;
};

/// The rows of one side of a join bounded by time: found by their key, forgotten when the watermark has passed the last
/// time at which a row of the other side could match them.
class timed_rows {
 public:
  /// What is known of a row beside its columns.
  struct facts {
    std::uint32_t key = none;
    std::int64_t time = 0;
    bool matched = false;
    bool alive = true;
  };
  /// The key of a row that matches nothing because a part of its key is null.
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// `within`: microseconds after which a row can't match any more.
  explicit timed_rows(std::int64_t within) : within_(within) {}

  /// Takes rows in: the number of each one's key, its time, and whether it has had a match. Gives the batch's number.
  std::uint64_t add(batch rows, std::vector<facts> about);
  /// The rows of a key by their time; some may be dead.
  [[nodiscard]] const std::vector<timed_row>& of(std::uint32_t key) const;
  /// The place of the first of these that is not too early for a row at `time`.
  [[nodiscard]] std::size_t first_match(std::uint32_t key, std::int64_t time) const;
  /// True where a row is too late for one at `time`, and so are all behind it.
  [[nodiscard]] bool is_behind(const timed_row& row, std::int64_t time) const;
  [[nodiscard]] facts& about(const timed_row& row) { return batches_.at(row.batch).about[at(row)]; }
  [[nodiscard]] const batch& rows_of(std::uint64_t number) const { return batches_.at(number).rows; }
  /// Calls `what` for each row that the watermark has passed, which is dead from then on; its columns stay until
  /// `clear`.
  void expire(std::int64_t watermark, const std::function<void(const timed_row&, const facts&)>& what);
  /// Lets go of batches whose rows are all dead, and of most dead rows of the others.
  void clear();

  /// Rows that are alive and have had no match.
  [[nodiscard]] std::uint64_t unmatched() const { return unmatched_; }
  /// A row has had its first match.
  void match(const timed_row& row);
  [[nodiscard]] std::uint64_t alive() const { return alive_; }
  [[nodiscard]] std::int64_t bytes() const;

  /// Calls `what` for each batch with its rows that are alive.
  using batch_taker = std::function<status(const batch&, const std::vector<std::int32_t>&, const std::vector<facts>&)>;
  status each(const batch_taker& what) const;

  /// Marks the keys that have rows.
  void note_keys(std::vector<bool>& used) const;
  /// Keys have new numbers: `numbers[old]`, none for those without rows.
  void renumber(const std::vector<std::uint32_t>& numbers, std::size_t count);

 private:
  struct kept {
    batch rows;
    std::vector<facts> about;
    std::vector<std::int32_t> by_time;  ///< its rows, the earliest first
    std::size_t expired = 0;            ///< so many of these are dead
    std::int64_t bytes = 0;
  };
  static std::size_t at(const timed_row& row) { return static_cast<std::size_t>(row.row); }
  [[nodiscard]] std::int64_t last_use(const kept& of) const;
  void file(std::uint64_t number, kept& one);
  void unfile(std::uint32_t key);

  std::int64_t within_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, kept> batches_;
  std::vector<std::vector<timed_row>> of_key_;
  /// When the next row of a batch expires.
  std::priority_queue<std::pair<std::int64_t, std::uint64_t>, std::vector<std::pair<std::int64_t, std::uint64_t>>,
                      std::greater<>>
      ends_;
  std::vector<std::uint64_t> touched_;  ///< batches with rows that have died since the last `clear`
  std::uint64_t alive_ = 0, unmatched_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace sluice::joins
