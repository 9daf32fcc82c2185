#pragma once

#include "engine/component/checks_rules.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/operators/validation/rules.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::validation {

/// Counts which rows break which rule, and says where that is more than is allowed.
class tally {
 public:
  /// `rules` outlives it.
  tally(const std::vector<rule>& rules, std::string unit)
      : rules_(rules), unit_(std::move(unit)), broken_(rules.size()), messages_(rules.size()), fails_(rules.size()) {}

  void seen(std::int64_t rows) { seen_ += rows; }
  [[nodiscard]] std::int64_t seen() const { return seen_; }
  /// Counts the rows of these errors, each once.
  void add(std::size_t rule, const row_errors& broken);
  /// Notes that a rule about all rows together is broken.
  void broken(std::size_t rule, std::string message);
  /// The run fails because of it.
  void failed(std::size_t rule) { fails_[rule] = true; }

  /// Whether more rows break a rule than it allows; a share is judged at the end, over all rows.
  [[nodiscard]] bool exceeds(std::size_t rule, bool end) const;
  /// The error of a rule that more rows break than it allows; the rule fails the run then.
  error too_many(std::size_t rule);
  /// At the end of all rows: the error of the first rule that fails the run.
  [[nodiscard]] std::vector<rule_result> results(bool ended) const;

  /// The counts, for the unit's state, and back.
  [[nodiscard]] std::vector<std::int64_t> numbers() const;
  [[nodiscard]] std::size_t count_of_numbers() const { return broken_.size() + 1; }
  void add(const std::vector<std::int64_t>& numbers);

 private:
  const std::vector<rule>& rules_;
  std::string unit_;
  std::int64_t seen_ = 0;
  std::vector<std::int64_t> broken_;   ///< rows, by rule
  std::vector<std::string> messages_;  ///< of the first of them
  std::vector<bool> fails_;
};

}  // namespace sluice::validation
