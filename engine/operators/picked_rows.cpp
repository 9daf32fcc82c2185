#include "engine/operators/picked_rows.hpp"

#include "engine/values/batch.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <utility>

namespace sluice {

namespace {

const auto no_check = arrow::compute::TakeOptions::NoBoundsCheck();

using columns_of = std::vector<std::shared_ptr<arrow::Array>>;

result<columns_of> take_columns(const arrow::RecordBatch& from, std::span<const std::int32_t> rows) {
  const arrow::Int32Array indices(static_cast<std::int64_t>(rows.size()),
                                  arrow::Buffer::Wrap(rows.data(), rows.size()));
  columns_of columns;
  for (const auto& column : from.columns()) {
    SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*column, indices, no_check), "keep rows");
    columns.push_back(std::move(taken));
  }
  return columns;
}

// Rows below which it does not pay to clear a chunk.
constexpr std::int64_t small_chunk = 1024;

}  // namespace

status picked_rows::put(const arrow::RecordBatch& from, std::span<const std::uint32_t> groups,
                        std::span<const std::int32_t> rows, std::size_t group_count) {
  places_.resize(group_count);
  if (groups.empty()) return {};
  std::vector<std::uint32_t> touched;
  for (const auto group : groups) {
    const auto old = places_[group].chunk;
    if (old == none) continue;
    auto& its = chunks_[old];
    const auto stored = static_cast<std::int64_t>(its.groups.size());
    if (--its.live * 2 < stored && (its.live + 1) * 2 >= stored) touched.push_back(old);
  }
  SLUICE_TRY(add_chunk(from, groups, rows));
  for (const auto number : touched) SLUICE_TRY(clear(number));
  while (chunks_.size() > 1) {
    const auto last = chunks_.back().groups.size(), before = chunks_[chunks_.size() - 2].groups.size();
    if (before > 2 * last || before + last > static_cast<std::size_t>(target_batch_rows)) break;
    SLUICE_TRY(merge_last_two());
  }
  return {};
}

status picked_rows::add_chunk(const arrow::RecordBatch& from, std::span<const std::uint32_t> groups,
                              std::span<const std::int32_t> rows) {
  SLUICE_ASSIGN(auto columns, take_columns(from, rows));
  chunk made;
  made.rows = arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(rows.size()), std::move(columns));
  made.groups.assign(groups.begin(), groups.end());
  made.live = made.rows->num_rows();
  made.bytes = arrow::util::TotalBufferSize(*made.rows);
  bytes_ += made.bytes;
  const auto number = static_cast<std::uint32_t>(chunks_.size());
  for (std::size_t row = 0; row < groups.size(); ++row)
    places_[groups[row]] = {number, static_cast<std::uint32_t>(row)};
  chunks_.push_back(std::move(made));
  return {};
}

status picked_rows::clear(std::uint32_t number) {
  auto& its = chunks_[number];
  if (its.live > 0 && its.rows->num_rows() <= small_chunk) return {};
  std::vector<std::int32_t> kept;
  std::vector<std::uint32_t> groups;
  for (std::uint32_t row = 0; row < its.groups.size(); ++row) {
    if (!is_live(number, row)) continue;
    kept.push_back(static_cast<std::int32_t>(row));
    groups.push_back(its.groups[row]);
  }
  SLUICE_ASSIGN(auto columns, take_columns(*its.rows, kept));
  its.rows = arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(kept.size()), std::move(columns));
  its.groups = std::move(groups);
  its.live = static_cast<std::int64_t>(kept.size());
  for (std::uint32_t row = 0; row < its.groups.size(); ++row) places_[its.groups[row]] = {number, row};
  bytes_ -= std::exchange(its.bytes, arrow::util::TotalBufferSize(*its.rows));
  bytes_ += its.bytes;
  return {};
}

