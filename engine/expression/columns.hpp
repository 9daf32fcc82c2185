#pragma once

#include "engine/expression/node.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/chunked_array.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

namespace sluice::expression {

// What kernels use to read their operands and to build their result.

/// A new buffer; running out of memory throws std::bad_alloc, which bound::evaluate turns into an error.
std::shared_ptr<arrow::Buffer> allocate(std::int64_t bytes);
/// A new bitmap of whole words.
inline buffer_ptr allocate_bitmap(std::int64_t bits) { return allocate(words_for(bits) * 8); }

/// The validity bitmap from bit 0, or null where there are no nulls.
buffer_ptr validity_of(const arrow::Array& array);
/// The values of a boolean array from bit 0.
buffer_ptr boolean_bits(const arrow::Array& array);
/// Where all of the operands are valid, or null: all rows. `rows` is the length of the result.
buffer_ptr all_valid(const std::vector<operand>& args, std::int64_t rows);
/// Clears rows in a validity bitmap, copying it first (it may be shared).
buffer_ptr without_rows(const buffer_ptr& validity, const std::vector<std::int64_t>& failed, std::int64_t rows);

/// Makes an array of a fixed-width type.
array_ptr make_array(const type_ptr& type, std::int64_t rows, buffer_ptr values, buffer_ptr validity);
/// Makes an array of booleans from their bits.
array_ptr make_booleans(std::int64_t rows, buffer_ptr bits, buffer_ptr validity);
/// An array of nulls.
array_ptr make_nulls(const type_ptr& type, std::int64_t rows);
/// The operand as an array of `rows` rows.
result<array_ptr> as_array(const operand& of, std::int64_t rows);
/// The operand as Arrow's compute functions take it: constants as scalars.
result<arrow::Datum> as_datum(const operand& of);

/// The values of a fixed-width operand.
template <class T>
struct column_of {
  explicit column_of(const operand& of) : values(of.array->data()->GetValues<T>(1)), constant(of.constant) {}
  const T* values;
  bool constant;
  [[nodiscard]] T operator[](std::int64_t row) const {
    T value;  // copied: 128-bit values of foreign buffers may lie at odd addresses
    std::memcpy(&value,
                reinterpret_cast<const char*>(values) + (constant ? 0 : row) * static_cast<std::int64_t>(sizeof(T)),
                sizeof(T));
    return value;
  }
};

/// The texts of a utf8 or binary operand.
struct texts_of {
  explicit texts_of(const operand& of)
      : offsets(of.array->data()->GetValues<std::int32_t>(1)),
        bytes(of.array->data()->buffers[2] && of.array->data()->buffers[2]->data() != nullptr
                  ? reinterpret_cast<const char*>(of.array->data()->buffers[2]->data())
                  : ""),
        constant(of.constant) {}
  const std::int32_t* offsets;
  const char* bytes;
  bool constant;
  [[nodiscard]] std::string_view operator[](std::int64_t row) const {
    const auto i = constant ? 0 : row;
    return {bytes + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
  }
};

/// Calls `visit(row)` for every row of the result where all arguments are valid and, with `only_active`, whose errors
/// count.
template <class Visit>
void for_valid(const buffer_ptr& validity, std::int64_t rows, Visit&& visit) {
  if (!validity) {
    for (std::int64_t row = 0; row < rows; ++row) visit(row);
    return;
  }
  for (std::int64_t word = 0; word < words_for(rows); ++word) {
    auto bits = load_word(validity->data(), word, rows);
    if (bits == ~std::uint64_t{0}) {
      for (std::int64_t row = word * 64; row < word * 64 + 64; ++row) visit(row);
      continue;
    }
    for (; bits != 0; bits &= bits - 1) visit(word * 64 + __builtin_ctzll(bits));
  }
}

/// Builds a text or bytea column row by row.
class text_builder {
 public:
  explicit text_builder(std::int64_t rows, std::int64_t bytes_expected = 0);
  /// Appends to the value of the current row; `end_row` closes it.
  void append(std::string_view text) {
    if (size_ + static_cast<std::int64_t>(text.size()) > capacity_) grow(static_cast<std::int64_t>(text.size()));
    // An empty view may have no address, which memcpy does not take.
    if (!text.empty()) std::memcpy(data_ + size_, text.data(), text.size());
    size_ += static_cast<std::int64_t>(text.size());
  }
  /// Room for `bytes` more, to be written at the returned place; `advance` says how many were used.
  char* room(std::int64_t bytes) {
    if (size_ + bytes > capacity_) grow(bytes);
    return data_ + size_;
  }
  void advance(std::int64_t bytes) { size_ += bytes; }
  void end_row() { offsets_[++row_] = static_cast<std::int32_t>(size_); }
  void end_rows_until(std::int64_t row) {
    while (row_ < row) end_row();
  }
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// Fails where the column would be longer than 2 GiB.
  result<array_ptr> finish(const type_ptr& type, buffer_ptr validity);

