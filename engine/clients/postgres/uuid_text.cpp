#include "engine/clients/postgres/uuid_text.hpp"

#include <cstdint>

namespace sluice::postgres {

namespace {

constexpr std::size_t plain = 32;
constexpr std::size_t with_hyphens = 36;

bool is_hyphen(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::array<char, 16>> parse_uuid(std::string_view text) {
  if (text.size() != plain && text.size() != with_hyphens) return {};
  std::array<char, 16> made{};
  std::size_t digits = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.size() == with_hyphens && is_hyphen(at)) {
      if (text[at] != '-') return {};
      continue;
    }
    const int digit = digit_of(text[at]);
    if (digit < 0) return {};
    auto& byte = made.at(digits / 2);
    byte = static_cast<char>(digits % 2 == 0 ? digit << 4 : static_cast<unsigned char>(byte) | digit);
    ++digits;
  }
  return made;
}

std::string uuid_text(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char each : bytes) {
    if (is_hyphen(text.size())) text += '-';
    const auto byte = static_cast<std::uint8_t>(each);
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

}  // namespace sluice::postgres
