#pragma once

#include "engine/formats/csv/layout.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::csv {

/// Guesses the type of a column from its values: the narrowest of boolean, bigint, double, date, timestamp, timestamptz
/// and text that takes all of them. Digits with leading zeros, a plus, and integers beyond 64 bits are text.
class type_guess {
 public:
  void see(std::string_view value);
  /// text where no value was seen.
  [[nodiscard]] std::shared_ptr<arrow::DataType> type() const;

 private:
  enum kind : unsigned {
    none = 0,
    boolean = 1,
    whole = 2,
    floating = 4,
    date = 8,
    local = 16,
    zoned = 32,
    text = 64,
    large = 128  ///< a whole number that no double is equal to
  };
  static kind kind_of(std::string_view value);
  unsigned seen_ = none;
};

struct guessed_types {
  std::vector<std::shared_ptr<arrow::DataType>> types;  ///< of layout.names
  std::int64_t rows = 0;                                ///< looked at
};

/// Looks at `rows` records over head, middle and tail of each file (the head of packed ones and of standard input).
/// Layouts are those of the files, all with the same number of fields.
result<guessed_types> guess_types(const std::vector<input_file>& files, const std::vector<file_layout>& layouts,
                                  const file_rules& rules, std::int64_t rows);

}  // namespace sluice::csv
