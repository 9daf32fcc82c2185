#include "engine/expression/columns.hpp"

#include <arrow/compute/api.h>

#include <new>

namespace sluice::expression {

buffer_ptr allocate(std::int64_t bytes) {
  auto made = arrow::AllocateBuffer(bytes);
  if (!made.ok()) throw std::bad_alloc();
  return std::move(made).ValueUnsafe();
}

buffer_ptr validity_of(const arrow::Array& array) {
  if (array.null_count() == 0) return nullptr;
  if (array.type_id() == arrow::Type::NA) {
    auto none = allocate_bitmap(array.length());
    std::memset(none->mutable_data(), 0, static_cast<std::size_t>(none->size()));
    return none;
  }
  const auto& bitmap = array.null_bitmap();
  if (array.offset() == 0) return bitmap;
  auto copy = allocate_bitmap(array.length());
  arrow::internal::CopyBitmap(bitmap->data(), array.offset(), array.length(), copy->mutable_data(), 0);
  return copy;
}

buffer_ptr boolean_bits(const arrow::Array& array) {
  const auto& bitmap = array.data()->buffers[1];
  if (array.offset() == 0) return bitmap;
  auto copy = allocate_bitmap(array.length());
  arrow::internal::CopyBitmap(bitmap->data(), array.offset(), array.length(), copy->mutable_data(), 0);
  return copy;
}

buffer_ptr all_valid(const std::vector<operand>& args, std::int64_t rows) {
  buffer_ptr combined;
  bool owned = false;
  for (const auto& arg : args) {
    if (arg.constant && rows != 1 && !arg.constant_null()) continue;
    if (arg.constant && arg.constant_null()) {
      auto none = allocate_bitmap(rows);
      std::memset(none->mutable_data(), 0, static_cast<std::size_t>(none->size()));
      return none;
    }
    auto valid = validity_of(*arg.array);
    if (!valid || valid == combined) continue;
    if (!combined) {
      combined = std::move(valid);
      continue;
    }
    auto target = owned ? combined : allocate_bitmap(rows);
    combine_words(rows, target->mutable_data(), combined->data(), valid->data(), [](auto a, auto b) { return a & b; });
    combined = std::move(target);
    owned = true;
  }
  return combined;
}

buffer_ptr without_rows(const buffer_ptr& validity, const std::vector<std::int64_t>& failed, std::int64_t rows) {
  auto copy = allocate_bitmap(rows);
  for (std::int64_t word = 0; word < words_for(rows); ++word)
    store_word(copy->mutable_data(), word, validity ? load_word(validity->data(), word, rows) : ~std::uint64_t{0});
  for (const auto row : failed) clear_bit(copy->mutable_data(), row);
  return copy;
}

array_ptr make_array(const type_ptr& type, std::int64_t rows, buffer_ptr values, buffer_ptr validity) {
  const auto nulls = validity ? arrow::kUnknownNullCount : 0;
  return arrow::MakeArray(arrow::ArrayData::Make(type, rows, {std::move(validity), std::move(values)}, nulls));
}

array_ptr make_nulls(const type_ptr& type, std::int64_t rows) {
  auto made = arrow::MakeArrayOfNull(type, rows);
  if (!made.ok()) throw std::bad_alloc();
  return std::move(made).ValueUnsafe();
}

result<array_ptr> as_array(const operand& of, std::int64_t rows) {
  if (!of.constant || rows == 1) return of.array;
  SLUICE_ASSIGN_ARROW(auto scalar, of.array->GetScalar(0), "repeat a constant");
  SLUICE_ASSIGN_ARROW(auto repeated, arrow::MakeArrayFromScalar(*scalar, rows), "repeat a constant");
  return repeated;
}

result<arrow::Datum> as_datum(const operand& of) {
  if (!of.constant) return arrow::Datum(of.array);
  SLUICE_ASSIGN_ARROW(auto scalar, of.array->GetScalar(0), "read a constant");
  return arrow::Datum(std::move(scalar));
}

array_ptr make_booleans(std::int64_t rows, buffer_ptr bits, buffer_ptr validity) {
  return make_array(arrow::boolean(), rows, std::move(bits), std::move(validity));
}

text_builder::text_builder(std::int64_t rows, std::int64_t bytes_expected)
    : rows_(rows),
      offset_buffer_(allocate((rows + 1) * 4)),
      offsets_(reinterpret_cast<std::int32_t*>(offset_buffer_->mutable_data())) {
  offsets_[0] = 0;
  grow(std::max<std::int64_t>(bytes_expected, rows * 8));
}

void text_builder::grow(std::int64_t bytes) {
  const auto wanted = std::max(capacity_ * 2, size_ + bytes + 64);
  if (!bytes_) {
    auto made = arrow::AllocateResizableBuffer(wanted);
    if (!made.ok()) throw std::bad_alloc();
    bytes_ = std::move(made).ValueUnsafe();
  } else if (!bytes_->Resize(wanted, false).ok()) {
    throw std::bad_alloc();
  }
  capacity_ = wanted;
  data_ = reinterpret_cast<char*>(bytes_->mutable_data());
}

result<array_ptr> text_builder::finish(const type_ptr& type, buffer_ptr validity) {
  if (size_ > INT32_MAX)
    return user_error("value_too_large", "the texts of one batch are longer than 2 GiB in total",
                      "make the values shorter, or the batches smaller");
  SLUICE_TRY_ARROW(bytes_->Resize(size_, false), "build a text column");
  const auto nulls = validity ? arrow::kUnknownNullCount : 0;
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, rows_, {std::move(validity), offset_buffer_, std::move(bytes_)}, nulls));
}

}  // namespace sluice::expression
