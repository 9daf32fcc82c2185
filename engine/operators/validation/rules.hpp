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

/// One entry of `validate`.
struct rule {
  std::string name;
  std::vector<condition> conditions = {};
  std::vector<int> unique = {};  ///< columns
  std::string unique_message = {};
  std::optional<std::pair<std::int64_t, std::int64_t>> rows = std::nullopt;  ///< least and most
  std::vector<freshness> fresh = {};
  bool fails = false;
  std::optional<allowance> allow = std::nullopt;
};

/// Describes an entry for the spec.
field_spec rule_spec();
/// Reads and binds all entries; faults stand where they are written.
std::vector<rule> read_rules(const transform_request& request, diagnostics& faults);

}  // namespace sluice::validation
