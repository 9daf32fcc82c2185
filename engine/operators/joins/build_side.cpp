#include "engine/operators/joins/build_side.hpp"

#include "engine/operators/joins/spilled_rows.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

namespace sluice::joins {

namespace {

// A block is closed early where its rows are wide, so that no column of it outgrows its offsets.
constexpr std::int64_t block_bytes = std::int64_t{64} << 20;
// A batch of about a block's size becomes one as it is, where it does not keep more alive than its own rows.
constexpr std::int64_t own_block_rows = block_rows / 2;
constexpr std::size_t most_blocks = 65'535;

bool holds_only_itself(const batch& rows) {
  return arrow::util::TotalBufferSize(*rows.data) <= rows.bytes() + rows.bytes() / 4;
}

keyed_rows slice_of(const keyed_rows& from, std::int64_t begin, std::int64_t count) {
  keyed_rows part{.rows = from.rows.slice(begin, count), .keys = {}};
  part.keys.append(from.keys, begin, count);
  if (from.numbers) part.numbers = std::static_pointer_cast<arrow::UInt64Array>(from.numbers->Slice(begin, count));
  return part;
}

}  // namespace

build_side::build_side(const join_plan& what, const key_layout& layout)
    : what_(&what),
      index_(layout, !what.shows_right() && what.conditions.empty()),
      kept_at_(static_cast<std::size_t>(what.inputs[1]->num_fields()), -1) {
  for (std::size_t i = 0; i < what.kept.size(); ++i)
    kept_at_[static_cast<std::size_t>(what.kept[i])] = static_cast<int>(i);
}

status build_side::add(keyed_rows rows) {
  const auto count = rows.rows.rows();
  if (count == 0) return {};
  rows_ += count;
  row_bytes_ += bytes_of(rows);
  if (pending_rows_ == 0 && count >= own_block_rows && count <= block_rows && holds_only_itself(rows.rows)) {
    blocks_.push_back(std::make_unique<keyed_rows>(std::move(rows)));
    return {};
  }
  pending_rows_ += count;
  pending_.push_back(std::move(rows));
  while (pending_rows_ >= block_rows) SLUICE_TRY(seal(block_rows));
  return {};
}

// Makes a block of the first pending rows.
status build_side::seal(std::int64_t rows) {
  std::vector<keyed_rows> parts;
  std::int64_t taken = 0, bytes = 0;
  while (!pending_.empty() && taken < rows && (taken == 0 || bytes < block_bytes)) {
    auto& first = pending_.front();
    const auto count = std::min(rows - taken, first.rows.rows());
    if (count < first.rows.rows()) {
      parts.push_back(slice_of(first, 0, count));
      first = slice_of(first, count, first.rows.rows() - count);
    } else {
      parts.push_back(std::move(first));
      pending_.pop_front();
    }
    taken += count;
    bytes += parts.back().rows.bytes();
  }
  pending_rows_ -= taken;
  SLUICE_ASSIGN(auto whole, put_together(parts));
  blocks_.push_back(std::make_unique<keyed_rows>(std::move(whole)));
  return {};
}

result<bool> build_side::prepare() {
  if (pending_rows_ > 0) {
    SLUICE_TRY(seal(block_rows));
    return true;
  }
  if (begun_) return index_.step();
  begun_ = true;
  if (blocks_.size() >= most_blocks)
    return user_error("value_too_large", "the right input of a join has more rows than one instance can index",
                      "set run.memory, so that the join is done in parts, or set parallelism");
  std::vector<const key_rows*> keys;
  for (const auto& block : blocks_) keys.push_back(&block->keys);
  columns_.resize(what_->kept.size());
  for (std::size_t at = 0; at < what_->kept.size(); ++at) {
    for (const auto& block : blocks_) columns_[at].push_back(block->rows.data->column(static_cast<int>(at)));
    SLUICE_ASSIGN_ARROW(auto null, arrow::MakeArrayOfNull(what_->inputs[1]->field(what_->kept[at])->type(), 1), "join");
    columns_[at].push_back(std::move(null));
  }
  for (const auto& block : blocks_)
    if (block->rows.positions) positions_.push_back(block->rows.positions);
  if (positions_.size() < blocks_.size()) positions_.clear();
  take_marks();
  index_.begin(std::move(keys));
  return true;
}

// Rows that had a match before they came here have it still.
void build_side::take_marks() {
  if (!what_->keeps_right()) return;
  marks_.assign(blocks_.size() * (block_rows / 64), 0);
  for (std::size_t block = 0; block < blocks_.size(); ++block) {
    const auto numbers = std::exchange(blocks_[block]->numbers, nullptr);
    for (std::int64_t row = 0; numbers && row < numbers->length(); ++row)
      if (numbers->Value(row) != 0)
        mark(static_cast<std::uint32_t>(block * block_rows + static_cast<std::size_t>(row)));
  }
}

result<std::shared_ptr<arrow::UInt64Array>> build_side::marks_of(std::size_t block) const {
  const auto rows = blocks_[block]->keys.rows;
  SLUICE_ASSIGN_ARROW(auto buffer, arrow::AllocateBuffer(rows * 8), "hand out the rows of a join");
  auto* const numbers = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
  const auto first = block * block_rows;
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row)
    numbers[row] = (marks_[(first + row) / 64] >> ((first + row) % 64)) & 1;
  return std::make_shared<arrow::UInt64Array>(rows, std::shared_ptr<arrow::Buffer>(std::move(buffer)));
}

