#include "engine/operators/sorting/key_numbers.hpp"

#include "engine/expression/bits.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace sluice {

namespace {

using arrow::Type;

constexpr auto sign_bit = std::uint64_t{1} << 63;

// Whole numbers of 64 bits without a sign that are in the order of the values, and the way back.
std::uint64_t ordered(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ sign_bit; }
std::int64_t value_of(std::uint64_t number) { return static_cast<std::int64_t>(number ^ sign_bit); }

// As sort_keys writes them: -0 as 0, NaN above infinity.
template <class Value>
std::uint64_t ordered_real(Value value) {
  using bits_type = std::conditional_t<sizeof(Value) == 4, std::uint32_t, std::uint64_t>;
  constexpr auto sign = bits_type{1} << (sizeof(Value) * 8 - 1);
  const auto bits =
      std::bit_cast<bits_type>(std::isnan(value) ? std::numeric_limits<Value>::quiet_NaN() : value + Value{0});
  return (bits & sign) != 0 ? static_cast<bits_type>(~bits) : bits | sign;
}

std::int64_t low_word(const std::uint8_t* decimal) {
  std::int64_t word;
  std::memcpy(&word, decimal, sizeof word);
  return word;
}

template <class ArrayType, class Use>
auto integers(const arrow::Array& column, Use&& use) {
  const auto* values = static_cast<const ArrayType&>(column).raw_values();
  using value_type = typename ArrayType::value_type;
  if constexpr (std::is_same_v<value_type, std::uint64_t>)
    return use([values](std::int64_t row) { return values[row]; });
  else
    return use([values](std::int64_t row) { return ordered(static_cast<std::int64_t>(values[row])); });
}

// Calls `use` with a function that gives the ordered number of a row that is not null.
template <class Use>
auto with_ordered(const arrow::Array& column, Use&& use) {
  switch (column.type_id()) {
    case Type::BOOL: {
      const auto& values = static_cast<const arrow::BooleanArray&>(column);
      return use([&values](std::int64_t row) { return ordered(values.Value(row) ? 1 : 0); });
    }
    case Type::INT8:
      return integers<arrow::Int8Array>(column, use);
    case Type::INT16:
      return integers<arrow::Int16Array>(column, use);
    case Type::INT32:
      return integers<arrow::Int32Array>(column, use);
    case Type::UINT8:
      return integers<arrow::UInt8Array>(column, use);
    case Type::UINT16:
      return integers<arrow::UInt16Array>(column, use);
    case Type::UINT32:
      return integers<arrow::UInt32Array>(column, use);
    case Type::UINT64:
      return integers<arrow::UInt64Array>(column, use);
    case Type::DATE32:
      return integers<arrow::Date32Array>(column, use);
    case Type::TIME32:
      return integers<arrow::Time32Array>(column, use);
    case Type::FLOAT: {
      const auto* values = static_cast<const arrow::FloatArray&>(column).raw_values();
      return use([values](std::int64_t row) { return ordered_real(values[row]); });
    }
    case Type::DOUBLE: {
      const auto* values = static_cast<const arrow::DoubleArray&>(column).raw_values();
      return use([values](std::int64_t row) { return ordered_real(values[row]); });
    }
    case Type::DECIMAL128: {
      const auto* values = static_cast<const arrow::Decimal128Array&>(column).raw_values();
      return use([values](std::int64_t row) { return ordered(low_word(values + row * 16)); });
    }
    default: {  // bigint, times and timestamps
      const auto& data = *column.data();
      const auto* values = data.GetValues<std::int64_t>(1);
      return use([values](std::int64_t row) { return ordered(values[row]); });
    }
  }
}

template <class Value, class Number, class Code>
std::shared_ptr<arrow::Buffer> values_of(const std::vector<Number>& numbers, const Code& code) {
  std::vector<Value> values(numbers.size());
  for (std::size_t row = 0; row < numbers.size(); ++row) values[row] = static_cast<Value>(code(numbers[row]));
  return arrow::Buffer::FromVector(std::move(values));
}

// Columns of the type from what `value` gives for each number.
template <class Number, class Code>
std::shared_ptr<arrow::Buffer> buffer_of(const arrow::DataType& type, const std::vector<Number>& numbers,
                                         const Code& ordered_of) {
  const auto value = [&](Number number) { return value_of(ordered_of(number)); };
  switch (type.id()) {
    case Type::BOOL: {
      const auto rows = static_cast<std::int64_t>(numbers.size());
      std::vector<std::uint8_t> bits(static_cast<std::size_t>(expression::words_for(rows)) * 8);
      expression::gather_bits(rows, bits.data(), [&](std::int64_t row) {
        return value(numbers[static_cast<std::size_t>(row)]) == 1 ? 1 : 0;
      });
      return arrow::Buffer::FromVector(std::move(bits));
    }
    case Type::INT8:
    case Type::UINT8:
      return values_of<std::int8_t>(numbers, value);
    case Type::INT16:
    case Type::UINT16:
      return values_of<std::int16_t>(numbers, value);
    case Type::INT32:
    case Type::UINT32:
    case Type::DATE32:
    case Type::TIME32:
      return values_of<std::int32_t>(numbers, value);
    case Type::UINT64:
      return values_of<std::uint64_t>(numbers, ordered_of);
    case Type::DECIMAL128:
      return values_of<wide_number>(numbers, value);  // the sign fills the upper half
    default:
      return values_of<std::int64_t>(numbers, value);
  }
}

}  // namespace

