#include "engine/operators/joins/joined_keys.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice::joins {

namespace {

using arrow::Type;

// Bytes of a value in a packed key; 0: it varies.
int width_of(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::NA:
    case Type::BOOL:
      return 1;
    case Type::STRING:
    case Type::BINARY:
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return 0;
    default:
      return type.byte_width();
  }
}

template <int Width>
void place_values(const std::uint8_t* from, std::int64_t rows, char* to, std::int64_t stride) {
  for (std::int64_t row = 0; row < rows; ++row) std::memcpy(to + row * stride, from + row * Width, Width);
}

void place_wide(const std::uint8_t* from, int width, std::int64_t rows, char* to, std::int64_t stride) {
  for (std::int64_t row = 0; row < rows; ++row)
    std::memcpy(to + row * stride, from + row * width, static_cast<std::size_t>(width));
}

// Writes the values of a column of fixed width, `stride` bytes apart.
void place(const arrow::Array& column, int width, char* to, std::int64_t stride) {
  const auto rows = column.length();
  if (column.type_id() == Type::NA) return;
  if (column.type_id() == Type::BOOL) {
    const auto& values = static_cast<const arrow::BooleanArray&>(column);
    for (std::int64_t row = 0; row < rows; ++row) to[row * stride] = values.Value(row) ? 1 : 0;
    return;
  }
  const auto* from = column.data()->buffers[1]->data() + column.offset() * width;
  switch (width) {
    case 1:
      return place_values<1>(from, rows, to, stride);
    case 2:
      return place_values<2>(from, rows, to, stride);
    case 4:
      return place_values<4>(from, rows, to, stride);
    case 8:
      return place_values<8>(from, rows, to, stride);
    case 16:
      return place_values<16>(from, rows, to, stride);
    default:
      return place_wide(from, width, rows, to, stride);
  }
}

std::string_view view_of(const arrow::Array& column, std::int64_t row) {
  const bool large = column.type_id() == Type::LARGE_STRING || column.type_id() == Type::LARGE_BINARY;
  return large ? static_cast<const arrow::LargeBinaryArray&>(column).GetView(row)
               : static_cast<const arrow::BinaryArray&>(column).GetView(row);
}

void note_nulls(const arrow::Array& key, std::vector<std::uint8_t>& nulls) {
  if (key.type_id() != Type::NA && key.null_count() == 0) return;
  nulls.resize(static_cast<std::size_t>(key.length()));
  for (std::int64_t row = 0; row < key.length(); ++row)
    if (key.type_id() == Type::NA || key.IsNull(row)) nulls[static_cast<std::size_t>(row)] = 1;
}

}  // namespace

void key_rows::append(const key_rows& from, std::int64_t begin, std::int64_t count) {
  const auto first = static_cast<std::size_t>(begin), length = static_cast<std::size_t>(count);
  if (const auto width = from.rows > 0 ? from.words.size() / static_cast<std::size_t>(from.rows) : 0; width > 0) {
    const auto words_begin = from.words.begin() + static_cast<std::ptrdiff_t>(first * width);
    words.insert(words.end(), words_begin, words_begin + static_cast<std::ptrdiff_t>(length * width));
  }
  if (!from.starts.empty()) {
    if (starts.empty()) starts.push_back(0);
    const auto shift = starts.back() - from.starts[first];
    for (std::size_t row = first; row < first + length; ++row) starts.push_back(from.starts[row + 1] + shift);
    bytes.insert(bytes.end(), from.bytes.begin() + static_cast<std::ptrdiff_t>(from.starts[first]),
                 from.bytes.begin() + static_cast<std::ptrdiff_t>(from.starts[first + length]));
  }
  if (!nulls.empty() || !from.nulls.empty()) {
    nulls.resize(static_cast<std::size_t>(rows + count));
    for (std::size_t row = 0; row < length && !from.nulls.empty(); ++row)
      nulls[static_cast<std::size_t>(rows) + row] = from.nulls[first + row];
  }
  rows += count;
}

