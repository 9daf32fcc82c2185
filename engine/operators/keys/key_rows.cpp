#include "engine/operators/keys/key_table.hpp"

#include "engine/values/short_bytes.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#define XXH_INLINE_ALL  // rows are short: a call would take as long as the hash
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace sluice {

namespace {

using arrow::Type;

// Bytes of a value; 0 for text.
std::size_t width_of(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::STRING:
    case Type::BINARY:
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return 0;
    case Type::NA:
    case Type::BOOL:
      return 1;
    default:
      return static_cast<std::size_t>(static_cast<const arrow::FixedWidthType&>(type).bit_width() / 8);
  }
}

// Calls fn(offsets, bytes) with the raw parts of a column of text.
template <class Function>
void with_text(const arrow::Array& values, Function&& fn) {
  const auto parts = [&fn](const auto& texts) {
    fn(texts.raw_value_offsets(),
       reinterpret_cast<const char*>(texts.value_data() ? texts.value_data()->data() : nullptr));
  };
  if (values.type_id() == Type::LARGE_STRING || values.type_id() == Type::LARGE_BINARY)
    return parts(static_cast<const arrow::LargeBinaryArray&>(values));
  return parts(static_cast<const arrow::BinaryArray&>(values));
}

template <std::size_t Width>
void put_values(const std::uint8_t* from, const row_choice& rows, char* out, std::size_t stride) {
  for (std::int64_t row = 0; row < rows.rows; ++row, out += stride)
    std::memcpy(out, from + static_cast<std::size_t>(rows[row]) * Width, Width);
}

}  // namespace

key_rows::key_rows(std::vector<std::shared_ptr<arrow::DataType>> types) {
  fixed_bytes_ = (types.size() + 7) / 8;
  for (auto& type : types) columns_.push_back({type, 0, width_of(*type)});
  for (auto& one : columns_) {
    if (one.width == 0) continue;
    one.offset = fixed_bytes_;
    fixed_bytes_ += one.width;
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].width > 0) continue;
    columns_[i].offset = fixed_bytes_;
    fixed_bytes_ += 4;
    texts_.push_back(i);
  }
  has_text_ = !texts_.empty();
  fixed_words_ = (fixed_bytes_ + 7) / 8;
}

void key_rows::place_rows(const std::vector<std::shared_ptr<arrow::Array>>& columns, const row_choice& rows) {
  const auto count = static_cast<std::size_t>(rows.rows);
  if (!has_text_) {
    words_.assign(count * fixed_words_, 0);
    return;
  }
  text_at_.assign(count, fixed_bytes_);
  for (const auto number : texts_) {
    const auto& values = *columns[number];
    const bool nulls = values.null_count() > 0;
    with_text(values, [&](const auto* offsets, const char*) {
      for (std::int64_t row = 0; row < rows.rows; ++row) {
        const auto from = rows[row];
        if (!nulls || values.IsValid(from))
          text_at_[row] += static_cast<std::size_t>(offsets[from + 1] - offsets[from]);
      }
    });
  }
  begins_.resize(count + 1);
  begins_[0] = 0;
  for (std::size_t row = 0; row < count; ++row) {
    begins_[row + 1] = begins_[row] + (text_at_[row] + 7) / 8;
    text_at_[row] = begins_[row] * 8 + fixed_bytes_;
  }
  words_.assign(begins_[count], 0);
}

void key_rows::put_column(std::size_t number, const arrow::Array& values, const row_choice& rows) {
  const auto& its = columns_[number];
  auto* bytes = reinterpret_cast<char*>(words_.data());
  const auto begin = [&](std::int64_t row) {
    return has_text_ ? begins_[row] * 8 : static_cast<std::size_t>(row) * fixed_words_ * 8;
  };
  const bool nulls = values.type_id() == Type::NA || values.null_count() > 0;
  if (nulls) {
    for (std::int64_t row = 0; row < rows.rows; ++row)
      if (values.type_id() == Type::NA || values.IsNull(rows[row]))
        bytes[begin(row) + number / 8] = static_cast<char>(bytes[begin(row) + number / 8] | (1 << (number % 8)));
    if (values.type_id() == Type::NA) return;
  }
  if (its.width == 0) {
    return with_text(values, [&](const auto* offsets, const char* text) {
      for (std::int64_t row = 0; row < rows.rows; ++row) {
        const auto at = rows[row];
        if (nulls && values.IsNull(at)) continue;
        const auto length = static_cast<std::uint32_t>(offsets[at + 1] - offsets[at]);
        std::memcpy(bytes + begins_[row] * 8 + its.offset, &length, sizeof length);
        short_copy(bytes + text_at_[row], text + offsets[at], length);
        text_at_[row] += length;
      }
    });
  }
  if (values.type_id() == Type::BOOL) {
    const auto& booleans = static_cast<const arrow::BooleanArray&>(values);
    for (std::int64_t row = 0; row < rows.rows; ++row)
      if (!nulls || values.IsValid(rows[row])) bytes[begin(row) + its.offset] = booleans.Value(rows[row]) ? 1 : 0;
    return;
  }
  const auto* from = values.data()->buffers[1]->data() + values.offset() * static_cast<std::int64_t>(its.width);
  if (!nulls && !has_text_) {
    const auto stride = fixed_words_ * 8;
    if (its.width == 8) return put_values<8>(from, rows, bytes + its.offset, stride);
    if (its.width == 4) return put_values<4>(from, rows, bytes + its.offset, stride);
    if (its.width == 16) return put_values<16>(from, rows, bytes + its.offset, stride);
  }
  if (!nulls && its.width == 8) {
    for (std::int64_t row = 0; row < rows.rows; ++row)
      std::memcpy(bytes + begins_[row] * 8 + its.offset, from + rows[row] * 8, 8);
    return;
  }
  for (std::int64_t row = 0; row < rows.rows; ++row)
    if (!nulls || values.IsValid(rows[row]))
      std::memcpy(bytes + begin(row) + its.offset, from + static_cast<std::size_t>(rows[row]) * its.width, its.width);
}

