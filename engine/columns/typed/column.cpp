#include "engine/columns/typed/column.hpp"

#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>

namespace sluice::typed {

namespace {

bool has_offsets(value_kind kind) {
  return kind == value_kind::text || kind == value_kind::marked || kind == value_kind::bytea ||
         kind == value_kind::list;
}

std::shared_ptr<arrow::Buffer> packed_bits(growing_bytes& bytes, std::int64_t length) {
  std::shared_ptr<arrow::Buffer> bitmap = arrow::AllocateBitmap(length).ValueOrDie();
  auto* bits = bitmap->mutable_data();
  std::memset(bits, 0, static_cast<std::size_t>(bitmap->size()));
  const auto* values = bytes.data();
  for (std::int64_t i = 0; i < length; ++i) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | values[i] << (i % 8));
  bytes.truncate(0);
  return bitmap;
}

template <int Width>
void move_values(std::uint8_t* values, std::span<const std::uint32_t> rows) {
  // A row never moves up, so that none is overwritten before it was read.
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memmove(values + i * Width, values + std::size_t{rows[i]} * Width, Width);
}

void move_values(int width, std::uint8_t* values, std::span<const std::uint32_t> rows) {
  switch (width) {
    case 1:
      return move_values<1>(values, rows);
    case 2:
      return move_values<2>(values, rows);
    case 4:
      return move_values<4>(values, rows);
    case 8:
      return move_values<8>(values, rows);
    case 16:
      return move_values<16>(values, rows);
    default:
      return move_values<32>(values, rows);
  }
}

/// Leaves of row numbers (ascending) those among `rows`, as their places in it.
void renumber(std::vector<std::uint32_t>& numbers, std::span<const std::uint32_t> rows) {
  std::size_t kept = 0;
  auto from = rows.begin();
  for (const auto number : numbers) {
    from = std::lower_bound(from, rows.end(), number);
    if (from == rows.end()) break;
    if (*from == number) numbers[kept++] = static_cast<std::uint32_t>(from - rows.begin());
  }
  numbers.resize(kept);
}

result<value_kind> kind_of(const arrow::DataType& type, const std::string& path) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return value_kind::boolean;
    case arrow::Type::INT16:
      return value_kind::int16;
    case arrow::Type::INT32:
      return value_kind::int32;
    case arrow::Type::INT64:
      return value_kind::int64;
    case arrow::Type::UINT64:
      return value_kind::uint64;
    case arrow::Type::FLOAT:
      return value_kind::float32;
    case arrow::Type::DOUBLE:
      return value_kind::float64;
    case arrow::Type::DECIMAL128:
      return value_kind::decimal128;
    case arrow::Type::DECIMAL256:
      return value_kind::decimal256;
    case arrow::Type::STRING:
      return mark_of(type) == text_mark::none ? value_kind::text : value_kind::marked;
    case arrow::Type::BINARY:
      return value_kind::bytea;
    case arrow::Type::DATE32:
      return value_kind::date;
    case arrow::Type::TIME64:
      return value_kind::time;
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? value_kind::timestamp
                                                                               : value_kind::timestamptz;
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return value_kind::interval;
    case arrow::Type::LIST:
      return value_kind::list;
    case arrow::Type::STRUCT:
      return value_kind::structure;
    default:
      return user_error("not_supported_yet",
                        "reading column " + path + " as " + type_name(type) + " is not supported yet", "use text");
  }
}

}  // namespace

int width_of(value_kind kind) {
  switch (kind) {
    case value_kind::boolean:
      return 1;
    case value_kind::int16:
      return 2;
    case value_kind::int32:
    case value_kind::float32:
    case value_kind::date:
      return 4;
    case value_kind::int64:
    case value_kind::uint64:
    case value_kind::float64:
    case value_kind::time:
    case value_kind::timestamp:
    case value_kind::timestamptz:
      return 8;
    case value_kind::decimal128:
    case value_kind::interval:
      return 16;
    case value_kind::decimal256:
      return 32;
    default:
      return 0;
  }
}

void column::append_null() {
  nulls.push_back(static_cast<std::uint32_t>(length));
  ++length;
  static constexpr std::uint8_t zeros[32] = {};
  if (const int width = width_of(kind); width > 0) {
    auto* out = values.room(width);
    std::memcpy(out, zeros, static_cast<std::size_t>(width));
    values.advance_to(out + width);
  } else if (kind == value_kind::structure) {
    for (auto& child : children) child.append_null();
  } else {
    offsets.append(static_cast<std::int32_t>(kind == value_kind::list ? children[0].length : values.size()));
  }
}

