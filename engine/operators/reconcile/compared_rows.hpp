#pragma once

#include "engine/component/transform.hpp"
#include "engine/expression/expression.hpp"
#include "engine/operators/keys/key_encoding.hpp"
#include "engine/operators/reconcile/row_sketch.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::reconcile {

/// A column as both inputs have it.
struct compared_column {
  std::string name;
  std::shared_ptr<arrow::DataType> type;            ///< in which it is compared, canonical
  std::array<expression::bound_ptr, 2> value = {};  ///< of each input
  std::array<expression::bound_ptr, 2> text = {};   ///< of keys, for messages
};

/// Feeds the rows of two inputs to a row_sketch, and says what differs.
class compared_rows {
 public:
  compared_rows(std::vector<compared_column> keys, std::vector<compared_column> columns);

  status add(side to, const batch& in);
  [[nodiscard]] const row_sketch& sketch() const { return sketch_; }
  /// In words: both numbers of rows, the columns that differ with their sums, and some keys. `other` is the unit of the
  /// rows that are compared with.
  [[nodiscard]] std::string describe(const std::string& other, const row_sketch::differences& found) const;

  [[nodiscard]] std::string bytes() const;
  status restore(std::string_view bytes);

 private:
  struct sums {
    bool counted = false;  ///< numeric
    bool exact = false;
    std::array<std::array<std::uint64_t, 4>, 2> units = {};  ///< 256 bits, of each side
    std::array<double, 2> approximate = {};
  };

  status add_sums(side to, std::size_t column, const arrow::Array& values);
  [[nodiscard]] std::string sum_text(std::size_t column, side of) const;

  std::vector<compared_column> keys_, columns_;
  row_sketch sketch_;
  std::vector<sums> sums_;
  flow::block_encoder encoder_;
};

}  // namespace sluice::reconcile