key_rows key_rows::take(const std::vector<std::int32_t>& chosen) const {
  key_rows made;
  made.rows = static_cast<std::int64_t>(chosen.size());
  if (const auto width = rows > 0 ? words.size() / static_cast<std::size_t>(rows) : 0; width > 0) {
    made.words.reserve(chosen.size() * width);
    for (const auto row : chosen)
      for (std::size_t i = 0; i < width; ++i) made.words.push_back(words[static_cast<std::size_t>(row) * width + i]);
  }
  if (!starts.empty()) {
    made.starts.reserve(chosen.size() + 1);
    made.starts.push_back(0);
    for (const auto row : chosen) {
      const auto value = text(row);
      made.bytes.insert(made.bytes.end(), value.begin(), value.end());
      made.starts.push_back(made.bytes.size());
    }
  }
  if (!nulls.empty())
    for (const auto row : chosen) made.nulls.push_back(nulls[static_cast<std::size_t>(row)]);
  return made;
}

key_layout::key_layout(const std::vector<std::shared_ptr<arrow::DataType>>& types) {
  for (const auto& type : types) widths_.push_back(width_of(*type));
  const auto total = std::accumulate(widths_.begin(), widths_.end(), 0);
  const bool fixed = std::find(widths_.begin(), widths_.end(), 0) == widths_.end();
  if (!widths_.empty() && fixed && total <= 16) words_ = total <= 8 ? 1 : 2;
}

key_rows key_layout::pack(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows) const {
  key_rows made;
  made.rows = rows;
  for (const auto& key : keys) note_nulls(*key, made.nulls);
  if (words_ > 0) {
    pack_words(keys, made);
  } else if (!keyless()) {
    pack_bytes(keys, made);
  }
  return made;
}

void key_layout::pack_words(const std::vector<std::shared_ptr<arrow::Array>>& keys, key_rows& to) const {
  to.words.resize(static_cast<std::size_t>(to.rows) * static_cast<std::size_t>(words_));
  auto* bytes = reinterpret_cast<char*>(to.words.data());
  int offset = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    place(*keys[i], widths_[i], bytes + offset, words_ * 8);
    offset += widths_[i];
  }
}

// The lengths of texts stand before them, unless there is nothing else.
void key_layout::pack_bytes(const std::vector<std::shared_ptr<arrow::Array>>& keys, key_rows& to) const {
  const auto rows = static_cast<std::size_t>(to.rows);
  const std::uint64_t prefix = keys.size() == 1 ? 0 : 4;
  std::vector<std::uint64_t> lengths(rows);
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t row = 0; row < rows; ++row)
      lengths[row] += widths_[i] > 0 ? static_cast<std::uint64_t>(widths_[i])
                                     : prefix + view_of(*keys[i], static_cast<std::int64_t>(row)).size();
  to.starts.resize(rows + 1);
  std::partial_sum(lengths.begin(), lengths.end(), to.starts.begin() + 1);
  to.bytes.resize(to.starts.back());
  std::vector<char*> ends(rows);
  for (std::size_t row = 0; row < rows; ++row) ends[row] = to.bytes.data() + to.starts[row];
  std::vector<char> fixed;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (const auto width = static_cast<std::size_t>(widths_[i]); width > 0) {
      fixed.assign(rows * width, 0);
      place(*keys[i], widths_[i], fixed.data(), widths_[i]);
      for (std::size_t row = 0; row < rows; ++row) {
        std::memcpy(ends[row], fixed.data() + row * width, width);
        ends[row] += width;
      }
      continue;
    }
    for (std::size_t row = 0; row < rows; ++row) {
      const auto text = view_of(*keys[i], static_cast<std::int64_t>(row));
      const auto length = static_cast<std::uint32_t>(text.size());
      std::memcpy(ends[row], &length, prefix);
      if (length > 0) std::memcpy(ends[row] + prefix, text.data(), length);
      ends[row] += prefix + length;
    }
  }
}

void key_layout::hash(const key_rows& keys, std::int64_t begin, std::int64_t count, std::uint64_t* out) const {
  if (words_ == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = XXH3_64bits(keys.words.data() + begin + i, 8);
  } else if (words_ == 2) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = XXH3_64bits(keys.words.data() + 2 * (begin + i), 16);
  } else if (keyless()) {
    std::fill_n(out, count, 0);
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      const auto text = keys.text(begin + i);
      out[i] = XXH3_64bits(text.data(), text.size());
    }
  }
}

}  // namespace sluice::joins
