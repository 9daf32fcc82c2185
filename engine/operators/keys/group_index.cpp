#include "engine/operators/keys/group_index.hpp"

#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/intervals.hpp"

#include <arrow/array.h>
#include <arrow/array/array_dict.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice {

namespace {

template <class ArrayType>
bool is_canonical(const ArrayType& column) {
  const auto* values = column.raw_values();
  bool canonical = true;
  for (std::int64_t row = 0; row < column.length(); ++row)
    canonical = canonical && values[row] == values[row] && !(values[row] == 0 && std::signbit(values[row]));
  return canonical;
}

// A copy of a column of fixed width whose values `change` has replaced; nulls hold anything.
template <class Value, class Change>
result<std::shared_ptr<arrow::Array>> changed_values(const arrow::Array& column, Change change) {
  const auto* values = column.data()->GetValues<Value>(1);
  SLUICE_ASSIGN_ARROW(auto buffer, arrow::AllocateBuffer(column.length() * static_cast<std::int64_t>(sizeof(Value))),
                      "make keys");
  auto* out = reinterpret_cast<Value*>(buffer->mutable_data());
  for (std::int64_t row = 0; row < column.length(); ++row) out[row] = change(values[row]);
  auto data = arrow::ArrayData::Make(column.type(), column.length(), {nullptr, std::move(buffer)}, 0);
  if (column.null_count() > 0) {
    SLUICE_ASSIGN_ARROW(data->buffers[0],
                        arrow::internal::CopyBitmap(arrow::default_memory_pool(), column.null_bitmap_data(),
                                                    column.offset(), column.length()),
                        "make keys");
    data->null_count = column.null_count();
  }
  return arrow::MakeArray(data);
}

template <class ArrayType>
result<std::shared_ptr<arrow::Array>> canonical_floats(std::shared_ptr<arrow::Array> column) {
  using value_type = typename ArrayType::value_type;
  if (is_canonical(static_cast<const ArrayType&>(*column))) return column;
  return changed_values<value_type>(*column, [](value_type value) {
    return std::isnan(value) ? std::numeric_limits<value_type>::quiet_NaN() : value + value_type{0};
  });
}

result<std::shared_ptr<arrow::Array>> canonical_intervals(std::shared_ptr<arrow::Array> column) {
  const auto* values = column->data()->GetValues<interval>(1);
  bool canonical = true;
  for (std::int64_t row = 0; row < column->length(); ++row)
    canonical = canonical && values[row] == canonical_interval(values[row]);
  if (canonical) return column;
  return changed_values<interval>(*column, canonical_interval);
}

}  // namespace

std::shared_ptr<arrow::DataType> canonical_key_type(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::DICTIONARY) return static_cast<const arrow::DictionaryType&>(*type).value_type();
  return type;
}

result<std::shared_ptr<arrow::Array>> canonical_key(std::shared_ptr<arrow::Array> column) {
  switch (column->type_id()) {
    case arrow::Type::DICTIONARY: {
      SLUICE_ASSIGN_ARROW(auto plain, arrow::compute::Cast(*column, canonical_key_type(column->type())),
                          "decode a dictionary");
      return canonical_key(std::move(plain));
    }
    case arrow::Type::FLOAT:
      return canonical_floats<arrow::FloatArray>(std::move(column));
    case arrow::Type::DOUBLE:
      return canonical_floats<arrow::DoubleArray>(std::move(column));
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return canonical_intervals(std::move(column));
    default:
      return column;
  }
}

namespace {

constexpr std::int64_t rows_at_once = 4096;

}  // namespace

group_index::group_index(const std::vector<std::shared_ptr<arrow::DataType>>& types)
    : has_keys_(!types.empty()), table_(types), frequent_(types) {}

result<std::unique_ptr<group_index>> group_index::make(const std::vector<std::shared_ptr<arrow::DataType>>& types) {
  for (const auto& type : types) SLUICE_TRY(flow::check_key_type(*type, ""));
  return std::unique_ptr<group_index>(new group_index(types));
}

const std::uint32_t* group_index::numbers_for(std::int64_t rows) {
  if (static_cast<std::int64_t>(numbers_.size()) < rows) numbers_.resize(static_cast<std::size_t>(rows));
  return numbers_.data();
}

const std::uint32_t* group_index::add(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows) {
  const auto* all = numbers_for(rows);
  if (!has_keys_) {
    any_row_ = any_row_ || rows > 0;
    return all;
  }
  if (!frequent_.usable()) {
    add_to_table(keys, rows, numbers_.data());
    return all;
  }
  // In small pieces, so that the first rows of a batch make the keys of the
  // others known.
  for (std::int64_t begin = 0; begin < rows; begin += rows_at_once) {
    const auto count = std::min(rows_at_once, rows - begin);
    auto piece = keys;
    if (count < rows)
      for (auto& column : piece) column = column->Slice(begin, count);
    add_piece(piece, count, numbers_.data() + begin);
  }
  return all;
}

void group_index::add_to_table(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows,
                               std::uint32_t* numbers) {
  const auto& firsts = runs_.find(keys, rows);
  if (firsts.empty()) return table_.number(keys, {.rows = rows}, true, numbers);
  found_.resize(firsts.size());
  table_.number(keys, {.rows = std::ssize(firsts), .chosen = firsts.data()}, true, found_.data());
  runs_.spread(found_.data(), numbers);
}

void group_index::add_piece(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows,
                            std::uint32_t* numbers) {
  if (!frequent_.usable()) return add_to_table(keys, rows, numbers);
  const auto& unknown = frequent_.find(keys, rows, numbers);
  if (unknown.empty()) return;
  found_.resize(unknown.size());
  table_.number(keys, {.rows = std::ssize(unknown), .chosen = unknown.data()}, true, found_.data());
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    numbers[unknown[i]] = found_[i];
    if (frequent_.usable()) frequent_.remember(unknown[i], found_[i]);
  }
}

const std::uint32_t* group_index::find(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows) {
  const auto* all = numbers_for(rows);
  if (has_keys_) {
    table_.number(keys, {.rows = rows}, false, numbers_.data());
  } else {
    std::fill_n(numbers_.begin(), rows, any_row_ ? 0 : missing);
  }
  return all;
}

std::uint32_t group_index::size() const { return has_keys_ ? table_.size() : any_row_ ? 1 : 0; }

result<std::vector<std::shared_ptr<arrow::Array>>> group_index::keys(std::span<const std::uint32_t> groups) const {
  if (!has_keys_) return std::vector<std::shared_ptr<arrow::Array>>();
  return table_.keys(groups);
}

std::int64_t group_index::bytes() const {
  return table_.bytes() + frequent_.bytes() + runs_.bytes() +
         static_cast<std::int64_t>((numbers_.capacity() + found_.capacity()) * sizeof(std::uint32_t));
}

}  // namespace sluice
