#include "engine/operators/entered_rows.hpp"

#include "engine/operators/held_state.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>

namespace sluice {

namespace {

constexpr auto flags_part = "entered";
constexpr auto rows_part = "entered_rows";

/// Rows inside are numbered: `split` is the entered batch, `offset` the row in it.
result<std::shared_ptr<arrow::FixedSizeBinaryArray>> numbered(std::size_t entered, std::int64_t rows) {
  return make_positions(rows, [number = static_cast<std::uint32_t>(entered)](std::int64_t row) {
    return position{.source = 0, .split = number, .offset = row};
  });
}

}  // namespace

result<batch> entered_rows::enter(const batch& in) {
  positions_ = positions_ || in.positions != nullptr;
  auto inside = in;
  present_ = in;
  if (what_ == keep::nothing) {
    entered_.assign(1, in);
    if (!numbers_ || numbers_->length() < in.rows()) {
      SLUICE_ASSIGN(numbers_, numbered(0, in.rows()));
    }
    inside.positions = as_positions(numbers_->Slice(0, in.rows()));
    return inside;
  }
  SLUICE_ASSIGN(inside.positions, numbered(entered_.size(), in.rows()));
  entered_.push_back(in);
  if (what_ == keep::positions) entered_.back().data = in.data->Slice(0, 0);
  bytes_ += entered_.back().bytes() + in.rows() * static_cast<std::int64_t>(sizeof(position));
  SLUICE_TRY(memory_.resize(bytes_));
  return inside;
}

result<std::vector<state_part>> entered_rows::state() const {
  std::vector<state_part> parts;
  if (!stay() || entered_.empty()) return parts;
  SLUICE_ASSIGN(auto flags, held::numbers(flags_part, {positions_ ? 1 : 0}));
  parts.push_back(std::move(flags));
  for (const auto& one : entered_) {
    auto rows = one;
    const auto count = rows.positions ? rows.positions->length() : rows.rows();
    if (!rows.positions) rows.positions = unknown_positions(count);
    if (what_ == keep::positions) rows.data = arrow::RecordBatch::Make(arrow::schema({}), count, arrow::ArrayVector());
    SLUICE_ASSIGN(auto part, held::rows(rows_part, rows));
    parts.push_back(std::move(part));
  }
  return parts;
}

result<bool> entered_rows::take_in(const state_part& part) {
  if (!stay() || (part.name != flags_part && part.name != rows_part)) return false;
  if (part.name == flags_part) {
    SLUICE_ASSIGN(const auto flags, held::numbers_of(part, 1));
    positions_ = positions_ || flags[0] != 0;
    return true;
  }
  SLUICE_ASSIGN(present_, held::rows_of(part));
  entered_.push_back(present_);
  bytes_ += present_.bytes() + present_.rows() * static_cast<std::int64_t>(sizeof(position));
  SLUICE_TRY(memory_.resize(bytes_));
  return true;
}

result<state_part> entered_rows::renumbered(state_part part) const {
  const auto last = part.rows->num_columns() - 1;
  // Positions are the only column that is marked (held::rows).
  if (taken_from_ == 0 || last < 0 || !part.rows->schema()->field(last)->HasMetadata()) return part;
  const auto& numbers = *as_positions(part.rows->column(last));
  SLUICE_ASSIGN(const auto moved, make_positions(numbers.length(), [&](std::int64_t row) {
                  auto number = position_at(numbers, row);
                  if (number != position::unknown) number.split += taken_from_;
                  return number;
                }));
  SLUICE_ASSIGN_ARROW(part.rows, part.rows->SetColumn(last, part.rows->schema()->field(last), moved), "take rows back");
  return part;
}

batch entered_rows::leave(batch rows) const {
  if (!rows.positions) return rows;
  if (!positions_) {
    rows.positions = nullptr;
    return rows;
  }
  const auto& numbers = *rows.positions;
  // Most batches leave with all the rows that they came with.
  if (entered_.size() == 1 && entered_[0].positions && numbers.length() == entered_[0].positions->length() &&
      numbers_ && numbers.raw_values() == numbers_->raw_values()) {
    rows.positions = entered_[0].positions;
    return rows;
  }
  auto own_positions = make_positions(numbers.length(), [&](std::int64_t row) {
    const auto number = position_at(numbers, row);
    const auto* own = number == position::unknown ? nullptr : entered_[number.split].positions.get();
    return own == nullptr ? position::unknown : position_at(*own, number.offset);
  });
  rows.positions = std::move(own_positions).value();
  return rows;
}

void entered_rows::reject(const batch& in, const row_errors& why, emitter& out) const {
  std::map<std::uint32_t, row_errors> by_batch;
  row_errors made_here;
  for (const auto& one : why) {
    const auto number = in.positions ? position_at(*in.positions, one.row) : position::unknown;
    if (number == position::unknown) {
      made_here.push_back(one);
      continue;
    }
    auto moved = one;
    moved.row = number.offset;
    by_batch[number.split].push_back(std::move(moved));
  }
  for (auto& [entered, errors] : by_batch) {
    std::stable_sort(errors.begin(), errors.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
    out.reject(entered + 1 == entered_.size() ? present_ : entered_[entered], errors);
  }
  if (!made_here.empty()) out.reject(in, made_here);
}

}  // namespace sluice
