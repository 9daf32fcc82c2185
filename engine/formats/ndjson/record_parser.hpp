#pragma once

#include "engine/formats/ndjson/columns.hpp"
#include "engine/formats/ndjson/cursor.hpp"
#include "engine/values/time_zone.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::ndjson {

/// Why a record could not become a row.
struct record_fault {
  std::string code;  ///< invalid_json, duplicate_key, unknown_field, invalid_value
  std::string column;
  std::string message;
  std::string value = {};    ///< invalid_value: as it stands in the record
  std::string type = {};     ///< invalid_value: the type it should have
  bool wrong_guess = false;  ///< the value is fine, the type inferred from the sample is not
};

/// Reads records into columns, keys in any order. What the columns don't want is passed over, but checked.
class record_parser {
 public:
  /// `keys` lead into `columns`, keys that are passed over perhaps into `passed`; `null_for_misfits`: values that are
  /// none of their column's type become null.
  record_parser(std::vector<column>& columns, std::vector<column>& passed, key_table& keys, bool null_for_misfits,
                zone_clock zone)
      : columns_(columns), passed_(passed), keys_(keys), null_for_misfits_(null_for_misfits), zone_(zone) {}

  /// Reads the record at `at` as the next row and gives its newline. Null: the row was taken back, `fault` says why.
  const char* read(const char* at);

  [[nodiscard]] const record_fault& fault() const { return fault_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::uint64_t set_null() const { return set_null_; }
  /// Begins a new batch: the columns were finished.
  void start() { rows_ = 0; }

 private:
  const char* read_object(const char* at, key_table& keys, std::vector<column>& columns, std::int64_t row, int depth);
  template <bool Pass>
  const char* read_members(const char* at, key_table& keys, std::vector<column>& columns, int depth,
                           std::size_t& filled);
  const char* pass_value(const char* at, column& like, int depth);
  template <class Each>
  const char* elements(const char* at, Each&& each);
  const char* twice(std::string_view key);
  const char* find_key(const char* at, key_table& keys, int before, int& found);
  const char* read_value(const char* at, column& into, int depth);
  const char* read_list(const char* at, column& into, int depth);
  const char* read_text(const char* at, column& into);
  const char* view_string(const char* at, std::string_view& out);
  const char* read_misfit(const char* at, column& into, int depth);
  const char* fail(std::string code, std::string column, std::string message);
  const char* broken(const char* at);

  std::vector<column>& columns_;
  std::vector<column>& passed_;
  key_table& keys_;
  bool null_for_misfits_;
  zone_clock zone_;  ///< of timestamptz values without offset
  std::int64_t rows_ = 0;
  std::uint64_t set_null_ = 0;
  const char* begin_ = nullptr;
  std::string scratch_;
  record_fault fault_;
};

}  // namespace sluice::ndjson
