#pragma once

#include "engine/component/component.hpp"
#include "engine/expression/expression.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::validation {

/// How many rows may break a rule.
struct allowance {
  bool is_share = false;
  std::int64_t count = 0;
  double share = 0;
  std::string text;  ///< as written
};

/// A condition of a rule, and what is said of rows for which it is false.
struct condition {
  expression::bound_ptr holds;
  std::string message;
};

/// How old the newest value of a column may be.
struct freshness {
  expression::bound_ptr time;  ///< the column as timestamptz
  std::int64_t microseconds = 0;
  std::string column;
  std::string text;  ///< "1d", as written
};

/// A column whose values must be among those of a column of another unit.
struct reference {
  int column = 0;
  int input = 0;                          ///< of the other unit
  int there = 0;                          ///< its column
  std::shared_ptr<arrow::DataType> type;  ///< in which they are compared, canonical
  std::string message;
};

/// What becomes of rows that break a rule.
enum class severity { warn, reject, fail };
[[nodiscard]] const char* to_string(severity how_bad);

/// One entry of `validate`.
struct rule {
  std::string name;
  std::vector<condition> conditions = {};
  std::vector<int> unique = {};  ///< columns
  std::string unique_message = {};
  std::optional<std::pair<std::int64_t, std::int64_t>> rows = std::nullopt;  ///< least and most
  std::vector<freshness> fresh = {};
  std::vector<reference> references = {};
  severity how_bad = severity::reject;
  std::optional<allowance> allow = std::nullopt;
};

/// The unit, or `unit.port`, and the column that an entry of `references` names: "customers.id". Empty where it names
/// none.
std::pair<std::string, std::string> referenced(const std::string& text);
/// Describes an entry for the spec.
field_spec rule_spec();
/// Reads and binds all entries; faults stand where they are written.
std::vector<rule> read_rules(const transform_request& request, diagnostics& faults);

}  // namespace sluice::validation
