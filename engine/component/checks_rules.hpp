#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// What a rule of a unit has found so far.
struct rule_result {
  std::string rule;           ///< its name
  std::string severity;       ///< warn, reject or fail
  std::uint64_t checked = 0;  ///< rows
  std::uint64_t broken = 0;   ///< rows that break it; of a rule about all rows together 1 where it is broken
  std::string allowed = {};   ///< how many may break it, as written; empty: none
  std::string message = {};   ///< of the first row that breaks it, or of the rule about all rows
  bool within_limit = true;   ///< no more are broken than are allowed
  bool fails = false;         ///< the run fails because of it

  friend bool operator==(const rule_result&, const rule_result&) = default;
};

/// A transform that checks rows against rules says so by this interface beside `transform`: what the rules have found
/// is told at each checkpoint and at the unit's end, and before a failure.
class checks_rules {
 public:
  virtual ~checks_rules() = default;
  /// In the order of the rules, each time all of them.
  [[nodiscard]] virtual std::vector<rule_result> rules() const = 0;
};

}  // namespace sluice
