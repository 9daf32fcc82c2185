#pragma once

#include "engine/columns/growing_bytes.hpp"
#include "engine/columns/typed/column_plan.hpp"
#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::typed {

/// How the values of a column are held and read.
enum class value_kind : std::uint8_t {
  boolean,
  int16,
  int32,
  int64,
  uint64,
  float32,
  float64,
  decimal128,
  decimal256,
  text,
  marked,  ///< json, uuid, varchar(n): text that is checked
  bytea,
  date,
  time,
  timestamp,
  timestamptz,
  interval,
  list,
  structure,
};

/// Bytes of one value of a fixed width; 0 where it has none.
int width_of(value_kind kind);

/// Gathers the values of one column of a batch; lists and structs have columns inside. What reads values appends them
/// (append.hpp) or writes many at once behind the end of `values`.
struct column {
  std::string name;
  std::string path;  ///< "address.city", for messages
  std::shared_ptr<arrow::DataType> type;
  value_kind kind = value_kind::text;
  bool given = true;  ///< the user wrote the type: what does not fit is a reject, not a wrong guess
  int precision = 0;  ///< of decimals
  int scale = 0;
  std::shared_ptr<const column_plan> forms = {};  ///< how texts write values, where not in the plain way
  growing_bytes values;                           ///< of fixed width; booleans one byte each
  growing_bytes offsets;                          ///< int32: text, bytea and list: a 0, then where each value ends
  std::vector<std::uint32_t> nulls;               ///< rows that are null, ascending
  std::int64_t length = 0;
  std::vector<column> children;  ///< list: one; struct: its fields

  void append_null();
  /// Takes the formats, decimal sign and thousands separator that the user gave; list elements have them too.
  void take_forms(const column_plan& plan);
  /// Drops the rows from `rows` on: of a record that turned out bad.
  void truncate(std::int64_t rows);
  /// Drops all rows but these: their numbers, ascending. Not for lists and structs.
  void keep(std::span<const std::uint32_t> rows);
  /// Gives the rows as an array and starts again.
  result<std::shared_ptr<arrow::Array>> finish();

 private:
  std::shared_ptr<arrow::Buffer> take_validity();
  std::shared_ptr<arrow::Buffer> take_offsets();
};

/// Makes an empty column for a type; the error is not_supported_yet.
result<column> make_column(std::string name, std::string path, std::shared_ptr<arrow::DataType> type, bool given);
/// The same for a plan, with its formats and signs.
result<column> make_column(const column_plan& plan);

}  // namespace sluice::typed