status picked_rows::merge_last_two() {
  const auto number = static_cast<std::uint32_t>(chunks_.size() - 2);
  auto& first = chunks_[number];
  auto& second = chunks_[number + 1];
  columns_of columns;
  for (int column = 0; column < schema_->num_fields(); ++column) {
    SLUICE_ASSIGN_ARROW(auto whole, arrow::Concatenate({first.rows->column(column), second.rows->column(column)}),
                        "keep rows");
    columns.push_back(std::move(whole));
  }
  const auto shift = static_cast<std::uint32_t>(first.groups.size());
  for (std::uint32_t row = 0; row < second.groups.size(); ++row)
    if (is_live(number + 1, row)) places_[second.groups[row]] = {number, shift + row};
  first.groups.insert(first.groups.end(), second.groups.begin(), second.groups.end());
  first.live += second.live;
  bytes_ -= first.bytes + second.bytes;
  first.rows = arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(first.groups.size()), std::move(columns));
  first.bytes = arrow::util::TotalBufferSize(*first.rows);
  bytes_ += first.bytes;
  chunks_.pop_back();
  return {};
}

result<std::shared_ptr<arrow::RecordBatch>> picked_rows::take(std::span<const std::uint32_t> groups) {
  // The rows of each chunk that is asked, in order; the last list is of groups without a row.
  std::vector<std::vector<std::int32_t>> rows(chunks_.size() + 1);
  const auto chunk_of = [&](std::uint32_t group) {
    const auto number = group < places_.size() ? places_[group].chunk : none;
    return number == none ? chunks_.size() : number;
  };
  for (const auto group : groups) {
    const auto number = chunk_of(group);
    rows[number].push_back(number == chunks_.size() ? 0 : static_cast<std::int32_t>(places_[group].row));
  }
  std::vector<columns_of> parts;
  std::vector<std::int32_t> next(rows.size());  // place of each chunk's next row in the parts
  std::int32_t base = 0;
  for (std::size_t number = 0; number < rows.size(); ++number) {
    if (rows[number].empty()) continue;
    next[number] = base;
    base += static_cast<std::int32_t>(rows[number].size());
    if (number < chunks_.size()) {
      SLUICE_ASSIGN(auto taken, take_columns(*chunks_[number].rows, rows[number]));
      parts.push_back(std::move(taken));
      continue;
    }
    columns_of nulls;
    for (const auto& field : schema_->fields()) {
      SLUICE_ASSIGN_ARROW(auto column,
                          arrow::MakeArrayOfNull(field->type(), static_cast<std::int64_t>(rows[number].size())),
                          "read rows");
      nulls.push_back(std::move(column));
    }
    parts.push_back(std::move(nulls));
  }
  columns_of columns;
  for (int column = 0; column < schema_->num_fields(); ++column) {
    arrow::ArrayVector pieces;
    for (const auto& part : parts) pieces.push_back(part[column]);
    if (pieces.empty()) {
      SLUICE_ASSIGN_ARROW(auto none_there, arrow::MakeEmptyArray(schema_->field(column)->type()), "read rows");
      pieces.push_back(std::move(none_there));
    } else if (pieces.size() > 1) {
      SLUICE_ASSIGN_ARROW(pieces.front(), arrow::Concatenate(pieces), "read rows");
    }
    columns.push_back(std::move(pieces.front()));
  }
  auto made = arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(groups.size()), std::move(columns));
  if (parts.size() <= 1) return made;
  std::vector<std::int32_t> order;
  bool ascending = true;
  for (const auto group : groups) {
    order.push_back(next[chunk_of(group)]++);
    ascending = ascending && order.back() == static_cast<std::int32_t>(order.size()) - 1;
  }
  if (ascending) return made;
  SLUICE_ASSIGN(auto ordered, take_columns(*made, order));
  return arrow::RecordBatch::Make(schema_, made->num_rows(), std::move(ordered));
}

std::int64_t picked_rows::bytes() const {
  return bytes_ + static_cast<std::int64_t>(places_.capacity() * sizeof(place));
}

}  // namespace sluice
