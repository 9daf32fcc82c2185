#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

/// Makes the values of one generated column. A value depends only on seed, column name and row, so that any split of
/// the rows, in any order, on any node, gives the same table. Thread-safe.
class column_generator {
 public:
  virtual ~column_generator() = default;
  [[nodiscard]] virtual std::shared_ptr<arrow::DataType> type() const = 0;
  /// Rows [first, first + count), rows counting from 0.
  [[nodiscard]] virtual result<std::shared_ptr<arrow::Array>> make(std::int64_t first, std::int64_t count) const = 0;
  [[nodiscard]] virtual int bytes_per_row() const = 0;
};

/// Makes one from what stands behind the column's name: "sequence", { random: [0, 9] }, ... The error's path is
/// relative to the column.
result<std::unique_ptr<column_generator>> make_generator(const std::string& column, const options& what,
                                                         std::uint64_t seed);

}  // namespace sluice
