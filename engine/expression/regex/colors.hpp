#pragma once

#include "engine/expression/regex/syntax.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace sluice::expression::regex {

/// What stands before or behind a place, as far as places such as \y and $ look at it.
enum class neighbour : std::uint8_t { edge, line_end, word, other };

/// Numbers the characters so that those that a pattern never tells apart have one number, a color.
class colors {
 public:
  /// `sets`: every set of the pattern; `words`: whether it looks at the edges of words.
  colors(const std::vector<const character_set*>& sets, bool words);

  [[nodiscard]] std::uint16_t ascii(unsigned char byte) const { return ascii_[byte]; }
  [[nodiscard]] std::uint16_t of(std::uint32_t character) const {
    if (character < 128) return ascii_[character];
    return character <= greatest_character ? pages_[page_of_[character >> 8] * 256U + (character & 255)] : 0;
  }
  [[nodiscard]] std::size_t count() const { return kinds_.size(); }
  [[nodiscard]] neighbour kind(std::uint16_t color) const { return kinds_[color]; }
  /// Which colors a set has.
  [[nodiscard]] std::vector<bool> members(const character_set& set) const;

 private:
  std::array<std::uint16_t, 128> ascii_{};
  std::array<std::uint16_t, (greatest_character >> 8) + 1> page_of_{};
  std::vector<std::uint16_t> pages_;
  std::vector<neighbour> kinds_;
  std::vector<std::uint32_t> samples_;  ///< a character of each color
};

}  // namespace sluice::expression::regex
