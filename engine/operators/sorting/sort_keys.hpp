#pragma once

#include "engine/operators/binding.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// One entry of `sort`: what to sort by, and how.
struct sort_key {
  expression::bound_ptr value;
  std::string text;  ///< as written, without the direction
  bool descending = false;
  bool nulls_first = false;
};

/// Binds entries like "revenue desc", "name", "upper(name) asc nulls first". Nulls come last, or first where the entry
/// is descending, as in PostgreSQL.
std::vector<sort_key> bind_sort_keys(const transform_request& request, const options& entries, const std::string& path,
                                     diagnostics& faults);

/// Evaluates what to sort by; errors of rows that name no column name the key.
result<std::shared_ptr<arrow::Array>> evaluate(const sort_key& key, const batch& in, row_errors& errors);

/// Keys of a batch's rows as bytes that compare (memcmp, shorter first) as the rows are to be ordered.
///
/// Each value is one byte that puts null before or behind all others, then: integers, dates and times big-endian with
/// the sign flipped; real and double with all bits of negative ones flipped, -0 as 0, NaN above infinity; text and
/// bytes with 00 as 00 ff, ended by 00 00. Descending values have their bits flipped. No key is the beginning of
/// another one.
class encoded_keys {
 public:
  /// Encodes the columns, one for each key.
  status encode(const std::vector<sort_key>& keys, std::vector<std::shared_ptr<arrow::Array>> columns,
                std::int64_t rows);
  [[nodiscard]] std::string_view operator[](std::int64_t row) const {
    return {bytes_.data() + starts_[row], static_cast<std::size_t>(ends_[row] - starts_[row])};
  }

 private:
  std::vector<char> bytes_;
  std::vector<std::int64_t> starts_, ends_;
};

}  // namespace sluice