bool key_numbers::can_hold(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::BOOL:
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64:
    case Type::DATE32:
    case Type::DATE64:
    case Type::TIME32:
    case Type::TIME64:
    case Type::TIMESTAMP:
    case Type::DURATION:
    case Type::FLOAT:
    case Type::DOUBLE:
      return true;
    case Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Type&>(type).precision() <= 18;
    default:
      return false;
  }
}

bool key_numbers::look_at(const arrow::Array& column, field& of) {
  const bool some_null = column.null_count() > 0;
  of.nulls = of.nulls || some_null;
  const auto rows = column.length();
  if (column.type_id() == Type::DECIMAL128) {
    // A foreign file may hold more digits than its type says.
    const auto* values = static_cast<const arrow::Decimal128Array&>(column).raw_values();
    std::int64_t wider = 0;
    for (std::int64_t row = 0; row < rows; ++row)
      if (!some_null || column.IsValid(row))
        wider |= low_word(values + row * 16 + 8) ^ (low_word(values + row * 16) >> 63);
    if (wider != 0) return false;
  }
  with_ordered(column, [&](auto&& number) {
    auto least = of.least, greatest = of.greatest;
    for (std::int64_t row = 0; row < rows; ++row) {
      if (some_null && column.IsNull(row)) continue;
      const std::uint64_t each = number(row);
      least = std::min(least, each);
      greatest = std::max(greatest, each);
    }
    of.least = least;
    of.greatest = greatest;
  });
  return true;
}

result<std::optional<key_numbers>> key_numbers::make(const std::vector<packed_rows>& rows,
                                                     const std::vector<sort_column>& keys) {
  using nothing = std::optional<key_numbers>;
  key_numbers made;
  int all = 0;
  for (const auto& key : keys) {
    field one{.key = key, .type = rows.front().schema()->field(key.column)->type()};
    for (const auto& each : rows) {
      SLUICE_ASSIGN(const auto column, each.plain(key.column));
      if (!look_at(*column, one)) return nothing();
    }
    if (one.least > one.greatest) one.least = one.greatest = 0;  // nulls only
    auto codes = one.greatest - one.least;
    if (one.nulls && ++codes == 0) return nothing();
    one.bits = static_cast<int>(std::bit_width(codes));
    all += one.bits;
    made.fields_.push_back(std::move(one));
  }
  if (all > 128) return nothing();
  int below = 0;
  for (auto field = made.fields_.rbegin(); field != made.fields_.rend(); ++field) {
    field->shift = below;
    below += field->bits;
  }
  made.bits_ = std::max(1, all);
  return nothing(std::move(made));
}

