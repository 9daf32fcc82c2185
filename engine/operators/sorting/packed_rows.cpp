#include "engine/operators/sorting/packed_rows.hpp"

#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

namespace sluice {

namespace {

using arrow::Type;

/// How a type's values are read: as whole numbers of so many bytes. 0: they are not packed.
struct form {
  int bytes = 0;
  bool is_signed = true;
};

form form_of(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::INT16:
      return {2};
    case Type::UINT16:
      return {2, false};
    case Type::INT32:
    case Type::DATE32:
    case Type::TIME32:
      return {4};
    case Type::UINT32:
      return {4, false};
    case Type::INT64:
    case Type::DATE64:
    case Type::TIME64:
    case Type::TIMESTAMP:
    case Type::DURATION:
      return {8};
    case Type::UINT64:
      return {8, false};
    case Type::DECIMAL128:
      return {16};
    default:
      return {};
  }
}

/// The two halves of a decimal.
struct two_words {
  std::int64_t low, high;
};

template <class Value>
std::uint64_t word_of(const Value& value) {
  if constexpr (std::is_same_v<Value, two_words>)
    return static_cast<std::uint64_t>(value.low);
  else
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
}

/// Whether a 64-bit number is all that there is of a value.
template <class Value>
bool is_word(const Value& value) {
  if constexpr (std::is_same_v<Value, two_words>)
    return value.high == value.low >> 63;
  else
    return true;
}

template <class Value>
Value value_of(std::uint64_t word) {
  if constexpr (std::is_same_v<Value, two_words>)
    return {static_cast<std::int64_t>(word), static_cast<std::int64_t>(word) >> 63};
  else
    return static_cast<Value>(word);
}

/// Calls `use` with a value of the C++ type that holds values of a form.
template <class Use>
auto with_value(form of, Use&& use) {
  switch (of.bytes) {
    case 2:
      return of.is_signed ? use(std::int16_t{}) : use(std::uint16_t{});
    case 4:
      return of.is_signed ? use(std::int32_t{}) : use(std::uint32_t{});
    case 16:
      return use(two_words{});
    default:
      return of.is_signed ? use(std::int64_t{}) : use(std::uint64_t{});
  }
}

/// Calls `use` with an unsigned value of a width.
template <class Use>
void with_width(int width, Use&& use) {
  switch (width) {
    case 1:
      return use(std::uint8_t{});
    case 2:
      return use(std::uint16_t{});
    case 4:
      return use(std::uint32_t{});
    default:
      return use(std::uint64_t{});
  }
}

template <class Value>
const Value* values_in(const arrow::Array& column) {
  return reinterpret_cast<const Value*>(column.data()->buffers[1]->data()) + column.offset();
}

int width_for(std::uint64_t distance) {
  return distance == 0 ? 0 : distance <= 0xff ? 1 : distance <= 0xffff ? 2 : distance <= 0xffff'ffff ? 4 : 8;
}

std::optional<position> first_of_stretch(const arrow::FixedSizeBinaryArray& positions) {
  const auto first = position_at(positions, 0);
  for (std::int64_t row = 1; row < positions.length(); ++row)
    if (position_at(positions, row) != position{first.source, first.split, first.offset + row}) return std::nullopt;
  return first;
}

bool bit_at(const std::uint8_t* bits, std::int64_t index) { return (bits[index / 8] >> (index % 8) & 1) != 0; }

}  // namespace

/// Where the values of a column are, packed or plain.
struct packed_rows::source {
  const std::uint8_t* values;
  std::uint64_t least;
  int width;
  const std::uint8_t* valid;  ///< null: no value is null
  std::int64_t first_valid;   ///< bit of the first row
};

packed_rows::packed_rows(const batch& rows)
    : schema_(rows.data->schema()), rows_(rows.rows()), plain_bytes_(rows.bytes()) {
  for (const auto& each : rows.data->columns()) columns_.push_back(pack(each));
  if (!rows.positions) return;
  if (rows_ > 0) first_ = first_of_stretch(*rows.positions);
  if (!first_) positions_ = rows.positions;
}

