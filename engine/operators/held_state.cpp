#include "engine/operators/held_state.hpp"

#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace sluice::held {

namespace {

constexpr auto doing = "hand out the state of a unit";
constexpr const char* position_column = "position";

std::shared_ptr<arrow::Array> unsigned_column(std::vector<std::uint64_t> values) {
  const auto count = std::ssize(values);
  return std::make_shared<arrow::UInt64Array>(count, arrow::Buffer::FromVector(std::move(values)));
}

template <class Narrow>
std::shared_ptr<arrow::Array> narrow_column(const std::vector<std::uint64_t>& values) {
  using type = typename arrow::CTypeTraits<Narrow>::ArrayType;
  std::vector<Narrow> narrow(values.begin(), values.end());
  return std::make_shared<type>(std::ssize(values), arrow::Buffer::FromVector(std::move(narrow)));
}

std::shared_ptr<arrow::Array> narrowest_column(std::vector<std::uint64_t> values) {
  const auto highest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  if (highest <= std::numeric_limits<std::uint8_t>::max()) return narrow_column<std::uint8_t>(values);
  if (highest <= std::numeric_limits<std::uint16_t>::max()) return narrow_column<std::uint16_t>(values);
  if (highest <= std::numeric_limits<std::uint32_t>::max()) return narrow_column<std::uint32_t>(values);
  return unsigned_column(std::move(values));
}

/// The values of a column of any width; those of a narrow one are put into `widened`.
const std::uint64_t* unsigned_values(const arrow::Array& column, std::vector<std::uint64_t>& widened) {
  const auto widen = [&](const auto& narrow) {
    widened.assign(narrow.raw_values(), narrow.raw_values() + narrow.length());
    return widened.data();
  };
  switch (column.type_id()) {
    case arrow::Type::UINT8:
      return widen(static_cast<const arrow::UInt8Array&>(column));
    case arrow::Type::UINT16:
      return widen(static_cast<const arrow::UInt16Array&>(column));
    case arrow::Type::UINT32:
      return widen(static_cast<const arrow::UInt32Array&>(column));
    default:
      return static_cast<const arrow::UInt64Array&>(column).raw_values();
  }
}

}  // namespace

error foreign(const std::string& part) {
  return internal_error("foreign_state", "the state part " + part + " does not belong to a unit of this kind");
}

result<state_part> numbers(std::string name, const std::vector<std::int64_t>& values) {
  auto copy = values;
  const auto count = std::ssize(copy);
  auto column = std::make_shared<arrow::Int64Array>(count, arrow::Buffer::FromVector(std::move(copy)));
  return state_part{std::move(name), unnamed(count, {std::move(column)})};
}

result<std::vector<std::int64_t>> numbers_of(const state_part& part, std::size_t count) {
  if (part.rows->num_columns() != 1 || part.rows->column(0)->type_id() != arrow::Type::INT64 ||
      part.rows->num_rows() != static_cast<std::int64_t>(count))
    return foreign(part.name);
  const auto& values = static_cast<const arrow::Int64Array&>(*part.rows->column(0));
  return std::vector<std::int64_t>(values.raw_values(), values.raw_values() + count);
}

result<state_part> rows(std::string name, const batch& in) {
  auto columns = in.data->columns();
  auto fields = in.data->schema()->fields();
  if (in.positions) {
    columns.push_back(in.positions);
    fields.push_back(
        arrow::field(position_column, position_type(), true, arrow::key_value_metadata({"hidden"}, {"1"})));
  }
  return state_part{std::move(name),
                    arrow::RecordBatch::Make(arrow::schema(std::move(fields)), in.rows(), std::move(columns))};
}

result<batch> rows_of(const state_part& part) {
  batch made;
  made.data = part.rows;
  const auto last = made.data->num_columns() - 1;
  if (last < 0 || !made.data->schema()->field(last)->HasMetadata()) return made;
  if (!made.data->column(last)->type()->Equals(*position_type())) return foreign(part.name);
  made.positions = as_positions(made.data->column(last));
  SLUICE_ASSIGN_ARROW(made.data, made.data->RemoveColumn(last), doing);
  return made;
}

result<std::vector<std::int32_t>> in_groups(key_groups range, const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                            std::int64_t count) {
  std::vector<std::int32_t> chosen;
  if (range.all() || (keys.empty() && range.contains(0))) {
    chosen.resize(static_cast<std::size_t>(count));
    std::iota(chosen.begin(), chosen.end(), 0);
    return chosen;
  }
  if (keys.empty()) return chosen;
  SLUICE_ASSIGN(const auto hashes, flow::hash_keys(keys, count));
  for (std::size_t row = 0; row < hashes.size(); ++row)
    if (range.contains(flow::group_of(hashes[row]))) chosen.push_back(static_cast<std::int32_t>(row));
  return chosen;
}

