#pragma once

#include "engine/columns/typed/column.hpp"
#include "engine/formats/csv/columns.hpp"
#include "engine/values/time_zone.hpp"

namespace sluice::csv {

/// What all builders share: where the fields are, and the column that they fill.
class builder_base : public column_builder {
 public:
  explicit builder_base(builder_request what, typed::column into)
      : what_(std::move(what)),
        into_(std::move(into)),
        unquote_(what_.rules),
        quote_(what_.rules.quote.value_or(0)),
        escapes_(what_.rules.escape.has_value()),
        step_(what_.field > 0 ? what_.rules.step() : 1) {}

  result<std::shared_ptr<arrow::Array>> finish() final { return into_.finish(); }
  void keep(std::span<const std::uint32_t> rows) final { into_.keep(rows); }

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
  /// Forgets rows that were never given away.
  void forget() {
    into_.truncate(0);
    faults.clear();
  }
  void add_null(std::int64_t row) { into_.nulls.push_back(static_cast<std::uint32_t>(row)); }
  void add_fault(std::int64_t row, fault kind, std::string_view value) {
    faults.push_back({row, kind, std::string(value)});
    add_null(row);
  }

  builder_request what_;
  typed::column into_;
  unquoter unquote_;
  std::uint8_t quote_;
  bool escapes_;
  std::uint32_t step_;  ///< from the end of the field before to the begin of this one
};

std::unique_ptr<column_builder> make_text_builder(builder_request what, typed::column into);
/// Null where values of the type have no fixed width. `zone`: of timestamptz values without offset.
std::unique_ptr<column_builder> make_fixed_builder(builder_request what, typed::column into, zone_clock zone);

}  // namespace sluice::csv