 private:
  void grow(std::int64_t bytes);
  std::int64_t rows_;
  std::int64_t row_ = 0;
  std::int64_t size_ = 0;
  std::int64_t capacity_ = 0;
  std::shared_ptr<arrow::ResizableBuffer> bytes_;
  buffer_ptr offset_buffer_;
  std::int32_t* offsets_;
  char* data_ = nullptr;
};

/// Builds a text column: `write(row, builder)` appends the value of each row where `validity` has it.
template <class Write>
result<array_ptr> build_texts(const type_ptr& type, std::int64_t rows, const buffer_ptr& validity, Write&& write) {
  text_builder builder(rows);
  for_valid(validity, rows, [&](std::int64_t row) {
    builder.end_rows_until(row);
    write(row, builder);
    builder.end_row();
  });
  builder.end_rows_until(rows);
  return builder.finish(type, validity);
}

/// Collects the rows that fail in a kernel and takes them out of the result's validity.
class row_failures {
 public:
  explicit row_failures(call& c) : call_(c) {}
  void add(std::int64_t row, const char* code, std::string message) {
    failed_.push_back(row);
    if (call_.active.has(row)) call_.in.fail(row, code, std::move(message));
  }
  /// True where the message of this row is wanted: formatting it for rows that don't count would be wasted.
  [[nodiscard]] bool counts(std::int64_t row) const { return call_.active.has(row); }
  void add_silently(std::int64_t row) { failed_.push_back(row); }
  [[nodiscard]] bool empty() const { return failed_.empty(); }
  [[nodiscard]] buffer_ptr apply(const buffer_ptr& validity) const {
    return failed_.empty() ? validity : without_rows(validity, failed_, call_.rows);
  }

 private:
  call& call_;
  std::vector<std::int64_t> failed_;
};

/// Fills a fixed-width column: `work(row, out)` gives the value of each valid row, or adds its failure.
template <class Out, class Work>
result<array_ptr> fill_rows(call& c, row_failures& failures, Work&& work) {
  const auto validity = all_valid(c.args, c.rows);
  auto values = allocate(c.rows * static_cast<std::int64_t>(sizeof(Out)));
  auto* out = reinterpret_cast<Out*>(values->mutable_data());
  if (validity) std::memset(static_cast<void*>(out), 0, static_cast<std::size_t>(c.rows) * sizeof(Out));
  for_valid(validity, c.rows, [&](std::int64_t row) {
    Out value{};
    work(row, value);
    out[row] = value;
  });
  return make_array(c.type, c.rows, std::move(values), failures.apply(validity));
}

/// Fills a boolean column from `truth(row)`, which is asked of valid rows only.
template <class Truth>
result<array_ptr> fill_booleans(call& c, Truth&& truth) {
  const auto validity = all_valid(c.args, c.rows);
  auto bits = allocate_bitmap(c.rows);
  std::memset(bits->mutable_data(), 0, static_cast<std::size_t>(bits->size()));
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (truth(row)) set_bit(bits->mutable_data(), row);
  });
  return make_booleans(c.rows, std::move(bits), validity);
}

/// The same for a cheap `truth(row)` that can be asked of nulls, too.
template <class Truth>
array_ptr gather_booleans(call& c, Truth&& truth) {
  auto bits = allocate_bitmap(c.rows);
  gather_bits(c.rows, bits->mutable_data(), std::forward<Truth>(truth));
  return make_booleans(c.rows, std::move(bits), all_valid(c.args, c.rows));
}

}  // namespace sluice::expression
