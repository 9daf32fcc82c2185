#pragma once

#include "engine/columns/typed/rows.hpp"
#include "engine/formats/ndjson/cursor.hpp"
#include "engine/formats/ndjson/keys.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::ndjson {

using typed::column;
using typed::record_fault;
using typed::value_kind;

/// Reads records into columns, keys in any order. What the columns don't want is passed over, but checked.
class record_parser {
 public:
  /// `keys` lead into the columns of `rows`.
  record_parser(typed::rows& rows, key_table& keys) : rows_(rows), keys_(keys) {}

  /// Reads the record at `at` as the next row and gives its newline. Null: the row was taken back, `fault` says why.
  const char* read(const char* at);

  [[nodiscard]] const record_fault& fault() const { return fault_; }

 private:
  const char* read_object(const char* at, key_table& keys, std::vector<column>& columns, std::int64_t row, int depth);
  template <bool Pass>
  const char* read_members(const char* at, key_table& keys, column* columns, int depth, std::size_t& filled);
  const char* pass_value(const char* at, nested_keys& inner, int depth);
  template <class Each>
  const char* elements(const char* at, Each&& each);
  const char* twice(std::string_view key);
  const char* find_key(const char* at, key_table& keys, int before, int& found);
  const char* read_value(const char* at, column& into, nested_keys* inner, int depth);
  const char* read_list(const char* at, column& into, nested_keys* inner, int depth);
  const char* read_map(const char* at, column& into, nested_keys* inner, int depth);
  const char* read_text(const char* at, column& into);
  const char* view_string(const char* at, std::string_view& out);
  const char* read_misfit(const char* at, column& into, int depth);
  const char* fail(std::string code, std::string column, std::string message);
  const char* broken(const char* at);

  typed::rows& rows_;
  key_table& keys_;
  const char* begin_ = nullptr;
  std::string scratch_;
  record_fault fault_;
};

}  // namespace sluice::ndjson