packed_rows::packed_column packed_rows::pack(const std::shared_ptr<arrow::Array>& from) {
  const auto how = form_of(*from->type());
  const auto rows = from->length();
  packed_column made{.plain = from, .values = nullptr, .least = 0, .width = 0, .valid = nullptr};
  if (how.bytes == 0 || rows == 0 || from->null_count() == rows) return made;
  const bool nulls = from->null_count() > 0;
  with_value(how, [&](auto type) {
    using value_type = decltype(type);
    using number = std::conditional_t<std::is_same_v<value_type, std::uint64_t>, std::uint64_t, std::int64_t>;
    const auto* const values = values_in<value_type>(*from);
    auto least = std::numeric_limits<number>::max(), greatest = std::numeric_limits<number>::min();
    bool words = true;
    for (std::int64_t row = 0; row < rows; ++row) {
      if (nulls && from->IsNull(row)) continue;
      const auto value = static_cast<number>(word_of(values[row]));
      words = words && is_word(values[row]);
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
    const auto base = static_cast<std::uint64_t>(least);
    const int width = width_for(static_cast<std::uint64_t>(greatest) - base);
    if (!words || width >= how.bytes) return;
    auto buffer = arrow::AllocateBuffer(rows * width);
    if (!buffer.ok()) return;
    if (width > 0)
      with_width(width, [&](auto narrow) {
        auto* const out = reinterpret_cast<decltype(narrow)*>((*buffer)->mutable_data());
        for (std::int64_t row = 0; row < rows; ++row)
          out[row] = static_cast<decltype(narrow)>(word_of(values[row]) - base);
      });
    made.values = *std::move(buffer);
    made.least = base;
    made.width = width;
    made.plain = nullptr;
  });
  if (made.plain || !nulls) return made;
  auto valid =
      arrow::internal::CopyBitmap(arrow::default_memory_pool(), from->null_bitmap_data(), from->offset(), rows);
  if (valid.ok())
    made.valid = *std::move(valid);
  else
    made = {.plain = from, .values = nullptr, .least = 0, .width = 0, .valid = nullptr};
  return made;
}

std::int64_t packed_rows::bytes() const {
  std::int64_t bytes = positions_ ? rows_ * static_cast<std::int64_t>(sizeof(position)) : 0;
  arrow::FieldVector fields;
  arrow::ArrayVector plain;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& one = columns_[i];
    if (one.values) bytes += one.values->size();
    if (one.valid) bytes += one.valid->size();
    if (!one.plain) continue;
    fields.push_back(schema_->field(static_cast<int>(i)));
    plain.push_back(one.plain);
  }
  batch rest;
  rest.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows_, std::move(plain));
  return bytes + rest.bytes();
}

packed_rows::source packed_rows::source_of(int column) const {
  const auto& one = columns_[static_cast<std::size_t>(column)];
  if (!one.plain) return {one.values->data(), one.least, one.width, one.valid ? one.valid->data() : nullptr, 0};
  const int bytes = form_of(*one.plain->type()).bytes;
  const bool nulls = one.plain->null_count() > 0;
  return {one.plain->data()->buffers[1]->data() + one.plain->offset() * bytes, 0, bytes,
          nulls ? one.plain->null_bitmap_data() : nullptr, one.plain->offset()};
}

result<std::shared_ptr<arrow::Array>> packed_rows::plain(int column) const {
  const auto& one = columns_[static_cast<std::size_t>(column)];
  if (one.plain) return one.plain;
  const auto& type = schema_->field(column)->type();
  const auto how = form_of(*type);
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> made, arrow::AllocateBuffer(rows_ * how.bytes), "unpack rows");
  with_value(how, [&](auto kind) {
    using value_type = decltype(kind);
    auto* const out = reinterpret_cast<value_type*>(made->mutable_data());
    if (one.width == 0) return void(std::fill(out, out + rows_, value_of<value_type>(one.least)));
    with_width(one.width, [&](auto narrow) {
      const auto* const values = reinterpret_cast<const decltype(narrow)*>(one.values->data());
      for (std::int64_t row = 0; row < rows_; ++row) out[row] = value_of<value_type>(one.least + values[row]);
    });
  });
  return arrow::MakeArray(arrow::ArrayData::Make(type, rows_, {one.valid, std::move(made)}));
}

result<batch> packed_rows::unpack() const {
  arrow::ArrayVector columns;
  for (int column = 0; column < schema_->num_fields(); ++column) {
    SLUICE_ASSIGN(auto one, plain(column));
    columns.push_back(std::move(one));
  }
  batch made;
  made.data = arrow::RecordBatch::Make(schema_, rows_, std::move(columns));
  made.positions = positions_;
  if (first_) {
    SLUICE_ASSIGN(made.positions, make_positions(rows_, [&](std::int64_t row) { return position_of(row); }));
  }
  return made;
}

