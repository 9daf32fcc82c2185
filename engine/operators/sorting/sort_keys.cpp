#include "engine/operators/sorting/sort_keys.hpp"

#include "engine/operators/keys/group_index.hpp"
#include "engine/values/intervals.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>

namespace sluice {

namespace {

using arrow::Type;

// Cuts the last word off `text` if it is `word`, in any case.
bool cut_word(std::string& text, std::string_view word) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  if (text.size() <= word.size()) return false;
  const auto begin = text.size() - word.size();
  if (!std::isspace(static_cast<unsigned char>(text[begin - 1]))) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(text[begin + i])) != word[i]) return false;
  text.resize(begin - 1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  return true;
}

sort_key parse_entry(std::string text) {
  sort_key key;
  std::optional<bool> nulls_first;
  auto shorter = text;
  if (cut_word(shorter, "first") && cut_word(shorter, "nulls")) {
    nulls_first = true;
    text = shorter;
  } else if (shorter = text; cut_word(shorter, "last") && cut_word(shorter, "nulls")) {
    nulls_first = false;
    text = shorter;
  }
  if (cut_word(text, "desc")) {
    key.descending = true;
  } else {
    cut_word(text, "asc");
  }
  key.nulls_first = nulls_first.value_or(key.descending);
  key.text = std::move(text);
  return key;
}

bool can_sort(const arrow::DataType& type) {
  return type.id() == Type::NA || type.id() == Type::INTERVAL_MONTH_DAY_NANO || arrow::is_primitive(type.id()) ||
         arrow::is_base_binary_like(type.id()) || type.id() == Type::FIXED_SIZE_BINARY ||
         type.id() == Type::DECIMAL128 || type.id() == Type::DECIMAL256 || type.id() == Type::DICTIONARY;
}

}  // namespace

