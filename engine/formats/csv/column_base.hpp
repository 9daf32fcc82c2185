#pragma once

#include "engine/formats/csv/columns.hpp"

#include <arrow/buffer.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::csv {

/// What all builders share: where the fields are, and which rows are null.
class builder_base : public column_builder {
 public:
  explicit builder_base(builder_request what)
      : what_(std::move(what)),
        unquote_(what_.rules),
        quote_(what_.rules.quote.value_or(0)),
        escapes_(what_.rules.escape.has_value()),
        step_(what_.field > 0 ? what_.rules.step() : 1) {}

 protected:
  /// A field's bytes as they stand, without the line end.
  struct span {
    const std::uint8_t* begin;
    const std::uint8_t* end;
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end - begin); }
  };
  [[gnu::always_inline]] [[nodiscard]] span field(const record_block& in, std::int64_t row, bool trim_return) const {
    const auto* end = in.ends + in.first[row] + what_.field;
    const auto* from = in.data + static_cast<std::uint32_t>(end[-1] + step_);
    const auto* to = in.data + end[0];
    if (trim_return && to > from && to[0] == '\n' && to[-1] == '\r') --to;
    return {from, to};
  }
  [[nodiscard]] bool trims(const record_block& in) const { return what_.last && in.carriage_returns; }
  void start_rows(std::int64_t rows) {
    capacity_ = rows;
    rows_ = 0;
    null_rows_.clear();
    faults.clear();
  }
  void add_null(std::int64_t row) { null_rows_.push_back(static_cast<std::uint32_t>(row)); }
  void add_fault(std::int64_t row, fault kind, std::string_view value) {
    faults.push_back({row, kind, std::string(value)});
    add_null(row);
  }
  /// Leaves of row numbers (ascending) those among `rows`, as their places in it.
  template <class Number>
  static void renumber(std::vector<Number>& numbers, std::span<const std::uint32_t> rows) {
    std::size_t kept = 0;
    auto from = rows.begin();
    for (const auto number : numbers) {
      from = std::lower_bound(from, rows.end(), static_cast<std::uint32_t>(number));
      if (from == rows.end()) break;
      if (*from == static_cast<std::uint32_t>(number)) numbers[kept++] = static_cast<Number>(from - rows.begin());
    }
    numbers.resize(kept);
  }
  void keep_nulls(std::span<const std::uint32_t> rows) {
    renumber(null_rows_, rows);
    rows_ = std::ssize(rows);
  }
  /// The validity bitmap, or null where every row has a value.
  result<std::shared_ptr<arrow::Buffer>> validity() const;

  builder_request what_;
  unquoter unquote_;
  std::uint8_t quote_;
  bool escapes_;
  std::uint32_t step_;         ///< from the end of the field before to the begin of this one
  std::int64_t capacity_ = 0;  ///< rows that `start` made room for
  std::int64_t rows_ = 0;      ///< done
  std::vector<std::uint32_t> null_rows_;
};

std::unique_ptr<column_builder> make_text_builder(builder_request what);
std::unique_ptr<column_builder> make_fixed_builder(builder_request what);

}  // namespace sluice::csv
