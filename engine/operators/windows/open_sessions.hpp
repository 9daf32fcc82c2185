#pragma once

#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/windows/event_times.hpp"
#include "engine/operators/windows/window_groups.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <vector>

namespace sluice::windows {

/// The rows of sessions that are not complete. A session is the rows of one key of which each follows another after
/// less than the gap; it ends a gap behind its last row. A row may connect two sessions, so rows are kept until their
/// session is complete.
class open_sessions {
 public:
  open_sessions(std::vector<std::shared_ptr<arrow::DataType>> key_types, std::int64_t gap)
      : key_types_(std::move(key_types)), gap_(gap) {}

  /// Takes rows in; those of sessions that are complete already come back in `late`. Keys are canonical.
  status add(const batch& rows, const std::vector<std::shared_ptr<arrow::Array>>& keys, const event_times& times,
             std::int64_t watermark, std::vector<std::int32_t>& late);
  /// The watermark has risen: sessions become complete.
  void advance(std::int64_t watermark);
  /// Rows of complete sessions, batch by batch as they came, with the windows of those: false where none are left.
  bool next_complete(batch& rows, placed_rows& places);

  /// Rows in memory whose session is not complete.
  [[nodiscard]] std::uint64_t held() const { return held_; }
  [[nodiscard]] std::int64_t bytes() const;
  /// Rows of the batches that are kept, as they came, and of each those whose session is open.
  struct kept_rows {
    batch rows;
    std::vector<std::int32_t> live;
  };
  [[nodiscard]] std::vector<kept_rows> kept() const;

 private:
  struct row_ref {
    std::uint32_t batch = 0;
    std::int32_t row = 0;
  };
  struct session {
    std::uint32_t key = 0;
    std::int64_t first = 0, last = 0;
    std::vector<row_ref> rows;
  };
  struct kept_batch {
    batch rows;
    std::int64_t live = 0;  ///< rows of sessions that were not given
    std::int64_t bytes = 0;
  };
  using session_id = std::uint64_t;

  status number_keys(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows,
                     const std::uint32_t*& numbers);
  /// Puts a row into its session; false where it is late.
  bool put(std::uint32_t key, std::int64_t time, row_ref row, std::int64_t watermark);
  void let_go(std::uint32_t batch, std::int64_t rows);
  /// Forgets keys without a session where they are the most.
  status forget_keys();
  /// Makes the kept batches smaller where most of their rows are gone.
  void pack();

  std::vector<std::shared_ptr<arrow::DataType>> key_types_;
  std::int64_t gap_;
  std::unique_ptr<group_index> keys_;
  std::vector<std::vector<session_id>> of_key_;  ///< open sessions, by number of the key
  std::size_t keys_in_use_ = 0;
  std::map<session_id, session> open_;
  session_id next_id_ = 0;
  /// Ends of sessions, each at or before its real one.
  std::priority_queue<std::pair<std::int64_t, session_id>, std::vector<std::pair<std::int64_t, session_id>>,
                      std::greater<>>
      ends_;
  std::map<std::uint32_t, kept_batch> batches_;  ///< by number, in the order in which they came
  std::uint32_t next_batch_ = 0;
  std::int64_t rows_kept_ = 0;
  std::int64_t bytes_ = 0;
  std::uint64_t held_ = 0;
  /// Of complete sessions: the row, and where its session begins and ends; by batch.
  struct complete_row {
    std::int32_t row;
    std::int64_t begin, end;
  };
  std::map<std::uint32_t, std::vector<complete_row>> complete_;
};

}  // namespace sluice::windows
