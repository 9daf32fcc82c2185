#pragma once

#include "engine/component/component.hpp"
#include "engine/operators/joins/build_side.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::joins {

/// What is known of a row of the left.
enum class left_state : std::uint8_t {
  unmatched,
  matched,
  rejected,  ///< a condition failed over it
};

/// Pairs one batch of the left with a build side, in the left's order and for each of its rows in the order in which
/// the matches came. Decides what each row of the left becomes, and counts it.
///
/// A build side that does not fit into memory is looked at in several chunks: the states of a batch are kept between
/// them, and only the last one decides about rows without a match.
class matcher {
 public:
  matcher(const join_plan& what, on_error policy) : what_(&what), policy_(policy) {}

  /// Begins with a batch. All three must outlive its last `next`; `states` has an entry a row.
  void begin(const keyed_rows& left, build_side& right, std::vector<left_state>& states, bool last_chunk);
  /// Makes the next rows of the output, at most about target_batch_rows, perhaps none; false when the batch is done.
  result<bool> next(emitter& out);

  /// The rows that `next` made: of the left, and of the right (no_row: none; empty where the output does not show it).
  [[nodiscard]] std::span<const std::int32_t> left_rows() const { return {left_.data() + from_, until_ - from_}; }
  [[nodiscard]] std::span<const std::uint32_t> right_rows() const {
    return what_->shows_right() ? std::span{right_.data() + from_, until_ - from_} : std::span<const std::uint32_t>();
  }

 private:
  struct counts {
    std::uint64_t filtered = 0, added = 0;
  };
  bool make_existing();
  bool make_unique();
  bool make_pairs();
  result<bool> make_checked(emitter& out);
  void collect_candidates();
  status check_candidates(emitter& out);
  status settle_failed(const row_errors& failed, const std::string& text, emitter& out);
  result<batch> candidate_rows() const;
  void settle_checked();
  void unmatched(std::int32_t row);
  void pair(std::int32_t row, std::uint32_t right);

  const join_plan* what_;
  on_error policy_;

  const keyed_rows* in_ = nullptr;
  build_side* build_ = nullptr;
  std::vector<left_state>* states_ = nullptr;
  bool last_ = true;
  std::vector<std::uint32_t> heads_;  ///< first match of each row of the left
  std::int32_t row_ = 0;              ///< next row of the left
  std::uint32_t chain_ = no_row;      ///< its next match; no_row: its first
  counts counts_;

  std::vector<std::int32_t> left_;  ///< output, of which [from_, until_) is this call's
  std::vector<std::uint32_t> right_;
  std::size_t from_ = 0, until_ = 0;

  std::vector<std::int32_t> candidates_left_;  ///< pairs of equal keys that meet the conditions so far
  std::vector<std::uint32_t> candidates_right_;
  std::vector<std::int32_t> checked_left_;  ///< pairs that meet all conditions, not yet decided on
  std::vector<std::uint32_t> checked_right_;
  std::int32_t settled_ = 0;  ///< rows of the left below have been decided on
};

}  // namespace sluice::joins
