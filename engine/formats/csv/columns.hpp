#pragma once

#include "engine/columns/typed/column_plan.hpp"
#include "engine/columns/typed/null_rules.hpp"
#include "engine/error/error.hpp"
#include "engine/formats/csv/dialect.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::csv {

/// Rows whose fields are known: row i has its first field at ends[first[i]].
struct record_block {
  const std::uint8_t* data;
  const std::uint32_t* ends;
  const std::uint32_t* first;
  std::int64_t rows;
  bool quotes;            ///< a quote may open a field
  bool carriage_returns;  ///< a CR may stand before the LF of a record's end
  bool high;              ///< bytes above 127 may be there
};

enum class fault { invalid_value, invalid_utf8, invalid_quotes };

/// A value that is none of its column's type. The builder put a null for it.
struct conversion_fault {
  std::int64_t row;  ///< in the batch
  fault kind;
  std::string value;
};

/// What stands in a field once quotes and escapes are taken off.
struct field_text {
  std::string_view text;
  bool quoted = false;
  bool broken = false;  ///< something follows the closing quote, or there is none
};

/// Takes quotes and escapes off; what it returns lives until the next call.
class unquoter {
 public:
  explicit unquoter(const dialect& rules) : rules_(rules) {}
  field_text content(const std::uint8_t* begin, const std::uint8_t* end);

 private:
  field_text unescape(const std::uint8_t* begin, const std::uint8_t* end);
  dialect rules_;
  std::string scratch_;
};

/// Fills one column of a batch from the fields of records, many rows at a time. Which texts a type takes, and what is
/// held, is said in engine/columns/typed.
class column_builder {
 public:
  virtual ~column_builder() = default;
  /// Makes room for a batch of `rows`.
  virtual status start(std::int64_t rows) = 0;
  /// Converts the fields of further rows.
  virtual status append(const record_block& rows) = 0;
  /// True where values of rows that nobody wants must be converted as well to learn whether they are what they should
  /// be; false where `fits` tells.
  [[nodiscard]] virtual bool converts_all() const { return true; }
  /// Whether the fields of rows that are not converted are in order; text is known to be valid UTF-8.
  virtual bool fits(const record_block& rows) { return (void)rows, true; }
  /// Drops all but some of the rows since `start`: their numbers, ascending. For those that convert all.
  virtual void keep(std::span<const std::uint32_t> rows) { (void)rows; }
  /// Gives the column of all rows since `start`.
  virtual result<std::shared_ptr<arrow::Array>> finish() = 0;

  /// Of the rows since `start`, ascending.
  std::vector<conversion_fault> faults;
};

struct builder_request {
  typed::column_plan plan;
  int field = 0;      ///< index in the record
  bool last = false;  ///< of the record: a CR may follow
  dialect rules;
  typed::null_rules nulls;
  std::string timezone = "UTC";  ///< of timestamptz values without offset
};

/// Makes the builder for a type. Errors: not_supported_yet, and those of a time zone that can't be found.
result<std::unique_ptr<column_builder>> make_builder(builder_request what);

}  // namespace sluice::csv
