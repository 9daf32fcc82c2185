#pragma once

#include "engine/columns/typed/append.hpp"
#include "engine/columns/typed/column.hpp"
#include "engine/columns/typed/null_rules.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::typed {

/// Why a record could not become a row.
struct record_fault {
  std::string code;  ///< invalid_value, invalid_utf8, and what a format adds: invalid_json, duplicate_key ...
  std::string column;
  std::string message;
  std::string value = {};    ///< invalid_value: as it stands in the record, shortened
  std::string type = {};     ///< invalid_value: the type it should have
  bool wrong_guess = false;  ///< the value is fine, the type inferred from a sample is not
};

/// What a reject says of a value: "expected bigint, found 'x'". `shown` has quotes where it needs them.
std::string expected_found(const arrow::DataType& type, std::string_view shown);
/// A value in quotes for a message, shortened to what a line holds, control characters replaced.
std::string quoted_value(std::string_view value);

/// Columns that are filled row by row: what a format or a message source reads its records into. A row is complete at
/// `keep`; `take_back` drops what was added since.
class rows {
 public:
  /// `null_for_misfits`: values that are none of their column's given type become null. `zone` is that of timestamptz
  /// values without offset, `nulls` are the texts that stand for null in `add_text`.
  rows(std::vector<column> columns, bool null_for_misfits, zone_clock zone,
       null_rules nulls = null_rules(std::vector<std::string>()))
      : columns_(std::move(columns)),
        null_for_misfits_(null_for_misfits),
        zone_(std::move(zone)),
        nulls_(std::move(nulls)) {}

  [[nodiscard]] std::vector<column>& columns() { return columns_; }
  [[nodiscard]] zone_clock& zone() { return zone_; }
  /// Complete rows.
  [[nodiscard]] std::int64_t count() const { return count_; }
  /// Values of complete rows that became null because they did not fit.
  [[nodiscard]] std::uint64_t set_null() const { return set_null_; }

  // Each adds a value to the open row; false: it does not fit, `fault` says why, and the row is to be taken back.
  bool add_text(std::size_t at, std::string_view text);
  bool add_number(std::size_t at, const number& value);
  bool add_boolean(std::size_t at, bool value);
  void add_null(std::size_t at) { columns_[at].append_null(); }

  /// Settles a value that is none of its column's type: adds a null and gives true, or notes the fault.
  bool misfit(column& into, std::string_view shown, std::string_view value, std::string code = "invalid_value");
  [[nodiscard]] const record_fault& fault() const { return fault_; }

  /// Ends the row: columns that got no value are null in it. `filled`: all have one.
  void keep(bool filled = false);
  /// Takes the open row back.
  void take_back();
  /// Gives the complete rows, a column each, and starts again.
  result<std::vector<std::shared_ptr<arrow::Array>>> finish();

 private:
  std::vector<column> columns_;
  bool null_for_misfits_;
  zone_clock zone_;
  null_rules nulls_;
  std::int64_t count_ = 0;
  std::uint64_t set_null_ = 0;
  std::uint64_t set_null_in_row_ = 0;
  record_fault fault_;
};

}  // namespace sluice::typed
