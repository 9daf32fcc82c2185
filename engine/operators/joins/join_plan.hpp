#pragma once

#include "engine/operators/binding.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::joins {

enum class join_kind : std::uint8_t { inner, left, right, full, semi, anti, cross };

/// One equality of a join: an expression over each side, compared in their common type.
struct key_pair {
  expression::bound_ptr left, right;
  std::shared_ptr<arrow::DataType> type;
  bool same_name = false;  ///< both are columns of one name: the output has it once
};

/// A column of the output and where its values come from.
struct output_column {
  int left = -1;   ///< column of the left input; -1: none
  int right = -1;  ///< column of the right input; both are set where a key is shown once and either may lack the row
};

/// A join, bound to its inputs.
struct join_plan {
  join_kind kind = join_kind::inner;
  std::vector<key_pair> keys;                     ///< none: every pair of rows is looked at
  std::vector<expression::bound_ptr> conditions;  ///< what a pair must meet beside its keys, over both inputs' columns
  std::vector<std::shared_ptr<arrow::Schema>> inputs;
  std::vector<output_column> columns;
  std::shared_ptr<arrow::Schema> schema;  ///< of the output
  std::vector<int> kept;                  ///< columns of the right input that are kept for output or conditions

  [[nodiscard]] bool shows_right() const { return kind != join_kind::semi && kind != join_kind::anti; }
  /// Rows of the left without a match come out.
  [[nodiscard]] bool keeps_left() const {
    return kind == join_kind::left || kind == join_kind::full || kind == join_kind::anti;
  }
  /// Rows of the right without a match come out.
  [[nodiscard]] bool keeps_right() const { return kind == join_kind::right || kind == join_kind::full; }
};

/// Makes it from `how`, `using` and `on`; appends all faults.
join_plan bind_join(const transform_request& request, diagnostics& faults);

/// How the rows of an input are spread over instances: by the keys where these are columns on both sides, else not.
partitioning partitioning_of(const join_plan& what, int input);
/// Columns of an input that keys and conditions read, or that are shown as one of `wanted`.
std::vector<std::string> columns_needed(const join_plan& what, int input, const std::vector<std::string>& wanted);

}  // namespace sluice::joins
