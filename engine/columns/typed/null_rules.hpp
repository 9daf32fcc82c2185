#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::typed {

/// Texts that stand for null.
class null_rules {
 public:
  /// The empty text alone.
  null_rules() : null_rules(std::vector<std::string>{""}) {}
  /// No tokens: no text is null.
  explicit null_rules(std::vector<std::string> tokens);
  [[nodiscard]] bool is_null(std::string_view text) const {
    if ((lengths_ >> (text.size() < 63 ? text.size() : 63) & 1) == 0) return false;
    return matches(text);
  }
  [[nodiscard]] bool empty_is_null() const { return (lengths_ & 1) != 0; }
  [[nodiscard]] const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  [[nodiscard]] bool matches(std::string_view text) const;
  std::vector<std::string> tokens_;
  std::uint64_t lengths_ = 0;  ///< bit per length, the highest for all above
};

}  // namespace sluice::typed
