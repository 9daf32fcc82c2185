#include "engine/operators/joins/matcher.hpp"

#include "engine/operators/row_policy.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::joins {

namespace {

constexpr auto most_text = std::int64_t{2'000'000'000};
constexpr auto most_rows = static_cast<std::size_t>(target_batch_rows);

}  // namespace

void matcher::begin(const keyed_rows& left, build_side& right, std::vector<left_state>& states, bool last_chunk) {
  in_ = &left;
  build_ = &right;
  states_ = &states;
  last_ = last_chunk;
  heads_.resize(static_cast<std::size_t>(left.keys.rows));
  right.index().find(left.keys, heads_.data());
  row_ = settled_ = 0;
  chain_ = no_row;
  from_ = until_ = 0;
  left_.clear();
  right_.clear();
  checked_left_.clear();
  checked_right_.clear();
}

result<bool> matcher::next(emitter& out) {
  counts_ = {};
  bool more = false;
  if (!what_->conditions.empty()) {
    SLUICE_ASSIGN(more, make_checked(out));
  } else {
    left_.clear();
    right_.clear();
    more = !what_->shows_right()                               ? make_existing()
           : build_->index().unique() && !what_->keeps_right() ? make_unique()
                                                               : make_pairs();
    from_ = 0;
    until_ = left_.size();
  }
  if (counts_.filtered > 0) out.count_filtered(counts_.filtered);
  if (counts_.added > 0) out.count_added(counts_.added);
  return more;
}

// A row of the left that has no match in any chunk.
void matcher::unmatched(std::int32_t row) {
  if (!last_ || (*states_)[static_cast<std::size_t>(row)] != left_state::unmatched) return;
  if (!what_->keeps_left()) {
    ++counts_.filtered;
    return;
  }
  left_.push_back(row);
  if (what_->shows_right()) right_.push_back(no_row);
}

void matcher::pair(std::int32_t row, std::uint32_t right) {
  auto& state = (*states_)[static_cast<std::size_t>(row)];
  const bool first = state == left_state::unmatched;
  state = left_state::matched;
  if (what_->shows_right()) {
    counts_.added += first ? 0 : 1;
    left_.push_back(row);
    right_.push_back(right);
    if (what_->keeps_right()) build_->mark(right);
  } else if (first && what_->kind == join_kind::semi) {
    left_.push_back(row);
  } else if (first) {
    ++counts_.filtered;
  }
}

// semi and anti without conditions: a match is all that matters.
bool matcher::make_existing() {
  for (const auto rows = static_cast<std::int32_t>(in_->keys.rows); row_ < rows; ++row_) {
    if (heads_[static_cast<std::size_t>(row_)] == no_row) {
      unmatched(row_);
    } else {
      pair(row_, no_row);
    }
  }
  return false;
}

// Every row has at most one match: no branch a row.
bool matcher::make_unique() {
  const auto begin = row_;
  const auto rows = std::min<std::int64_t>(in_->keys.rows - begin, target_batch_rows);
  const bool keep = what_->keeps_left() && last_;
  left_.resize(static_cast<std::size_t>(rows));
  right_.resize(static_cast<std::size_t>(rows));
  std::size_t made = 0;
  auto& states = *states_;
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto row = static_cast<std::size_t>(begin + i);
    const bool found = heads_[row] != no_row;
    const bool before = states[row] == left_state::matched;
    counts_.added += found && before;
    counts_.filtered += last_ && !found && !before && !keep;
    left_[made] = static_cast<std::int32_t>(row);
    right_[made] = heads_[row];
    made += found || (keep && !before);
    states[row] = found ? left_state::matched : states[row];
  }
  left_.resize(made);
  right_.resize(made);
  row_ = begin + static_cast<std::int32_t>(rows);
  return row_ < in_->keys.rows;
}

bool matcher::make_pairs() {
  const auto& index = build_->index();
  for (const auto rows = static_cast<std::int32_t>(in_->keys.rows); row_ < rows && left_.size() < most_rows; ++row_) {
    auto right = chain_ != no_row ? chain_ : heads_[static_cast<std::size_t>(row_)];
    if (right == no_row) {
      unmatched(row_);
      continue;
    }
    for (; right != no_row && left_.size() < most_rows; right = index.next(right)) pair(row_, right);
    chain_ = right;
    if (right != no_row) break;
  }
  return row_ < in_->keys.rows;
}

// Output that is decided on is given in pieces; then the next candidates are looked at.
result<bool> matcher::make_checked(emitter& out) {
  if (until_ == left_.size()) {
    left_.clear();
    right_.clear();
    until_ = 0;
    collect_candidates();
    SLUICE_TRY(check_candidates(out));
    settle_checked();
  }
  from_ = until_;
  until_ = std::min(left_.size(), from_ + most_rows);
  return until_ < left_.size() || row_ < in_->keys.rows;
}

