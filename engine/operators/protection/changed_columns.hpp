#pragma once

#include "engine/operators/binding.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::protection {

/// Changes the values of single columns; other columns pass.
class column_change {
 public:
  virtual ~column_change() = default;
  /// The type that the column has afterwards.
  [[nodiscard]] virtual std::shared_ptr<arrow::DataType> type(const arrow::DataType& before) const = 0;
  /// Changes a column; values that can't be changed are told in `errors` (row, code, message without the value).
  virtual result<std::shared_ptr<arrow::Array>> change(const arrow::Array& column, row_errors& errors) = 0;
};

struct changed_column {
  int column = 0;
  std::unique_ptr<column_change> how;
};

/// The transform that makes such changes. Its schema is that of the input with the types of the changed columns.
std::unique_ptr<transform> change_columns(const transform_request& request, std::vector<changed_column> columns);

/// Makes a column of texts of another one: `make` appends what becomes of a value (as text; bytes of bytea as they are)
/// and says why it can't; null stays null.
result<std::shared_ptr<arrow::Array>> map_texts(
    const arrow::Array& column, row_errors& errors,
    const std::function<result<bool>(std::string_view value, std::string& out)>& make, const char* code,
    const char* message);

}  // namespace sluice::protection
