#pragma once

#include "engine/component/transform.hpp"
#include "engine/operators/arrivals.hpp"

#include <arrow/type_fwd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// What the states of operators that are handed out and taken back have in common.
namespace sluice::held {

/// A part that holds some numbers.
result<state_part> numbers(std::string name, const std::vector<std::int64_t>& values);
/// Reads it back; the error (foreign_state) is that of a part with another number of them.
result<std::vector<std::int64_t>> numbers_of(const state_part& part, std::size_t count);

/// A part that holds the rows of a batch; positions become a column of their own, behind the others.
result<state_part> rows(std::string name, const batch& in);
/// Reads it back.
result<batch> rows_of(const state_part& part);

/// Which rows of a key are in a range of key groups; `keys` as canonical_key gives them, none: the key of group 0.
result<std::vector<std::int32_t>> in_groups(key_groups range, const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                            std::int64_t count);

/// Adds where rows came in the input's order as four columns of 64 bits: split, sequence, chunk, row.
class place_columns {
 public:
  void add(const order_key& of, std::uint32_t row);
  status append_to(arrow::ArrayVector& columns);
  /// The same in as few bytes as the numbers need, for parts that are not joined with others.
  status append_narrow_to(arrow::ArrayVector& columns);

 private:
  std::vector<std::uint64_t> splits_, sequences_, chunks_, rows_;
};
/// Reads them back.
class places_read {
 public:
  /// Of four columns from `at` on.
  places_read(const arrow::RecordBatch& from, int at);
  places_read(const places_read&) = delete;
  places_read& operator=(const places_read&) = delete;
  [[nodiscard]] order_key key(std::int64_t row) const;
  [[nodiscard]] std::uint32_t row(std::int64_t row) const;
  /// The end of the rows from `begin` on that came in one batch.
  [[nodiscard]] std::int64_t end_of_batch(std::int64_t begin) const;

 private:
  std::array<std::vector<std::uint64_t>, 4> widened_;  ///< of columns that are narrow
  const std::uint64_t *split_, *sequence_, *chunk_, *row_;
  std::int64_t count_;
};

/// The batches that rows which were taken back came in: parts that were handed out by key group share them.
class batches_taken_back {
 public:
  /// The number of a batch among the arrivals; added the first time. Errors as of arrivals::add.
  result<std::uint32_t> number(const order_key& key, arrivals& among);

 private:
  std::map<std::array<std::uint64_t, 3>, std::uint32_t> numbers_;
};

/// Columns of a part without names, and of any types.
std::shared_ptr<arrow::RecordBatch> unnamed(std::int64_t count, arrow::ArrayVector columns);

/// The values that an operator keeps for each of its groups, as a column of bytes; of nulls where it keeps none at all.
template <class Value>
result<std::shared_ptr<arrow::Array>> column_of(const std::vector<Value>& values,
                                                std::span<const std::uint32_t> groups);
/// Puts them back as those of `groups`, which are below `count`.
template <class Value>
status put_back(const std::shared_ptr<arrow::Array>& column, std::span<const std::uint32_t> groups, std::size_t count,
                std::vector<Value>& values);

/// The same of texts.
result<std::shared_ptr<arrow::Array>> column_of_texts(std::span<const std::string> texts);
result<std::string_view> text_at(const arrow::Array& column, std::int64_t row);

/// Takes what a transform says while it takes rows back: they have been counted before.
class quiet_emitter : public emitter {
 public:
  void emit(int, batch) override {}
  void reject(const batch&, const row_errors&) override {}
  void count_filtered(std::uint64_t) override {}
  void count_merged(std::uint64_t) override {}
  void count_added(std::uint64_t) override {}
  void count_set_null(const std::string&, std::uint64_t) override {}
};

/// The error of what came and is not the state of such a unit.
error foreign(const std::string& part);

namespace detail {
result<std::shared_ptr<arrow::Array>> no_values(std::int64_t count);
bool has_no_values(const arrow::Array& column, std::size_t rows);
result<std::shared_ptr<arrow::Array>> make_bytes(std::int32_t width, std::vector<std::uint8_t> bytes);
result<const std::uint8_t*> bytes_of(const arrow::Array& column, std::int32_t width, std::size_t rows);
}  // namespace detail

template <class Value>
result<std::shared_ptr<arrow::Array>> column_of(const std::vector<Value>& values,
                                                std::span<const std::uint32_t> groups) {
  static_assert(std::is_trivially_copyable_v<Value>);
  if (values.empty()) return detail::no_values(std::ssize(groups));
  std::vector<std::uint8_t> bytes(groups.size() * sizeof(Value));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    // Some vectors are no longer than needed: what is behind their end is zero.
    const auto value = groups[i] < values.size() ? values[groups[i]] : Value{};
    std::memcpy(bytes.data() + i * sizeof(Value), static_cast<const void*>(&value), sizeof(Value));
  }
  return detail::make_bytes(static_cast<std::int32_t>(sizeof(Value)), std::move(bytes));
}

template <class Value>
status put_back(const std::shared_ptr<arrow::Array>& column, std::span<const std::uint32_t> groups, std::size_t count,
                std::vector<Value>& values) {
  if (detail::has_no_values(*column, groups.size())) return {};
  SLUICE_ASSIGN(const auto* bytes, detail::bytes_of(*column, static_cast<std::int32_t>(sizeof(Value)), groups.size()));
  if (values.size() < count) values.resize(count);
  for (std::size_t i = 0; i < groups.size(); ++i)
    std::memcpy(static_cast<void*>(&values[groups[i]]), bytes + i * sizeof(Value), sizeof(Value));
  return {};
}

}  // namespace sluice::held
