#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::expression::regex {

/// A set of code points: ranges that ascend and do not touch.
class character_set {
 public:
  struct range {
    std::uint32_t first, last;
  };

  void add(std::uint32_t first, std::uint32_t last) { ranges_.push_back({first, last}); }
  void add(const character_set& other) { ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end()); }
  /// Sorts and joins what was added.
  void settle();
  /// Everything else. Settles first.
  void negate();
  void remove(std::uint32_t character);
  [[nodiscard]] const std::vector<range>& ranges() const { return ranges_; }

 private:
  std::vector<range> ranges_;
};

inline constexpr std::uint32_t greatest_character = 0x10ffff;

/// [[:alpha:]] and the others of PostgreSQL, in the locale C.UTF-8; also "word". Empty where there is no such class.
std::optional<character_set> class_named(std::string_view name);
bool is_word(std::uint32_t character);
std::uint32_t lower_of(std::uint32_t character);
std::uint32_t upper_of(std::uint32_t character);

/// Reads the character at `at` and moves behind it. Bytes that are no UTF-8 stand for themselves.
inline std::uint32_t take_character(const char*& at, const char* end) {
  const auto first = static_cast<unsigned char>(*at++);
  if (first < 0x80) return first;
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc0 || end - at < more) return first;
  std::uint32_t value = first & (0x3fU >> more);
  for (int i = 0; i < more; ++i) value = value << 6 | (static_cast<unsigned char>(*at++) & 0x3f);
  return value;
}

}  // namespace sluice::expression::regex
