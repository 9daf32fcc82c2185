#include "engine/operators/keys/packed_keys.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstring>

namespace sluice {

namespace {

using arrow::Type;

constexpr std::size_t table_size = 8192;
constexpr std::size_t most_keys = table_size / 4;
constexpr std::uint64_t rows_before_judging = 16 * 1024;

bool can_pack(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::STRING:
    case Type::BINARY:
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::DATE32:
    case Type::TIME64:
    case Type::TIMESTAMP:
      return true;
    default:
      return false;
  }
}

// The low byte tells null (0) from values: 1, or 1 + length for text. Null is all zeros.
template <class ArrayType>
void pack_integers(const arrow::Array& column, int bytes, std::uint64_t* words, int shift, std::uint8_t* too_long) {
  const auto* values = static_cast<const ArrayType&>(column).raw_values();
  const int value_bits = (bytes - 1) * 8;
  const auto mask = bytes == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (bytes * 8)) - 1;
  const bool nulls = column.null_count() > 0;
  for (std::int64_t row = 0; row < column.length(); ++row) {
    if (nulls && column.IsNull(row)) continue;
    const auto value = static_cast<std::int64_t>(values[row]);
    const auto top = value >> (value_bits - 1);
    too_long[row] |= static_cast<std::uint8_t>(top != 0 && top != -1);
    words[row] |= (((static_cast<std::uint64_t>(value) << 8) | 1) & mask) << shift;
  }
}

void pack_text(const arrow::Array& column, int bytes, std::uint64_t* words, int shift, std::uint8_t* too_long) {
  const auto& values = static_cast<const arrow::BinaryArray&>(column);
  const auto* offsets = values.raw_value_offsets();
  const auto* data = values.value_data() ? values.value_data()->data() : nullptr;
  const auto readable = values.value_data() ? values.value_data()->size() : 0;
  const bool nulls = values.null_count() > 0;
  for (std::int64_t row = 0; row < values.length(); ++row) {
    if (nulls && values.IsNull(row)) continue;
    const auto length = offsets[row + 1] - offsets[row];
    if (length >= bytes) {
      too_long[row] = 1;
      continue;
    }
    std::uint64_t text = 0;
    if (offsets[row] + 8 <= readable) {
      std::memcpy(&text, data + offsets[row], 8);
      text &= (std::uint64_t{1} << (length * 8)) - 1;
    } else if (length > 0) {
      std::memcpy(&text, data + offsets[row], static_cast<std::size_t>(length));
    }
    words[row] |= ((text << 8) | static_cast<std::uint64_t>(length + 1)) << shift;
  }
}

}  // namespace

packed_keys::packed_keys(const std::vector<std::shared_ptr<arrow::DataType>>& types) {
  if (types.empty() || types.size() > 4) return;
  for (const auto& type : types)
    if (!can_pack(*type)) return;
  bytes_each_ = types.size() <= 2 ? 8 : 4;
  usable_ = true;
}

void packed_keys::pack(const arrow::Array& column, int bytes, std::uint64_t* words, int shift) {
  auto* too_long = too_long_.data();
  switch (column.type_id()) {
    case Type::INT8:
      return pack_integers<arrow::Int8Array>(column, bytes, words, shift, too_long);
    case Type::INT16:
      return pack_integers<arrow::Int16Array>(column, bytes, words, shift, too_long);
    case Type::INT32:
      return pack_integers<arrow::Int32Array>(column, bytes, words, shift, too_long);
    case Type::INT64:
      return pack_integers<arrow::Int64Array>(column, bytes, words, shift, too_long);
    case Type::DATE32:
      return pack_integers<arrow::Date32Array>(column, bytes, words, shift, too_long);
    case Type::TIME64:
      return pack_integers<arrow::Time64Array>(column, bytes, words, shift, too_long);
    case Type::TIMESTAMP:
      return pack_integers<arrow::TimestampArray>(column, bytes, words, shift, too_long);
    default:
      return pack_text(column, bytes, words, shift, too_long);
  }
}

std::size_t packed_keys::slot_of(std::uint64_t low, std::uint64_t high) const {
  auto hash = (low ^ (high * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL;
  hash ^= hash >> 32;
  auto slot = static_cast<std::size_t>(hash * 0xc4ceb9fe1a85ec53ULL >> 51);  // 13 bits: table_size
  while (entries_[slot].used && (entries_[slot].low != low || entries_[slot].high != high))
    slot = (slot + 1) % table_size;
  return slot;
}

const std::vector<std::int32_t>& packed_keys::find(const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                                   std::int64_t rows, std::uint32_t* numbers) {
  if (entries_.empty()) entries_.resize(table_size);
  low_.assign(static_cast<std::size_t>(rows), 0);
  high_.assign(static_cast<std::size_t>(rows), 0);
  too_long_.assign(static_cast<std::size_t>(rows), 0);
  const auto per_word = static_cast<std::size_t>(8 / bytes_each_);
  for (std::size_t i = 0; i < keys.size(); ++i)
    pack(*keys[i], bytes_each_, i / per_word == 0 ? low_.data() : high_.data(),
         static_cast<int>(i % per_word) * bytes_each_ * 8);
  unknown_.clear();
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto& found = entries_[slot_of(low_[row], high_[row])];
    numbers[row] = found.number;
    if (!found.used || too_long_[row]) unknown_.push_back(static_cast<std::int32_t>(row));
  }
  asked_ += static_cast<std::uint64_t>(rows);
  missed_ += unknown_.size();
  if (asked_ > rows_before_judging && missed_ > asked_ / 4) usable_ = false;
  return unknown_;
}

void packed_keys::remember(std::int32_t row, std::uint32_t number) {
  if (too_long_[row]) return;
  auto& place = entries_[slot_of(low_[row], high_[row])];
  if (place.used) return;
  if (++used_ > most_keys) {
    usable_ = false;
    return;
  }
  place = {low_[row], high_[row], number, true};
}

std::int64_t packed_keys::bytes() const {
  return static_cast<std::int64_t>(entries_.capacity() * sizeof(entry) + (low_.capacity() + high_.capacity()) * 8 +
                                   too_long_.capacity() + unknown_.capacity() * 4);
}

}  // namespace sluice