void column::take_forms(const column_plan& plan) {
  if (plan.is_plain()) return;
  forms = std::make_shared<const column_plan>(plan);
  if (kind == value_kind::list) children[0].take_forms(plan);
}

void column::truncate(std::int64_t rows) {
  // Columns inside may be ahead of this one: their record broke off.
  length = std::min(length, rows);
  while (!nulls.empty() && nulls.back() >= rows) nulls.pop_back();
  if (const int width = width_of(kind); width > 0) {
    values.truncate(rows * width);
  } else if (kind == value_kind::structure) {
    for (auto& child : children) child.truncate(rows);
  } else {
    offsets.truncate((rows + 1) * 4);
    const auto end = reinterpret_cast<const std::int32_t*>(offsets.data())[rows];
    if (kind == value_kind::list)
      children[0].truncate(end);
    else
      values.truncate(end);
  }
}

void column::keep(std::span<const std::uint32_t> rows) {
  renumber(nulls, rows);
  length = std::ssize(rows);
  auto* const all = values.data();
  if (const int width = width_of(kind); width > 0) {
    move_values(width, all, rows);
    values.truncate(length * width);
    return;
  }
  auto* const ends = reinterpret_cast<std::int32_t*>(offsets.data());
  std::int32_t used = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto begin = ends[rows[i]];
    const auto size = ends[rows[i] + 1] - begin;
    std::memmove(all + used, all + begin, static_cast<std::size_t>(size));
    ends[i] = used;
    used += size;
  }
  ends[rows.size()] = used;
  offsets.truncate((length + 1) * 4);
  values.truncate(used);
}

std::shared_ptr<arrow::Buffer> column::take_validity() {
  if (nulls.empty()) return nullptr;
  std::shared_ptr<arrow::Buffer> bitmap = arrow::AllocateBitmap(length).ValueOrDie();
  auto* bits = bitmap->mutable_data();
  std::memset(bits, 0xff, static_cast<std::size_t>(bitmap->size()));
  for (const auto row : nulls) arrow::bit_util::ClearBit(bits, row);
  return bitmap;
}

std::shared_ptr<arrow::Buffer> column::take_offsets() {
  auto taken = offsets.take();
  offsets.append(std::int32_t{0});
  return taken;
}

result<std::shared_ptr<arrow::Array>> column::finish() {
  std::vector<std::shared_ptr<arrow::Buffer>> buffers = {take_validity()};
  std::vector<std::shared_ptr<arrow::ArrayData>> inside;
  if (has_offsets(kind)) buffers.push_back(take_offsets());
  if (kind == value_kind::boolean) {
    buffers.push_back(packed_bits(values, length));
  } else if (kind != value_kind::list && kind != value_kind::structure) {
    buffers.push_back(values.take());
  }
  for (auto& child : children) {
    SLUICE_ASSIGN(auto array, child.finish());
    inside.push_back(array->data());
  }
  const auto data = arrow::ArrayData::Make(type, length, std::move(buffers), std::move(inside), std::ssize(nulls));
  nulls.clear();
  length = 0;
  return arrow::MakeArray(data);
}

result<column> make_column(std::string name, std::string path, std::shared_ptr<arrow::DataType> type, bool given) {
  column made;
  SLUICE_ASSIGN(made.kind, kind_of(*type, path));
  made.given = given;
  if (made.kind == value_kind::decimal128 || made.kind == value_kind::decimal256) {
    made.precision = static_cast<const arrow::DecimalType&>(*type).precision();
    made.scale = static_cast<const arrow::DecimalType&>(*type).scale();
  }
  for (const auto& field : type->fields()) {
    auto inner_path = made.kind == value_kind::structure ? path + "." + field->name() : path + "[]";
    SLUICE_ASSIGN(auto child, make_column(field->name(), std::move(inner_path), field->type(), given));
    made.children.push_back(std::move(child));
  }
  if (has_offsets(made.kind)) made.offsets.append(std::int32_t{0});
  made.name = std::move(name);
  made.path = std::move(path);
  made.type = std::move(type);
  return made;
}

result<column> make_column(const column_plan& plan) {
  SLUICE_ASSIGN(auto made, make_column(plan.name, plan.name, plan.type, !plan.inferred));
  made.take_forms(plan);
  return made;
}

}  // namespace sluice::typed