// About a batch of pairs with equal keys.
void matcher::collect_candidates() {
  candidates_left_.clear();
  candidates_right_.clear();
  const auto& index = build_->index();
  const auto most = most_rows;
  for (const auto rows = static_cast<std::int32_t>(in_->keys.rows); row_ < rows && candidates_left_.size() < most;
       ++row_) {
    auto right = chain_ != no_row ? chain_ : heads_[static_cast<std::size_t>(row_)];
    const auto state = (*states_)[static_cast<std::size_t>(row_)];
    const bool decided = state == left_state::rejected || (!what_->shows_right() && state == left_state::matched);
    if (decided) right = no_row;
    for (; right != no_row && candidates_left_.size() < most; right = index.next(right)) {
      candidates_left_.push_back(row_);
      candidates_right_.push_back(right);
    }
    chain_ = right;
    if (right != no_row) break;
  }
}

// The candidates as the conditions see them: columns that none of them reads are left out.
result<batch> matcher::candidate_rows() const {
  const auto count = static_cast<std::int64_t>(candidates_left_.size());
  const auto left_columns = what_->inputs[0]->num_fields();
  arrow::ArrayVector columns(static_cast<std::size_t>(left_columns + what_->inputs[1]->num_fields()));
  const arrow::Int32Array left(count, arrow::Buffer::Wrap(candidates_left_));
  for (const auto& condition : what_->conditions) {
    for (const int column : condition->columns()) {
      auto& made = columns[static_cast<std::size_t>(column)];
      if (made) continue;
      if (column >= left_columns) {
        SLUICE_ASSIGN(made, build_->column(column - left_columns, candidates_right_, most_text));
      } else {
        SLUICE_ASSIGN_ARROW(
            made,
            arrow::compute::Take(*in_->rows.data->column(column), left, arrow::compute::TakeOptions::NoBoundsCheck()),
            "join rows");
      }
    }
  }
  auto fields = what_->inputs[0]->fields();
  fields.insert(fields.end(), what_->inputs[1]->fields().begin(), what_->inputs[1]->fields().end());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]) continue;
    columns[i] = std::make_shared<arrow::NullArray>(count);
    fields[i] = arrow::field(fields[i]->name(), arrow::null());
  }
  batch made;
  made.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), count, std::move(columns));
  if (in_->rows.positions) {
    SLUICE_ASSIGN_ARROW(auto positions, arrow::compute::Take(*in_->rows.positions, left), "join rows");
    made.positions = as_positions(positions);
  }
  return made;
}

// Keeps the candidates that meet all conditions; each is asked only about those that met the ones before it.
status matcher::check_candidates(emitter& out) {
  for (const auto& condition : what_->conditions) {
    if (candidates_left_.empty()) return {};
    SLUICE_ASSIGN(const auto rows, candidate_rows());
    SLUICE_ASSIGN(auto value, condition->evaluate(rows));
    if (!value.errors.empty()) SLUICE_TRY(settle_failed(value.errors, condition->to_string(), out));
    const auto& meets = static_cast<const arrow::BooleanArray&>(*value.values);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < candidates_left_.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      candidates_left_[kept] = candidates_left_[i];
      candidates_right_[kept] = candidates_right_[i];
      kept += meets.IsValid(row) && meets.Value(row);
    }
    candidates_left_.resize(kept);
    candidates_right_.resize(kept);
  }
  checked_left_.insert(checked_left_.end(), candidates_left_.begin(), candidates_left_.end());
  checked_right_.insert(checked_right_.end(), candidates_right_.begin(), candidates_right_.end());
  return {};
}

// A condition that fails over a pair is an error of the left's row.
status matcher::settle_failed(const row_errors& failed, const std::string& text, emitter& out) {
  row_errors errors;
  for (const auto& one : failed) {
    const auto row = candidates_left_[static_cast<std::size_t>(one.row)];
    auto& state = (*states_)[static_cast<std::size_t>(row)];
    if (state == left_state::rejected) continue;
    if (policy_ == on_error::reject) {
      if (state == left_state::matched)
        return user_error("memory_exceeded",
                          "the condition of the join failed for a left row that already had matches, and its matches "
                          "did not fit into memory",
                          "raise run.memory, or write a condition that can't fail");
      state = left_state::rejected;
    }
    errors.push_back(one);
    errors.back().row = row;
    if (errors.back().column.empty()) errors.back().column = text;
  }
  SLUICE_ASSIGN(const auto settled, settle_errors(in_->rows, std::move(errors), policy_, out));
  (void)settled;
  return {};
}

// Decides on all rows below row_. The pairs of a row that is half done are output, too, unless it may be rejected yet.
void matcher::settle_checked() {
  std::size_t at = 0;
  const auto pairs_of = [&](std::int32_t row) {
    const bool rejected = (*states_)[static_cast<std::size_t>(row)] == left_state::rejected;
    for (; at < checked_left_.size() && checked_left_[at] == row; ++at)
      if (!rejected) pair(row, checked_right_[at]);
  };
  for (; settled_ < row_; ++settled_) {
    pairs_of(settled_);
    unmatched(settled_);
  }
  if (policy_ != on_error::reject && row_ < in_->keys.rows) pairs_of(row_);
  checked_left_.erase(checked_left_.begin(), checked_left_.begin() + static_cast<std::ptrdiff_t>(at));
  checked_right_.erase(checked_right_.begin(), checked_right_.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace sluice::joins
