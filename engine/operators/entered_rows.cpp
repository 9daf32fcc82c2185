#include "engine/operators/entered_rows.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <map>

namespace sluice {

namespace {

constexpr int row_bits = 32;

std::shared_ptr<arrow::UInt64Array> count_from(std::uint64_t first, std::int64_t rows) {
  auto buffer = std::shared_ptr<arrow::Buffer>(arrow::AllocateBuffer(rows * 8).ValueOrDie());
  auto* numbers = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
  for (std::int64_t row = 0; row < rows; ++row) numbers[row] = first + static_cast<std::uint64_t>(row);
  return std::make_shared<arrow::UInt64Array>(rows, std::move(buffer));
}

}  // namespace

result<batch> entered_rows::enter(const batch& in) {
  positions_ = positions_ || in.positions != nullptr;
  auto inside = in;
  present_ = in;
  if (what_ == keep::nothing) {
    entered_.assign(1, in);
    if (!numbers_ || numbers_->length() < in.rows()) numbers_ = count_from(0, in.rows());
    inside.positions = std::static_pointer_cast<arrow::UInt64Array>(numbers_->Slice(0, in.rows()));
    return inside;
  }
  inside.positions = count_from(static_cast<std::uint64_t>(entered_.size()) << row_bits, in.rows());
  entered_.push_back(in);
  if (what_ == keep::positions) entered_.back().data = in.data->Slice(0, 0);
  bytes_ += entered_.back().bytes() + in.rows() * 8;
  SLUICE_TRY(memory_.resize(bytes_));
  return inside;
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
  auto buffer = std::shared_ptr<arrow::Buffer>(arrow::AllocateBuffer(numbers.length() * 8).ValueOrDie());
  auto* out = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
  for (std::int64_t row = 0; row < numbers.length(); ++row) {
    const auto number = numbers.Value(row);
    const auto* own = number == position::unknown ? nullptr : entered_[number >> row_bits].positions.get();
    out[row] = own == nullptr ? position::unknown : own->Value(static_cast<std::int64_t>(number & 0xffffffff));
  }
  rows.positions = std::make_shared<arrow::UInt64Array>(numbers.length(), std::move(buffer));
  return rows;
}

void entered_rows::reject(const batch& in, const row_errors& why, emitter& out) const {
  std::map<std::uint64_t, row_errors> by_batch;
  row_errors made_here;
  for (const auto& one : why) {
    const auto number = in.positions ? in.positions->Value(one.row) : position::unknown;
    if (number == position::unknown) {
      made_here.push_back(one);
      continue;
    }
    auto moved = one;
    moved.row = static_cast<std::int64_t>(number & 0xffffffff);
    by_batch[number >> row_bits].push_back(std::move(moved));
  }
  for (auto& [entered, errors] : by_batch) {
    std::stable_sort(errors.begin(), errors.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
    out.reject(entered + 1 == entered_.size() ? present_ : entered_[entered], errors);
  }
  if (!made_here.empty()) out.reject(in, made_here);
}

}  // namespace sluice