template <class Number>
void key_numbers::encode(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t from,
                         std::span<Number> out) const {
  std::fill(out.begin(), out.end(), Number{0});
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const auto& one = fields_[i];
    if (one.bits == 0) continue;
    const auto& column = *columns[i];
    const bool some_null = column.null_count() > 0;
    const auto first = one.first_code();
    with_ordered(column, [&](auto&& number) {
      const auto put = [&](auto&& code) {
        for (std::size_t row = 0; row < out.size(); ++row)
          out[row] |= static_cast<Number>(code(from + static_cast<std::int64_t>(row))) << one.shift;
      };
      const auto value = [&](std::int64_t row) -> std::uint64_t {
        return first + (one.key.descending ? one.greatest - number(row) : number(row) - one.least);
      };
      if (some_null) {
        put([&](std::int64_t row) { return column.IsNull(row) ? one.null_code() : value(row); });
      } else if (one.key.descending) {
        put([&, most = first + one.greatest](std::int64_t row) { return most - number(row); });
      } else {
        put([&, least = one.least - first](std::int64_t row) { return number(row) - least; });
      }
    });
  }
}

std::vector<int> key_numbers::contained() const {
  std::vector<int> columns;
  for (const auto& one : fields_)
    if (one.type->id() != Type::FLOAT && one.type->id() != Type::DOUBLE &&
        std::find(columns.begin(), columns.end(), one.key.column) == columns.end())
      columns.push_back(one.key.column);
  return columns;
}

template <class Number>
result<std::shared_ptr<arrow::Array>> key_numbers::decode(int column, const std::vector<Number>& numbers) const {
  const auto& one =
      *std::find_if(fields_.begin(), fields_.end(), [&](const auto& each) { return each.key.column == column; });
  const auto mask = one.bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << one.bits) - 1;
  // A shift by all bits is not defined; a field without bits has none to read.
  const int shift = one.bits == 0 ? 0 : one.shift;
  const auto code = [&](Number number) { return static_cast<std::uint64_t>(number >> shift) & mask; };
  const auto first = one.first_code();
  const auto rows = static_cast<std::int64_t>(numbers.size());
  auto values = one.key.descending
                    ? buffer_of(*one.type, numbers,
                                [&, most = one.greatest + first](Number number) { return most - code(number); })
                    : buffer_of(*one.type, numbers,
                                [&, least = one.least - first](Number number) { return code(number) + least; });
  std::shared_ptr<arrow::Buffer> valid;
  std::int64_t nulls = 0;
  if (one.nulls) {
    std::vector<std::uint8_t> bits(static_cast<std::size_t>(expression::words_for(rows)) * 8);
    expression::gather_bits(rows, bits.data(), [&](std::int64_t row) {
      const bool is_null = code(numbers[static_cast<std::size_t>(row)]) == one.null_code();
      nulls += is_null ? 1 : 0;
      return is_null ? 0 : 1;
    });
    if (nulls > 0) valid = arrow::Buffer::FromVector(std::move(bits));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(one.type, rows, {std::move(valid), std::move(values)}, nulls));
}

template void key_numbers::encode(const std::vector<std::shared_ptr<arrow::Array>>&, std::int64_t,
                                  std::span<std::uint64_t>) const;
template void key_numbers::encode(const std::vector<std::shared_ptr<arrow::Array>>&, std::int64_t,
                                  std::span<wide_number>) const;
template result<std::shared_ptr<arrow::Array>> key_numbers::decode(int, const std::vector<std::uint64_t>&) const;
template result<std::shared_ptr<arrow::Array>> key_numbers::decode(int, const std::vector<wide_number>&) const;

}  // namespace sluice
