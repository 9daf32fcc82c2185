#include "engine/formats/parquet/column_encoder.hpp"

#include "engine/formats/parquet/fixed_encoder.hpp"

#include <arrow/array.h>
#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_run_reader.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/compression.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cstring>

namespace sluice::parquet_writing {

column_encoder::column_encoder(const ::parquet::ColumnDescriptor& column, std::shared_ptr<arrow::util::Codec> codec)
    : optional_(column.max_definition_level() > 0), name_(column.name()), codec_(std::move(codec)) {}

column_encoder::~column_encoder() = default;

result<std::shared_ptr<arrow::Buffer>> column_encoder::own_copy(const bytes& from) {
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> made,
                      arrow::AllocateBuffer(static_cast<std::int64_t>(from.size())), "write a Parquet page");
  if (!from.empty()) std::memcpy(made->mutable_data(), from.data(), from.size());
  return made;
}

status column_encoder::add(const arrow::Array& array, page_scratch& scratch) {
  const auto& values = *array.data();
  const bool nulls = array.null_count() > 0;
  if (nulls && !optional_)
    return internal_error("unexpected_null", "column " + name_ + " has a null although its schema allows none");
  const std::int64_t length = array.length();
  for (std::int64_t from = 0; from < length;) {
    const auto rows = fitting(values, from, std::min(length - from, most_page_rows - page_rows_));
    if (rows > 0) {
      if (!nulls) {
        if (page_nulls_ > 0) add_validity(values, from, rows);
        take(values, from, rows);
      } else {
        const auto* bitmap = values.buffers[0]->data();
        const auto missing = rows - arrow::internal::CountSetBits(bitmap, values.offset + from, rows);
        if (missing > 0 || page_nulls_ > 0) add_validity(values, from, rows);
        page_nulls_ += missing;
        arrow::internal::VisitSetBitRunsVoid(
            bitmap, values.offset + from, rows,
            [&](std::int64_t at, std::int64_t count) { take(values, from + at, count); });
      }
      page_rows_ += rows;
      from += rows;
    }
    if (rows == 0 || page_rows_ == most_page_rows) SLUICE_TRY(close_page(scratch));
  }
  if (page_rows_ > 0) reconsider(false);
  held_ = pages_bytes_ + own_bytes();
  return {};
}

/// Writes down which rows are null; those before the first null weren't, and are filled in now.
void column_encoder::add_validity(const arrow::ArrayData& values, std::int64_t from, std::int64_t rows) {
  valid_.resize(most_page_rows / 8);
  if (page_nulls_ == 0) arrow::bit_util::SetBitsTo(valid_.data(), 0, page_rows_, true);
  const auto* bitmap = values.buffers[0] ? values.buffers[0]->data() : nullptr;
  if (bitmap == nullptr) {
    arrow::bit_util::SetBitsTo(valid_.data(), page_rows_, rows, true);
  } else {
    arrow::internal::CopyBitmap(bitmap, values.offset + from, rows, valid_.data(), page_rows_);
  }
}

result<std::shared_ptr<arrow::Buffer>> column_encoder::compress(page_scratch& scratch) {
  if (!codec_) return own_copy(scratch.body);
  const auto size = static_cast<std::int64_t>(scratch.body.size());
  const auto most = static_cast<std::size_t>(codec_->MaxCompressedLen(size, scratch.body.data()));
  if (scratch.packed.size() < most) scratch.packed.resize(most);
  SLUICE_ASSIGN_ARROW(const auto packed,
                      codec_->Compress(size, scratch.body.data(), static_cast<std::int64_t>(scratch.packed.size()),
                                       scratch.packed.data()),
                      "compress column " + name_);
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> made, arrow::AllocateBuffer(packed), "write a Parquet page");
  if (packed > 0) std::memcpy(made->mutable_data(), scratch.packed.data(), static_cast<std::size_t>(packed));
  return made;
}

