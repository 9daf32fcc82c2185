#include "engine/formats/ndjson/columns.hpp"

#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <new>

namespace sluice::ndjson {

growing_bytes::~growing_bytes() = default;
growing_bytes::growing_bytes(growing_bytes&&) noexcept = default;
growing_bytes& growing_bytes::operator=(growing_bytes&&) noexcept = default;

void growing_bytes::grow(std::int64_t more) {
  const auto wanted = std::max({size_ + more, capacity_ * 2, std::int64_t{4096}});
  if (!buffer_) {
    auto made = arrow::AllocateResizableBuffer(wanted);
    if (!made.ok()) throw std::bad_alloc();
    buffer_ = std::move(made).ValueUnsafe();
  } else if (!buffer_->Resize(wanted, false).ok()) {
    throw std::bad_alloc();
  }
  data_ = buffer_->mutable_data();
  capacity_ = wanted;
}

std::shared_ptr<arrow::Buffer> growing_bytes::take() {
  const auto had = size_;
  if (!buffer_) (void)room(0), grow(0);
  auto full = std::shared_ptr<arrow::Buffer>(arrow::SliceBuffer(buffer_, 0, size_));
  buffer_.reset();
  data_ = nullptr;
  size_ = capacity_ = 0;
  // The next batch is mostly as large as this one.
  (void)room(had + had / 8 + 64);
  return full;
}

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

void key_table::write_token(entry& of) const {
  of.token = lead == 1 ? "," : ", ";
  append_json_text(of.token, of.name);
  of.token += ':';
  of.size = static_cast<int>(of.token.size());
  const auto held = std::min<std::size_t>(of.token.size(), 32);
  std::memset(of.begin, 0, sizeof(of.begin));
  std::memcpy(of.begin, of.token.data(), held);
  of.wanted = held == 32 ? ~std::uint32_t{0} : (std::uint32_t{1} << held) - 1;
}

// Objects that are written now in one way, now in the other must not have the tokens written again and again.
void key_table::write_tokens(int with_lead) {
  constexpr int often_enough = 4;
  if (rewritten_ == often_enough) return;
  ++rewritten_;
  lead = with_lead;
  for (auto& one : entries) write_token(one);
}

void key_table::add(std::string name, int column) {
  entry made;
  made.name = std::move(name);
  made.column = column;
  write_token(made);
  entries.push_back(std::move(made));
}

void key_table::index() {
  by_name.clear();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    by_name.emplace(entries[i].name, static_cast<int>(i));
    if (i + 1 < entries.size()) entries[i].follower = static_cast<int>(i) + 1;
  }
}

int key_table::learn(std::string_view name) {
  constexpr std::size_t most = 1000;
  if (entries.size() >= most || name.size() > 100) return -1;
  add(std::string(name), -1);
  // Entries may have moved, and the names in them.
  by_name.clear();
  for (std::size_t i = 0; i < entries.size(); ++i) by_name.emplace(entries[i].name, static_cast<int>(i));
  return static_cast<int>(entries.size()) - 1;
}

bool key_table::note_other(std::string_view name) {
  if (others_of != objects) others.clear();
  others_of = objects;
  return others.emplace(name).second;
}

