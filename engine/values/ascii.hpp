#pragma once

#include <string>
#include <string_view>

/// Letters, digits and white space of ASCII, whatever the locale; other bytes are none of them and stay as they are.
namespace sluice::ascii {

/// Blank, tab, line feed, vertical tab, form feed, carriage return.
constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

inline std::string lower(std::string text) {
  for (auto& c : text) c = lower(c);
  return text;
}

inline std::string upper(std::string text) {
  for (auto& c : text) c = upper(c);
  return text;
}

/// Takes blanks off both ends.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace sluice::ascii
