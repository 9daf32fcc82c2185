#include "engine/secrets/mask.hpp"

#include "engine/secrets/known_secrets.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace sluice::secrets {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The number that `digits` hexadecimal digits make; -1 where there are none.
std::int32_t hex_number(std::string_view text, std::size_t digits) {
  if (text.size() < digits) return -1;
  std::int32_t number = 0;
  for (const char c : text.substr(0, digits)) {
    if (hex_digit(c) < 0) return -1;
    number = number * 16 + hex_digit(c);
  }
  return number;
}

std::string utf8_of(std::int32_t point) {
  const auto byte = [](std::int32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), byte(0x80 | (point & 0x3f))};
  if (point < 0x10000) return {byte(0xe0 | point >> 12), byte(0x80 | (point >> 6 & 0x3f)), byte(0x80 | (point & 0x3f))};
  return {byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 0x3f)), byte(0x80 | (point >> 6 & 0x3f)),
          byte(0x80 | (point & 0x3f))};
}

/// What a few bytes of a text stand for, and how many they are; 0: nothing.
struct decoded {
  std::string meaning;
  std::size_t length = 0;
};

/// \n, \", \x41, \u00e9, and two of the last kind for a character beyond 16 bits.
decoded read_escape(std::string_view text) {
  if (text.size() < 2 || text[0] != '\\') return {};
  static constexpr std::string_view letters = "bfnrt0";
  static constexpr std::string_view meanings("\b\f\n\r\t\0", 6);
  if (const auto at = letters.find(text[1]); at != std::string_view::npos) return {{meanings[at]}, 2};
  if (text[1] == 'x') {
    const auto byte = hex_number(text.substr(2), 2);
    return byte < 0 ? decoded{} : decoded{{static_cast<char>(byte)}, 4};
  }
  if (text[1] != 'u') return {{text[1]}, 2};
  auto point = hex_number(text.substr(2), 4);
  if (point < 0) return {};
  if (point < 0xd800 || point > 0xdbff || text.substr(6, 2) != "\\u") return {utf8_of(point), 6};
  const auto low = hex_number(text.substr(8), 4);
  if (low < 0xdc00 || low > 0xdfff) return {};
  return {utf8_of(0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)), 12};
}

decoded read_percent(std::string_view text) {
  if (text.starts_with('+')) return {" ", 1};
  if (!text.starts_with('%')) return {};
  const auto byte = hex_number(text.substr(1), 2);
  return byte < 0 ? decoded{} : decoded{{static_cast<char>(byte)}, 3};
}

/// How many bytes at the begin of a text are the value, each written plainly or encoded; 0: none. A byte may be read in
/// several ways (the value may hold a backslash itself), so all places are kept that some way leads to.
std::size_t encoded_length(std::string_view text, std::string_view value) {
  std::vector<std::vector<std::size_t>> places(value.size() + 1);
  places[0].push_back(0);
  const auto reach = [&](std::size_t matched, std::size_t place) {
    auto& there = places[matched];
    if (std::find(there.begin(), there.end(), place) == there.end()) there.push_back(place);
  };
  for (std::size_t matched = 0; matched < value.size(); ++matched)
    for (const auto place : places[matched]) {
      const auto rest = text.substr(place);
      if (rest.starts_with(value[matched])) reach(matched + 1, place + 1);
      for (const auto& one : {read_escape(rest), read_percent(rest)})
        if (one.length > 0 && value.substr(matched).starts_with(one.meaning))
          reach(matched + one.meaning.size(), place + one.length);
    }
  const auto& ends = places.back();
  return ends.empty() ? 0 : *std::max_element(ends.begin(), ends.end());
}

class filter {
 public:
  explicit filter(const known_secrets& all) : all_(all) {
    for (const auto& one : all.masked) begins_[static_cast<unsigned char>(one.form.front())] = true;
    plain_begins_ = begins_;
    for (const unsigned char c : {'%', '\\', '+'}) begins_[c] = true;
  }

  [[nodiscard]] std::string run(std::string text) const {
    const bool encoded = text.find_first_of("%\\+") != std::string::npos;
    const auto& begins = encoded ? begins_ : plain_begins_;
    std::string made;
    std::size_t kept = 0;  // up to here all is in `made`
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length =
          begins[static_cast<unsigned char>(text[at])] ? match(std::string_view(text).substr(at), encoded) : 0;
      if (length == 0) {
        ++at;
        continue;
      }
      made.append(text, kept, at - kept);
      made += reference_to(name_);
      at += length;
      kept = at;
    }
    if (kept == 0) return text;
    return made.append(text, kept);
  }

 private:
  /// The length of the secret at the begin of a text, `name_` being its name; 0: none.
  [[nodiscard]] std::size_t match(std::string_view text, bool encoded) const {
    for (const auto& one : all_.masked) {
      auto length = text.starts_with(one.form) ? one.form.size() : 0;
      if (length == 0 && encoded) length = encoded_length(text, one.form);
      if (length == 0) continue;
      name_ = one.name;
      return length;
    }
    return 0;
  }

  const known_secrets& all_;
  std::array<bool, 256> begins_ = {};
  std::array<bool, 256> plain_begins_ = {};
  mutable std::string_view name_;
};

bool nothing_to_mask(const known_secrets* all) { return all == nullptr || all->masked.empty(); }

void mask_all(options& value, const filter& by) {
  if (value.is_string()) {
    value = by.run(std::move(value.text()));
  } else if (value.is_array()) {
    for (std::size_t at = 0; at < value.size(); ++at) mask_all(value[at], by);
  } else {
    for (auto& [key, element] : value.items()) {
      key = by.run(std::move(key));
      mask_all(element, by);
    }
  }
}

void mask_all(error& problem, const filter& by) {
  for (auto* text : {&problem.message, &problem.hint, &problem.where, &problem.path, &problem.at.file})
    *text = by.run(std::move(*text));
}

}  // namespace

std::string mask(std::string text) {
  const auto* all = known();
  if (nothing_to_mask(all)) return text;
  return filter(*all).run(std::move(text));
}

void mask(options& value) {
  if (const auto* all = known(); !nothing_to_mask(all)) mask_all(value, filter(*all));
}

void mask(error& problem) {
  if (const auto* all = known(); !nothing_to_mask(all)) mask_all(problem, filter(*all));
}

void mask(diagnostics& faults) {
  const auto* all = known();
  if (nothing_to_mask(all)) return;
  const filter by(*all);
  for (auto& fault : faults) mask_all(fault, by);
}

}  // namespace sluice::secrets