void packed_rows::drop(int column) {
  auto& one = columns_[static_cast<std::size_t>(column)];
  one = {};
}

position packed_rows::position_of(std::int64_t row) const {
  return first_ ? position{first_->source, first_->split, first_->offset + row} : position_at(*positions_, row);
}

namespace {

template <class Value, class Narrow, class Source>
void copy_packed(const std::vector<Source>& from, std::span<const row_place> rows, Value* out) {
  for (const auto& place : rows) {
    const auto& its = from[place.batch];
    Narrow packed;
    std::memcpy(&packed, its.values + static_cast<std::ptrdiff_t>(place.row) * std::ptrdiff_t{sizeof packed},
                sizeof packed);
    *out++ = value_of<Value>(its.least + packed);
  }
}

/// Whether the rows follow each other in one batch.
bool is_one_slice(std::span<const row_place> rows) {
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (rows[i].batch != rows[0].batch || rows[i].row != rows[0].row + static_cast<std::int32_t>(i)) return false;
  return !rows.empty();
}

template <class Value, class Source>
Value read(const Source& its, std::int64_t row) {
  if (its.width == 0) return value_of<Value>(its.least);
  if (its.width == static_cast<int>(sizeof(Value))) {
    Value value;
    std::memcpy(&value, its.values + row * std::int64_t{sizeof value}, sizeof value);
    if constexpr (std::is_same_v<Value, two_words>)
      return value;
    else
      return value_of<Value>(its.least + word_of(value));
  }
  Value value{};
  with_width(its.width, [&](auto narrow) {
    std::memcpy(&narrow, its.values + row * std::int64_t{sizeof narrow}, sizeof narrow);
    value = value_of<Value>(its.least + narrow);
  });
  return value;
}

}  // namespace

result<std::shared_ptr<arrow::Array>> packed_rows::gather(const std::vector<packed_rows>& from, int column,
                                                          std::span<const row_place> rows) {
  const auto at = static_cast<std::size_t>(column);
  if (std::all_of(from.begin(), from.end(), [&](const auto& each) { return each.columns_[at].plain != nullptr; })) {
    if (is_one_slice(rows)) return from[rows[0].batch].columns_[at].plain->Slice(rows[0].row, std::ssize(rows));
    arrow::ArrayVector sources;
    sources.reserve(from.size());
    for (const auto& each : from) sources.push_back(each.columns_[at].plain);
    return gather_column(sources, rows, std::numeric_limits<std::int32_t>::max());
  }
  std::vector<source> sources;
  bool nulls = false, same_width = true;
  for (const auto& each : from) {
    sources.push_back(each.source_of(column));
    nulls = nulls || sources.back().valid != nullptr;
    same_width = same_width && sources.back().width == sources.front().width;
  }
  const auto& type = from.front().schema_->field(column)->type();
  const auto how = form_of(*type);
  const auto count = std::ssize(rows);
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> made, arrow::AllocateBuffer(count * how.bytes), "gather rows");
  with_value(how, [&](auto kind) {
    using value_type = decltype(kind);
    auto* out = reinterpret_cast<value_type*>(made->mutable_data());
    const int width = sources.front().width;
    if (same_width && width > 0 && width < how.bytes) {
      with_width(width, [&](auto narrow) { copy_packed<value_type, decltype(narrow)>(sources, rows, out); });
      return;
    }
    for (const auto& place : rows) *out++ = read<value_type>(sources[place.batch], place.row);
  });
  std::shared_ptr<arrow::Buffer> valid;
  std::int64_t null_count = 0;
  if (nulls) {
    SLUICE_ASSIGN_ARROW(valid, arrow::AllocateEmptyBitmap(count), "gather rows");
    for (std::int64_t i = 0; i < count; ++i) {
      const auto& place = rows[static_cast<std::size_t>(i)];
      const auto& its = sources[place.batch];
      const bool there = its.valid == nullptr || bit_at(its.valid, its.first_valid + place.row);
      arrow::bit_util::SetBitTo(valid->mutable_data(), i, there);
      null_count += there ? 0 : 1;
    }
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, count, {null_count > 0 ? valid : nullptr, std::move(made)}, null_count));
}

}  // namespace sluice