void place_columns::add(const order_key& of, std::uint32_t row) {
  splits_.push_back(of.split);
  sequences_.push_back(of.sequence);
  chunks_.push_back(of.chunk);
  rows_.push_back(row);
}

status place_columns::append_to(arrow::ArrayVector& columns) {
  for (auto* values : {&splits_, &sequences_, &chunks_, &rows_}) columns.push_back(unsigned_column(std::move(*values)));
  return {};
}

status place_columns::append_narrow_to(arrow::ArrayVector& columns) {
  for (auto* values : {&splits_, &sequences_, &chunks_, &rows_})
    columns.push_back(narrowest_column(std::move(*values)));
  return {};
}

places_read::places_read(const arrow::RecordBatch& from, int at) : count_(from.num_rows()) {
  const auto values = [&](int column) {
    return unsigned_values(*from.column(at + column), widened_[static_cast<std::size_t>(column)]);
  };
  split_ = values(0);
  sequence_ = values(1);
  chunk_ = values(2);
  row_ = values(3);
}

order_key places_read::key(std::int64_t row) const {
  return {.split = static_cast<std::uint32_t>(split_[row]),
          .sequence = static_cast<decltype(order_key::sequence)>(sequence_[row]),
          .chunk = static_cast<std::uint32_t>(chunk_[row])};
}

std::uint32_t places_read::row(std::int64_t row) const { return static_cast<std::uint32_t>(row_[row]); }

std::int64_t places_read::end_of_batch(std::int64_t begin) const {
  auto end = begin;
  while (end < count_ && split_[end] == split_[begin] && sequence_[end] == sequence_[begin] &&
         chunk_[end] == chunk_[begin])
    ++end;
  return end;
}

result<std::uint32_t> batches_taken_back::number(const order_key& key, arrivals& among) {
  const std::array<std::uint64_t, 3> place = {key.split, key.sequence, key.chunk};
  if (const auto known = numbers_.find(place); known != numbers_.end()) return known->second;
  SLUICE_ASSIGN(const auto number, among.add(key));
  numbers_.emplace(place, number);
  return number;
}

std::shared_ptr<arrow::RecordBatch> unnamed(std::int64_t count, arrow::ArrayVector columns) {
  arrow::FieldVector fields;
  for (const auto& column : columns) fields.push_back(arrow::field("", column->type()));
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), count, std::move(columns));
}

result<std::shared_ptr<arrow::Array>> column_of_texts(std::span<const std::string> texts) {
  arrow::LargeBinaryBuilder builder;
  for (const auto& text : texts) SLUICE_TRY_ARROW(builder.Append(text), doing);
  SLUICE_ASSIGN_ARROW(auto column, builder.Finish(), doing);
  return column;
}

result<std::string_view> text_at(const arrow::Array& column, std::int64_t row) {
  if (column.type_id() != arrow::Type::LARGE_BINARY) return foreign("of texts");
  return static_cast<const arrow::LargeBinaryArray&>(column).GetView(row);
}

namespace detail {

result<std::shared_ptr<arrow::Array>> no_values(std::int64_t count) {
  return std::shared_ptr<arrow::Array>(std::make_shared<arrow::NullArray>(count));
}

bool has_no_values(const arrow::Array& column, std::size_t rows) {
  return column.type_id() == arrow::Type::NA && column.length() == static_cast<std::int64_t>(rows);
}

result<std::shared_ptr<arrow::Array>> make_bytes(std::int32_t width, std::vector<std::uint8_t> bytes) {
  const auto rows = std::ssize(bytes) / width;
  return std::shared_ptr<arrow::Array>(std::make_shared<arrow::FixedSizeBinaryArray>(
      arrow::fixed_size_binary(width), rows, arrow::Buffer::FromVector(std::move(bytes))));
}

result<const std::uint8_t*> bytes_of(const arrow::Array& column, std::int32_t width, std::size_t rows) {
  if (column.type_id() != arrow::Type::FIXED_SIZE_BINARY || column.length() != static_cast<std::int64_t>(rows) ||
      static_cast<const arrow::FixedSizeBinaryArray&>(column).byte_width() != width)
    return foreign("of values");
  return static_cast<const arrow::FixedSizeBinaryArray&>(column).raw_values();
}

}  // namespace detail

}  // namespace sluice::held
