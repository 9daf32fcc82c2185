#pragma once

#include "engine/expression/functions/support.hpp"
#include "engine/expression/functions/utf8.hpp"
#include "engine/expression/regex/pattern.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice::expression {

inline std::string refusal(std::string_view text, const regex::syntax_fault& fault) {
  constexpr std::size_t most = 200;
  std::string shown(text.substr(0, std::min(most, byte_of_character(text, most))));
  return "the regular expression '" + shown + "' " + fault.message;
}

/// What a call with regular expressions prepares when it is bound.
struct prepared {
  regex::options how;
  std::shared_ptr<const regex::pattern> known;          ///< null: each row has its own
  std::shared_ptr<const regex::replacement> replacing;  ///< the same
  bool all = false;                                     ///< replace all occurrences
  // Matchers learn; calls that run at the same time have one each.
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<regex::matcher>> idle;
};

/// The matchers of one call of a kernel: that of the known pattern, or one for each pattern of the rows.
class matchers {
 public:
  explicit matchers(const prepared& from) : from_(from) {
    if (!from.known) return;
    const std::scoped_lock lock(from.mutex);
    if (!from.idle.empty()) {
      known_ = std::move(from.idle.back());
      from.idle.pop_back();
    }
    if (!known_) known_ = std::make_unique<regex::matcher>(from.known);
  }
  ~matchers() {
    if (!known_) return;
    const std::scoped_lock lock(from_.mutex);
    from_.idle.push_back(std::move(known_));
  }
  matchers(const matchers&) = delete;
  matchers& operator=(const matchers&) = delete;

  /// Null where the row's pattern can't be used, with the reason.
  regex::matcher* of(std::string_view text, std::string& problem) {
    if (known_) return known_.get();
    auto found = by_text_.find(text);
    if (found == by_text_.end()) {
      if (by_text_.size() >= most_patterns) by_text_.clear();
      found = by_text_.emplace(std::string(text), own{}).first;
      regex::syntax_fault fault;
      if (auto made = regex::pattern::make(text, from_.how, fault))
        found->second.ready = std::make_unique<regex::matcher>(std::move(made));
      else
        found->second.problem = refusal(text, fault);
    }
    problem = found->second.problem;
    return found->second.ready.get();
  }

 private:
  static constexpr std::size_t most_patterns = 100;
  struct own {
    std::unique_ptr<regex::matcher> ready;
    std::string problem;
  };
  const prepared& from_;
  std::unique_ptr<regex::matcher> known_;
  std::map<std::string, own, std::less<>> by_text_;
};

/// Reads the pattern now, where it is known now.
inline bool prepare(binder& b, const call_site& site, const node_ptr& from, prepared& into) {
  const auto text = constant_text(from);
  if (!text) return true;
  regex::syntax_fault fault;
  into.known = regex::pattern::make(*text, into.how, fault);
  if (into.known) return true;
  b.fault(site.args[1].at, "invalid_pattern", refusal(*text, fault),
          fault.hint.empty() ? "use the syntax of PostgreSQL's regular expressions" : fault.hint);
  return false;
}

}  // namespace sluice::expression