status column_encoder::close_page(page_scratch& scratch) {
  if (page_rows_ == 0) return {};
  reconsider(true);
  encoded_page page;
  page.rows = static_cast<std::int32_t>(page_rows_);
  page.first_row = rows_;
  scratch.body.clear();
  if (optional_) {
    if (page_nulls_ > 0) {
      // Whole bytes go out: what lies behind the last row is 0.
      for (auto row = page_rows_; row % 8 != 0; ++row) arrow::bit_util::ClearBit(valid_.data(), row);
    }
    append_levels(scratch.body, page_nulls_ > 0 ? valid_.data() : nullptr, page_rows_);
  }
  page.encoding = append_page(scratch.body, page);
  page.plain_size = static_cast<std::int64_t>(scratch.body.size());
  if (page.plain_size > std::numeric_limits<std::int32_t>::max())
    return user_error("value_too_large", "a value of column " + name_ + " does not fit into a Parquet page (2 GiB)",
                      "remove the column, or shorten its values");
  page.statistics.set_null_count(page_nulls_);
  page.statistics.all_null_value = page_nulls_ == page_rows_;
  SLUICE_ASSIGN(page.body, compress(scratch));
  pages_bytes_ += page.body->size();
  rows_ += page_rows_;
  nulls_ += page_nulls_;
  page_rows_ = page_nulls_ = 0;
  chunk_.pages.push_back(std::move(page));
  // One very long text must not keep its memory for all the others.
  constexpr std::size_t most_kept = 4 * 1024 * 1024;
  for (auto* one : {&scratch.body, &scratch.packed})
    if (one->capacity() > most_kept) let_go(*one);
  return {};
}

status column_encoder::cut(page_scratch& scratch) {
  SLUICE_TRY(close_page(scratch));
  free_page();
  let_go(valid_);
  held_ = pages_bytes_ + own_bytes();
  return {};
}

result<encoded_chunk> column_encoder::finish(page_scratch& scratch) {
  SLUICE_TRY(close_page(scratch));
  SLUICE_TRY(end_chunk(chunk_));
  chunk_.statistics.set_null_count(nulls_);
  chunk_.statistics.all_null_value = nulls_ == rows_;
  rows_ = nulls_ = pages_bytes_ = 0;
  held_ = own_bytes();
  return std::exchange(chunk_, {});
}

bool can_encode(const arrow::DataType& type, const ::parquet::ColumnDescriptor& column) {
  if (column.max_repetition_level() > 0 || column.max_definition_level() > 1) return false;
  return make_encoder(type, column, nullptr) != nullptr;
}

std::unique_ptr<column_encoder> make_encoder(const arrow::DataType& type, const ::parquet::ColumnDescriptor& column,
                                             std::shared_ptr<arrow::util::Codec> codec) {
  const auto made = [&](::parquet::Type::type wanted, std::unique_ptr<column_encoder> encoder) {
    return column.physical_type() == wanted ? std::move(encoder) : nullptr;
  };
  using physical = ::parquet::Type;
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return made(physical::BYTE_ARRAY, make_text_encoder(column, std::move(codec)));
    case arrow::Type::BOOL:
      return made(physical::BOOLEAN, make_fixed_encoder(type, column, std::move(codec)));
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      return made(physical::INT32, make_fixed_encoder(type, column, std::move(codec)));
    case arrow::Type::TIMESTAMP:
      // Seconds are written as milliseconds.
      if (static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::SECOND) return nullptr;
      [[fallthrough]];
    case arrow::Type::INT64:
    case arrow::Type::TIME64:
    case arrow::Type::UINT64:
      return made(physical::INT64, make_fixed_encoder(type, column, std::move(codec)));
    case arrow::Type::FLOAT:
      return made(physical::FLOAT, make_fixed_encoder(type, column, std::move(codec)));
    case arrow::Type::DOUBLE:
      return made(physical::DOUBLE, make_fixed_encoder(type, column, std::move(codec)));
    case arrow::Type::DECIMAL128:
      return made(physical::FIXED_LEN_BYTE_ARRAY, make_fixed_encoder(type, column, std::move(codec)));
    default:
      return nullptr;
  }
}

}  // namespace sluice::parquet_writing