std::vector<sort_key> bind_sort_keys(const transform_request& request, const options& entries, const std::string& path,
                                     diagnostics& faults) {
  std::vector<sort_key> keys;
  const auto list = entries.is_array() ? entries : options::array({entries});
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto place = entries.is_array() ? path + "/" + std::to_string(i) : path;
    auto key = parse_entry(list[i].get<std::string>());
    const bool is_name = request.inputs.front().schema->GetFieldIndex(key.text) >= 0;
    key.value = expression::bind(is_name ? quoted_name(key.text) : key.text, scope_of(request), place, faults);
    if (!key.value) continue;
    if (!can_sort(*key.value->type())) {
      auto fault =
          user_error("not_supported_yet",
                     "sorting by " + key.text + " of type " + type_name(*key.value->type()) + " is not supported yet",
                     "sort by a column or expression with a simple type");
      fault.path = place;
      faults.push_back(std::move(fault));
      continue;
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

namespace {

template <class Unsigned>
char* put_big_endian(char* out, Unsigned bits) {
  if constexpr (sizeof(Unsigned) == 2) bits = static_cast<Unsigned>(__builtin_bswap16(bits));
  if constexpr (sizeof(Unsigned) == 4) bits = __builtin_bswap32(bits);
  if constexpr (sizeof(Unsigned) == 8) bits = __builtin_bswap64(bits);
  std::memcpy(out, &bits, sizeof bits);
  return out + sizeof bits;
}

template <class Value>
char* put_integer(char* out, Value value) {
  using bits_type = std::make_unsigned_t<Value>;
  auto bits = static_cast<bits_type>(value);
  if constexpr (std::is_signed_v<Value>)
    bits = static_cast<bits_type>(bits ^ (bits_type{1} << (sizeof(Value) * 8 - 1)));
  return put_big_endian(out, bits);
}

char* put_wide(char* out, int128 value) {
  out = put_integer(out, static_cast<std::int64_t>(value >> 64));
  return put_integer(out, static_cast<std::uint64_t>(value));
}

template <class Value>
char* put_floating(char* out, Value value) {
  using bits_type = std::conditional_t<sizeof(Value) == 4, std::uint32_t, std::uint64_t>;
  constexpr auto sign = bits_type{1} << (sizeof(Value) * 8 - 1);
  auto bits = std::bit_cast<bits_type>(std::isnan(value) ? std::numeric_limits<Value>::quiet_NaN() : value + Value{0});
  bits = bits & sign ? ~bits : bits | sign;
  return put_big_endian(out, bits);
}

char* put_text(char* out, std::string_view text) {
  if (std::memchr(text.data(), 0, text.size()) == nullptr) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  } else {
    for (const char c : text) {
      *out++ = c;
      if (c == 0) *out++ = static_cast<char>(0xff);
    }
  }
  *out++ = 0;
  *out++ = 0;
  return out;
}

// Room for one value behind its first byte; text may need every byte twice.
std::int64_t room_for(const arrow::Array& column, std::int64_t row) {
  switch (column.type_id()) {
    case Type::STRING:
    case Type::BINARY:
      return 2 * static_cast<const arrow::BinaryArray&>(column).value_length(row) + 2;
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return 2 * static_cast<const arrow::LargeBinaryArray&>(column).value_length(row) + 2;
    case Type::FIXED_SIZE_BINARY:
      return static_cast<const arrow::FixedSizeBinaryArray&>(column).byte_width();
    case Type::DECIMAL256:
      return 32;
    default:
      return 16;
  }
}

template <class ArrayType, class Each>
void integers(const arrow::Array& column, Each&& each) {
  const auto& values = static_cast<const ArrayType&>(column);
  each([&values](std::int64_t row, char* out) { return put_integer(out, values.Value(row)); });
}

template <class ArrayType, class Each>
void texts(const arrow::Array& column, Each&& each) {
  const auto& values = static_cast<const ArrayType&>(column);
  each([&values](std::int64_t row, char* out) { return put_text(out, values.GetView(row)); });
}

template <class ArrayType, class Each>
void floatings(const arrow::Array& column, Each&& each) {
  const auto& values = static_cast<const ArrayType&>(column);
  each([&values](std::int64_t row, char* out) { return put_floating(out, values.Value(row)); });
}

// Values of fixed width in `column`; `put(out, bytes)` writes one.
template <class Each, class Put>
void fixed(const arrow::Array& column, Each&& each, Put put) {
  const auto& values = static_cast<const arrow::FixedSizeBinaryArray&>(column);
  each([&values, put](std::int64_t row, char* out) { return put(out, values.GetValue(row)); });
}

char* put_decimal256(char* out, const std::uint8_t* bytes) {
  std::uint64_t words[4];
  std::memcpy(words, bytes, sizeof words);
  out = put_integer(out, static_cast<std::int64_t>(words[3]));
  for (int word = 2; word >= 0; --word) out = put_integer(out, words[word]);
  return out;
}

// Calls `each` with a function that writes the value of a row that is not null.
template <class Each>
void with_writer(const arrow::Array& column, Each&& each) {
  switch (column.type_id()) {
    case Type::BOOL: {
      const auto& values = static_cast<const arrow::BooleanArray&>(column);
      return each([&values](std::int64_t row, char* out) { return *out = values.Value(row) ? 1 : 0, out + 1; });
    }
    case Type::INT8:
      return integers<arrow::Int8Array>(column, each);
    case Type::INT16:
      return integers<arrow::Int16Array>(column, each);
    case Type::INT32:
      return integers<arrow::Int32Array>(column, each);
    case Type::INT64:
      return integers<arrow::Int64Array>(column, each);
    case Type::UINT8:
      return integers<arrow::UInt8Array>(column, each);
    case Type::UINT16:
      return integers<arrow::UInt16Array>(column, each);
    case Type::UINT32:
      return integers<arrow::UInt32Array>(column, each);
    case Type::UINT64:
      return integers<arrow::UInt64Array>(column, each);
    case Type::DATE32:
      return integers<arrow::Date32Array>(column, each);
    case Type::DATE64:
      return integers<arrow::Date64Array>(column, each);
    case Type::TIME32:
      return integers<arrow::Time32Array>(column, each);
    case Type::TIME64:
      return integers<arrow::Time64Array>(column, each);
    case Type::TIMESTAMP:
      return integers<arrow::TimestampArray>(column, each);
    case Type::DURATION:
      return integers<arrow::DurationArray>(column, each);
    case Type::FLOAT:
      return floatings<arrow::FloatArray>(column, each);
    case Type::DOUBLE:
      return floatings<arrow::DoubleArray>(column, each);
    case Type::DECIMAL128: {
      const bool narrow = static_cast<const arrow::Decimal128Type&>(*column.type()).precision() <= 18;
      return fixed(column, each, [narrow](char* out, const std::uint8_t* bytes) {
        int128 value;
        std::memcpy(&value, bytes, sizeof value);
        return narrow ? put_integer(out, static_cast<std::int64_t>(value)) : put_wide(out, value);
      });
    }
    case Type::DECIMAL256:
      return fixed(column, each, put_decimal256);
    case Type::INTERVAL_MONTH_DAY_NANO: {
      const auto& values = static_cast<const arrow::MonthDayNanoIntervalArray&>(column);
      return each(
          [&values](std::int64_t row, char* out) { return put_wide(out, interval_length(values.GetValue(row))); });
    }
    case Type::STRING:
      return texts<arrow::StringArray>(column, each);
    case Type::BINARY:
      return texts<arrow::BinaryArray>(column, each);
    case Type::LARGE_STRING:
      return texts<arrow::LargeStringArray>(column, each);
    case Type::LARGE_BINARY:
      return texts<arrow::LargeBinaryArray>(column, each);
    case Type::FIXED_SIZE_BINARY:
      return fixed(column, each,
                   [width = static_cast<const arrow::FixedSizeBinaryType&>(*column.type()).byte_width()](
                       char* out, const std::uint8_t* bytes) {
                     std::memcpy(out, bytes, static_cast<std::size_t>(width));
                     return out + width;
                   });
    default:
      return each([](std::int64_t, char* out) { return out; });  // the null type
  }
}

}  // namespace

result<std::shared_ptr<arrow::Array>> evaluate(const sort_key& key, const batch& in, row_errors& errors) {
  SLUICE_ASSIGN(auto value, key.value->evaluate(in));
  append_errors(errors, std::move(value.errors), key.text);
  return std::move(value.values);
}

status encoded_keys::encode(const std::vector<sort_key>& keys, std::vector<std::shared_ptr<arrow::Array>> columns,
                            std::int64_t rows) {
  for (auto& column : columns) {
    SLUICE_ASSIGN(column, canonical_key(std::move(column)));
  }
  starts_.resize(rows);
  ends_.resize(rows);
  std::int64_t room = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    starts_[row] = ends_[row] = room;
    for (const auto& column : columns) room += 1 + room_for(*column, row);
  }
  if (static_cast<std::int64_t>(bytes_.size()) < room) bytes_.resize(room);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& column = *columns[i];
    const bool no_nulls = column.type_id() != Type::NA && column.null_count() == 0;
    const char null_byte = keys[i].nulls_first ? 0 : 2;
    with_writer(column, [&](auto&& write) {
      for (std::int64_t row = 0; row < rows; ++row) {
        auto* out = bytes_.data() + ends_[row];
        if (!no_nulls && (column.type_id() == Type::NA || column.IsNull(row))) {
          *out = null_byte;
          ++ends_[row];
          continue;
        }
        *out++ = 1;
        auto* end = write(row, out);
        if (keys[i].descending)
          for (auto* byte = out; byte < end; ++byte) *byte = static_cast<char>(~*byte);
        ends_[row] = end - bytes_.data();
      }
    });
  }
  return {};
}

}  // namespace sluice