void column::append_null() {
  nulls.append(length);
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

void column::truncate(std::int64_t rows) {
  // Columns inside may be ahead of this one: their record broke off.
  length = std::min(length, rows);
  auto count = nulls.size() / 8;
  const auto* where = reinterpret_cast<const std::int64_t*>(nulls.data());
  while (count > 0 && where[count - 1] >= rows) --count;
  nulls.truncate(count * 8);
  if (const int width = width_of(kind); width > 0) {
    values.truncate(rows * width);
  } else if (kind == value_kind::structure) {
    for (auto& child : children) child.truncate(rows);
  } else {
    offsets.truncate(rows * 4);
    const auto end = rows == 0 ? 0 : reinterpret_cast<const std::int32_t*>(offsets.data())[rows - 1];
    if (kind == value_kind::list)
      children[0].truncate(end);
    else
      values.truncate(end);
  }
}

std::shared_ptr<arrow::Buffer> column::take_validity(std::int64_t& null_count) {
  null_count = nulls.size() / 8;
  if (null_count == 0) return nullptr;
  std::shared_ptr<arrow::Buffer> bitmap = arrow::AllocateBitmap(length).ValueOrDie();
  auto* bits = bitmap->mutable_data();
  std::memset(bits, 0xff, static_cast<std::size_t>(bitmap->size()));
  const auto* where = reinterpret_cast<const std::int64_t*>(nulls.data());
  for (std::int64_t i = 0; i < null_count; ++i) arrow::bit_util::ClearBit(bits, where[i]);
  nulls.truncate(0);
  return bitmap;
}

namespace {

std::shared_ptr<arrow::Buffer> with_leading_zero(growing_bytes& ends) {
  const auto count = ends.size();
  std::shared_ptr<arrow::Buffer> offsets = arrow::AllocateBuffer(count + 4).ValueOrDie();
  std::memset(offsets->mutable_data(), 0, 4);
  if (count > 0) std::memcpy(offsets->mutable_data() + 4, ends.data(), static_cast<std::size_t>(count));
  ends.truncate(0);
  return offsets;
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

}  // namespace

result<std::shared_ptr<arrow::Array>> column::finish() {
  std::int64_t null_count = 0;
  auto validity = take_validity(null_count);
  const auto rows = length;
  length = 0;
  std::shared_ptr<arrow::ArrayData> data;
  switch (kind) {
    case value_kind::boolean:
      data = arrow::ArrayData::Make(type, rows, {validity, packed_bits(values, rows)}, null_count);
      break;
    case value_kind::text:
    case value_kind::bytea: {
      auto ends = with_leading_zero(offsets);
      data = arrow::ArrayData::Make(type, rows, {validity, std::move(ends), values.take()}, null_count);
      break;
    }
    case value_kind::list: {
      auto ends = with_leading_zero(offsets);
      SLUICE_ASSIGN(auto inner, children[0].finish());
      data = arrow::ArrayData::Make(type, rows, {validity, std::move(ends)}, {inner->data()}, null_count);
      break;
    }
    case value_kind::structure: {
      std::vector<std::shared_ptr<arrow::ArrayData>> fields;
      for (auto& child : children) {
        SLUICE_ASSIGN(auto inner, child.finish());
        fields.push_back(inner->data());
      }
      data = arrow::ArrayData::Make(type, rows, {validity}, std::move(fields), null_count);
      break;
    }
    default:
      data = arrow::ArrayData::Make(type, rows, {validity, values.take()}, null_count);
  }
  return arrow::MakeArray(std::move(data));
}

namespace {

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
      return value_kind::text;
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

void column::take_forms(const csv::column_plan& plan) {
  if (plan.formats.empty() && plan.decimal == '.' && plan.thousands == '\0') return;
  forms = std::make_shared<const csv::column_plan>(plan);
  if (kind == value_kind::list) children[0].take_forms(plan);
}

result<column> make_column(std::string name, std::string path, std::shared_ptr<arrow::DataType> type, bool given,
                           bool ignore_unknown) {
  column made;
  SLUICE_ASSIGN(made.kind, kind_of(*type, path));
  made.given = given;
  if (made.kind == value_kind::decimal128 || made.kind == value_kind::decimal256) {
    made.precision = static_cast<const arrow::DecimalType&>(*type).precision();
    made.scale = static_cast<const arrow::DecimalType&>(*type).scale();
  }
  for (const auto& field : type->fields()) {
    const bool in_struct = made.kind == value_kind::structure;
    auto inner_path = in_struct ? path + "." + field->name() : path + "[]";
    SLUICE_ASSIGN(auto child, make_column(field->name(), std::move(inner_path), field->type(), given, ignore_unknown));
    if (in_struct) made.keys.add(field->name(), static_cast<int>(made.children.size()));
    made.children.push_back(std::move(child));
  }
  made.keys.ignore_unknown = ignore_unknown;
  made.keys.index();
  made.name = std::move(name);
  made.path = std::move(path);
  made.type = std::move(type);
  return made;
}

}  // namespace sluice::ndjson