const std::vector<row_place>& build_side::places_of(std::span<const std::uint32_t> rows) const {
  places_.resize(rows.size());
  const auto null = static_cast<std::uint32_t>(blocks_.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    places_[i] = rows[i] == no_row ? row_place{null, 0}
                                   : row_place{block_of(rows[i]), static_cast<std::int32_t>(place_of(rows[i]))};
  return places_;
}

result<std::shared_ptr<arrow::Array>> build_side::column(int column, std::span<const std::uint32_t> rows,
                                                         std::int64_t most_text) const {
  auto from = columns_[static_cast<std::size_t>(kept_at_[static_cast<std::size_t>(column)])];
  if (std::find(rows.begin(), rows.end(), no_row) == rows.end() && from.size() > 1) from.pop_back();
  return gather_column(from, places_of(rows), most_text);
}

result<std::shared_ptr<arrow::FixedSizeBinaryArray>> build_side::positions(std::span<const std::uint32_t> rows) const {
  if (positions_.empty()) return std::shared_ptr<arrow::FixedSizeBinaryArray>();
  SLUICE_ASSIGN(auto gathered, gather_column(positions_, places_of(rows), 0));
  return as_positions(gathered);
}

std::vector<std::uint32_t> build_side::unmarked(std::size_t block) const {
  std::vector<std::uint32_t> rows;
  const auto first = static_cast<std::uint32_t>(block * block_rows);
  for (std::uint32_t row = first; row < first + blocks_[block]->keys.rows; ++row)
    if (((marks_[row / 64] >> (row % 64)) & 1) == 0) rows.push_back(row);
  return rows;
}

std::int64_t build_side::bytes() const {
  return row_bytes_ + index_.bytes() + static_cast<std::int64_t>(marks_.capacity() * 8);
}

std::int64_t build_side::bytes_prepared() const {
  return row_bytes_ + row_index::most_bytes(rows_) + (what_->keeps_right() ? rows_ / 8 : 0);
}

status build_side::each(const std::function<status(const keyed_rows&)>& take) {
  for (std::size_t block = 0; block < blocks_.size(); ++block) {
    auto rows = *blocks_[block];
    if (!marks_.empty()) {
      SLUICE_ASSIGN(rows.numbers, marks_of(block));
    }
    SLUICE_TRY(take(rows));
  }
  for (const auto& rows : pending_) {
    const auto taken = take(rows);
    if (!taken.ok()) return taken;
  }
  return {};
}

std::vector<keyed_rows> build_side::release() {
  std::vector<keyed_rows> all;
  for (auto& block : blocks_) all.push_back(std::move(*block));
  for (auto& rows : pending_) all.push_back(std::move(rows));
  blocks_.clear();
  pending_.clear();
  rows_ = pending_rows_ = row_bytes_ = 0;
  return all;
}

}  // namespace sluice::joins
