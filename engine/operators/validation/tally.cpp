#include "engine/operators/validation/tally.hpp"

#include <algorithm>

namespace sluice::validation {

void tally::add(std::size_t rule, const row_errors& broken) {
  std::vector<std::int64_t> rows;
  rows.reserve(broken.size());
  for (const auto& one : broken) rows.push_back(one.row);
  std::sort(rows.begin(), rows.end());
  broken_[rule] += std::unique(rows.begin(), rows.end()) - rows.begin();
  if (messages_[rule].empty() && !broken.empty()) messages_[rule] = broken.front().message;
}

void tally::broken(std::size_t rule, std::string message) {
  broken_[rule] = 1;
  messages_[rule] = std::move(message);
}

bool tally::exceeds(std::size_t rule, bool end) const {
  const auto& allow = rules_[rule].allow;
  if (!allow) return false;
  if (!allow->is_share) return broken_[rule] > allow->count;
  return end && static_cast<double>(broken_[rule]) > allow->share * static_cast<double>(seen_);
}

error tally::too_many(std::size_t rule) {
  fails_[rule] = true;
  return user_error("rule_broken",
                    "rule " + rules_[rule].name + " of unit " + unit_ + ": " + std::to_string(broken_[rule]) + " of " +
                        std::to_string(seen_) + " rows break it, allowed are " + rules_[rule].allow->text +
                        (messages_[rule].empty() ? "" : "; the first of them: " + messages_[rule]),
                    "look at the rejects, or raise `allow`");
}

std::vector<rule_result> tally::results(bool ended) const {
  std::vector<rule_result> all;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto& one = rules_[i];
    rule_result made{.rule = one.name,
                     .severity = to_string(one.how_bad),
                     .checked = static_cast<std::uint64_t>(seen_),
                     .broken = static_cast<std::uint64_t>(broken_[i]),
                     .allowed = one.allow ? one.allow->text : "",
                     .message = messages_[i],
                     .fails = fails_[i]};
    // Before the end a share is not known.
    const bool open = one.allow && one.allow->is_share && !ended;
    made.within_limit = broken_[i] == 0 || open || (one.allow && !exceeds(i, ended));
    all.push_back(std::move(made));
  }
  return all;
}

std::vector<std::int64_t> tally::numbers() const {
  auto all = broken_;
  all.push_back(seen_);
  return all;
}

void tally::add(const std::vector<std::int64_t>& numbers) {
  for (std::size_t i = 0; i < broken_.size(); ++i) broken_[i] += numbers[i];
  seen_ += numbers.back();
}

}  // namespace sluice::validation
