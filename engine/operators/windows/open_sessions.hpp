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
/// session is complete, and for `lateness` microseconds more: with late rows such a session is given again, as a whole.
/// Its begin names it, so rows that would change that, or connect two sessions that were given, come too late all the
/// same.
class open_sessions {
 public:
  open_sessions(std::vector<std::shared_ptr<arrow::DataType>> key_types, std::int64_t gap, std::int64_t lateness)
      : key_types_(std::move(key_types)), gap_(gap), lateness_(lateness) {}

  /// Takes rows in; those that come too late come back in `late`. Keys are canonical. `given`: rows of sessions that
  /// another instance had given, null for none; empty: nothing that comes is from there.
  status add(const batch& rows, const std::vector<std::shared_ptr<arrow::Array>>& keys, const event_times& times,
             std::int64_t watermark, std::vector<std::int32_t>& late, const std::vector<bool>& given = {});
  /// The watermark has risen: sessions become complete, and those that late rows have changed are complete again.
  void advance(std::int64_t watermark);
  /// The latter also where it has not.
  void give_changed(std::int64_t watermark);
  /// Rows of complete sessions, batch by batch as they came, with the windows of those: false where none are left.
  /// `again`: how many of them were given before.
  bool next_complete(batch& rows, placed_rows& places, std::uint64_t& again);

  /// Rows in memory that were not given.
  [[nodiscard]] std::uint64_t held() const { return held_; }
  /// All rows in memory.
  [[nodiscard]] std::uint64_t rows() const { return static_cast<std::uint64_t>(rows_kept_); }
  [[nodiscard]] std::int64_t bytes() const;
  /// Rows of the batches that are kept, as they came, and of each those whose session is open.
  struct kept_rows {
    batch rows;
    std::vector<std::int32_t> live;
    std::vector<bool> given;  ///< of those
  };
  [[nodiscard]] std::vector<kept_rows> kept() const;

 private:
  struct row_ref {
    std::uint32_t batch = 0;
    std::int32_t row = 0;
    bool given = false;
  };
  struct session {
    std::uint32_t key = 0;
    std::int64_t first = 0, last = 0;
    std::vector<row_ref> rows;
    bool given = false;    ///< some of its rows were, with this begin
    bool changed = false;  ///< it has rows that were not
    bool over = false;     ///< no row can change it any more
  };
  struct kept_batch {
    batch rows;
    std::int64_t live = 0;  ///< rows of sessions that are kept
    std::int64_t bytes = 0;
  };
  using session_id = std::uint64_t;

  status number_keys(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows,
                     const std::uint32_t*& numbers);
  /// Puts a row into its session; false where it is late. `taken_back`: it was let in before.
  bool put(std::uint32_t key, std::int64_t time, row_ref row, std::int64_t watermark, bool taken_back);
  /// The sessions of a key that a row at a time belongs to.
  std::vector<session_id> near(std::uint32_t key, std::int64_t time);
  /// Makes one of some sessions; the one that was given remains.
  session_id connect(const std::vector<session_id>& some);
  void give(session& one);
  void forget_over();
  void let_go(std::uint32_t batch, std::int64_t rows);
  /// Forgets keys without a session where they are the most.
  status forget_keys();
  /// Makes the kept batches smaller where most of their rows are gone.
  void pack();

  std::vector<std::shared_ptr<arrow::DataType>> key_types_;
  std::int64_t gap_;
  std::int64_t lateness_;
  std::unique_ptr<group_index> keys_;
  std::vector<std::vector<session_id>> of_key_;  ///< open sessions, by number of the key
  std::size_t keys_in_use_ = 0;
  std::map<session_id, session> open_;
  session_id next_id_ = 0;
  /// When sessions are to be looked at: at or before their end, and again when late rows come too late for them.
  std::priority_queue<std::pair<std::int64_t, session_id>, std::vector<std::pair<std::int64_t, session_id>>,
                      std::greater<>>
      ends_;
  std::map<std::uint32_t, kept_batch> batches_;  ///< by number, in the order in which they came
  std::uint32_t next_batch_ = 0;
  std::int64_t rows_kept_ = 0;
  std::int64_t live_ = 0;  ///< of these, in sessions that are kept
  std::int64_t bytes_ = 0;
  std::uint64_t held_ = 0;
  std::vector<session_id> over_;  ///< sessions to be forgotten once their rows were given
  /// Of complete sessions: the row, and where its session begins and ends; by batch.
  struct complete_row {
    std::int32_t row;
    std::int64_t begin, end;
    bool again;
  };
  std::map<std::uint32_t, std::vector<complete_row>> complete_;
};

}  // namespace sluice::windows