void key_rows::hash_rows(std::int64_t rows) {
  hashes_.resize(static_cast<std::size_t>(rows));
  if (has_text_) {
    for (std::int64_t row = 0; row < rows; ++row)
      hashes_[row] = XXH3_64bits(words_.data() + begins_[row], (begins_[row + 1] - begins_[row]) * 8);
    return;
  }
  const auto size = fixed_words_ * 8;
  const auto* at = words_.data();
  for (std::int64_t row = 0; row < rows; ++row, at += fixed_words_) hashes_[row] = XXH3_64bits(at, size);
}

void key_rows::encode(const std::vector<std::shared_ptr<arrow::Array>>& columns, const row_choice& rows) {
  place_rows(columns, rows);
  for (std::size_t i = 0; i < columns.size(); ++i) put_column(i, *columns[i], rows);
  hash_rows(rows.rows);
}

result<std::vector<std::shared_ptr<arrow::Buffer>>> key_rows::decode_texts(
    std::size_t number, std::span<const std::uint64_t* const> rows) const {
  const auto& its = columns_[number];
  const auto count = static_cast<std::int64_t>(rows.size());
  const auto byte_at = [&](std::size_t row) { return reinterpret_cast<const char*>(rows[row]); };
  const auto length_of = [&](std::size_t row, std::size_t text) {
    std::uint32_t length = 0;
    std::memcpy(&length, byte_at(row) + columns_[text].offset, sizeof length);
    return length;
  };
  std::int64_t total = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) total += length_of(row, number);
  const bool large = its.type->id() == Type::LARGE_STRING || its.type->id() == Type::LARGE_BINARY;
  if (!large && total > std::numeric_limits<std::int32_t>::max())
    return user_error("value_too_large", "the keys of a batch contain more than 2 GiB of text", "use shorter keys");
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> offsets, arrow::AllocateBuffer((count + 1) * (large ? 8 : 4)),
                      "read keys");
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> data, arrow::AllocateBuffer(total), "read keys");
  std::int64_t at = 0;
  const auto put_offset = [&](std::size_t row) {
    if (large) {
      reinterpret_cast<std::int64_t*>(offsets->mutable_data())[row] = at;
    } else {
      reinterpret_cast<std::int32_t*>(offsets->mutable_data())[row] = static_cast<std::int32_t>(at);
    }
  };
  put_offset(0);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto* text = byte_at(row) + fixed_bytes_;
    for (const auto before : texts_) {
      if (before == number) break;
      text += length_of(row, before);
    }
    const auto length = length_of(row, number);
    if (length > 0) std::memcpy(data->mutable_data() + at, text, length);
    at += length;
    put_offset(row + 1);
  }
  return std::vector<std::shared_ptr<arrow::Buffer>>{std::move(offsets), std::move(data)};
}

result<std::shared_ptr<arrow::Array>> key_rows::decode_column(std::size_t number,
                                                              std::span<const std::uint64_t* const> rows) const {
  const auto& its = columns_[number];
  const auto count = static_cast<std::int64_t>(rows.size());
  if (its.type->id() == Type::NA) return std::shared_ptr<arrow::Array>(std::make_shared<arrow::NullArray>(count));
  const auto byte_at = [&](std::size_t row) { return reinterpret_cast<const char*>(rows[row]); };
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> valid, arrow::AllocateEmptyBitmap(count), "read keys");
  std::int64_t nulls = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const bool is_null = (byte_at(row)[number / 8] >> (number % 8)) & 1;
    nulls += is_null;
    if (!is_null) valid->mutable_data()[row / 8] |= static_cast<std::uint8_t>(1U << (row % 8));
  }
  if (nulls == 0) valid = nullptr;
  const auto made = [&](std::vector<std::shared_ptr<arrow::Buffer>> buffers) {
    return arrow::MakeArray(arrow::ArrayData::Make(its.type, count, std::move(buffers), nulls));
  };
  if (its.type->id() == Type::BOOL) {
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bits, arrow::AllocateEmptyBitmap(count), "read keys");
    for (std::size_t row = 0; row < rows.size(); ++row)
      if (byte_at(row)[its.offset] != 0) bits->mutable_data()[row / 8] |= static_cast<std::uint8_t>(1U << (row % 8));
    return made({valid, bits});
  }
  if (its.width > 0) {
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> values,
                        arrow::AllocateBuffer(count * static_cast<std::int64_t>(its.width)), "read keys");
    auto* out = values->mutable_data();
    for (std::size_t row = 0; row < rows.size(); ++row, out += its.width)
      std::memcpy(out, byte_at(row) + its.offset, its.width);
    return made({valid, values});
  }
  SLUICE_ASSIGN(auto texts, decode_texts(number, rows));
  texts.insert(texts.begin(), valid);
  return made(std::move(texts));
}

result<std::vector<std::shared_ptr<arrow::Array>>> key_rows::decode(std::span<const std::uint64_t* const> rows) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    SLUICE_ASSIGN(auto values, decode_column(i, rows));
    columns.push_back(std::move(values));
  }
  return columns;
}

}  // namespace sluice
