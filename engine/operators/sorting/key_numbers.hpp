#pragma once

#include "engine/error/error.hpp"
#include "engine/operators/sorting/packed_rows.hpp"
#include "engine/values/batch.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice {

__extension__ typedef unsigned __int128 wide_number;

/// A column of the batches to sort by.
struct sort_column {
  int column = 0;
  bool descending = false;
  bool nulls_first = false;
};

/// Writes the keys of a row as one number, so that numbers compare as the rows are to be ordered: of each column the
/// distance from its least value, in as many bits as the greatest takes. Most keys of several columns need fewer than
/// 64.
class key_numbers {
 public:
  /// True where the type has values of a fixed width, up to 8 bytes.
  static bool can_hold(const arrow::DataType& type);
  /// Looks at all values. Nothing where a number would need more than 128 bits.
  static result<std::optional<key_numbers>> make(const std::vector<packed_rows>& rows,
                                                 const std::vector<sort_column>& keys);

  /// Of a number, at least 1.
  [[nodiscard]] int bits() const { return bits_; }
  /// Numbers of the rows [from, from + out.size()); `Number`: 64 bits or wide_number.
  /// `columns`: those of the keys, in their order.
  template <class Number>
  void encode(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t from,
              std::span<Number> out) const;

  /// The columns that are in the numbers as they were. (A double is not: -0 and NaN.)
  [[nodiscard]] std::vector<int> contained() const;
  /// One of them, from numbers.
  template <class Number>
  result<std::shared_ptr<arrow::Array>> decode(int column, const std::vector<Number>& numbers) const;

 private:
  struct field {
    sort_column key;
    std::shared_ptr<arrow::DataType> type;
    std::uint64_t least = ~std::uint64_t{0}, greatest = 0;
    bool nulls = false;
    int bits = 0;
    int shift = 0;  ///< bits of the fields behind it

    [[nodiscard]] std::uint64_t null_code() const { return key.nulls_first ? 0 : greatest - least + 1; }
    [[nodiscard]] std::uint64_t first_code() const { return nulls && key.nulls_first ? 1 : 0; }
  };
  /// False where a value has no place.
  static bool look_at(const arrow::Array& column, field& of);

  std::vector<field> fields_;
  int bits_ = 1;
};

}  // namespace sluice
