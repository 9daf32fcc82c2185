#pragma once

#include "engine/clients/postgres/server_type.hpp"
#include "engine/error/row_errors.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::postgres {

/// A column of a query and the language's type that its values get.
struct source_column {
  std::string name;
  server_type type;
  std::shared_ptr<arrow::DataType> as;
  bool contradicts = false;  ///< the type was guessed from a sample: a value that does not fit is not a bad row
};

/// The language's type that holds every value of a server's type, but infinite times and NaN of numeric; null for
/// numeric without precision, and where there is none.
std::shared_ptr<arrow::DataType> type_for(const server_type& of);

/// Builds columns from COPY's binary format.
class row_decoder {
 public:
  explicit row_decoder(const std::vector<source_column>& columns);
  ~row_decoder();

  /// Takes one message of a COPY: a row, or what stands before the first and behind the last one. Gives why the row has
  /// no place in the columns: it is not part of them then, and `record` is its values as JSON. Errors: corrupt_answer.
  struct misfit {
    row_error why;
    std::string record;
    bool contradicts = false;
  };
  result<std::optional<misfit>> take(std::string_view message);
  /// Rows and bytes so far.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  /// The columns, and begins new ones.
  result<std::vector<std::shared_ptr<arrow::Array>>> finish();

  struct slot;  ///< in the .cpp

 private:
  result<std::optional<misfit>> take_row(std::string_view fields);

  std::vector<slot> slots_;
  std::vector<std::int64_t> dropped_;  ///< rows of the builders that are no rows
  std::int64_t built_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t bytes_ = 0;
  bool begun_ = false;
};

}  // namespace sluice::postgres
