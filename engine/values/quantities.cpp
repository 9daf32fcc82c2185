#include "engine/values/quantities.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

namespace sluice {

namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

struct unit_of_measure {
  std::string_view name;
  double factor;
};

constexpr unit_of_measure durations[] = {{"us", 1},     {"ms", 1e3},   {"s", 1e6},     {"sec", 1e6},      {"m", 60e6},
                                         {"min", 60e6}, {"h", 3600e6}, {"d", 86400e6}, {"w", 7 * 86400e6}};
constexpr unit_of_measure sizes[] = {{"", 1},
                                     {"b", 1},
                                     {"kb", 1e3},
                                     {"mb", 1e6},
                                     {"gb", 1e9},
                                     {"tb", 1e12},
                                     {"kib", 1024.0},
                                     {"mib", 1024.0 * 1024},
                                     {"gib", 1024.0 * 1024 * 1024},
                                     {"tib", 1024.0 * 1024 * 1024 * 1024}};

struct quantity {
  double number = 0;
  std::string unit;
};

// Takes one "1.5h" off the front of `text`; nothing where it does not begin with a number.
std::optional<quantity> take_quantity(std::string_view& text) {
  quantity taken;
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), taken.number, std::chars_format::fixed);
  if (problem != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  while (!text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) != 0) {
    taken.unit += lower(text[0]);
    text.remove_prefix(1);
  }
  return taken;
}

template <std::size_t Count>
const unit_of_measure* find_unit(const unit_of_measure (&units)[Count], std::string_view name) {
  const auto* found = std::find_if(units, units + Count, [&](const auto& u) { return u.name == name; });
  return found == units + Count ? nullptr : found;
}

}  // namespace

result<std::int64_t> parse_duration(std::string_view text) {
  const auto fault = [&] {
    return user_error("invalid_duration", "'" + std::string(text) + "' is not a duration",
                      "write a number with a unit: us, ms, s, m, h, d or w, as in 90s or 1h30m");
  };
  if (text == "0") return std::int64_t{0};
  auto rest = text;
  double total = 0;
  do {
    const auto part = take_quantity(rest);
    const auto* unit = part ? find_unit(durations, part->unit) : nullptr;
    if (unit == nullptr) return fault();
    total += part->number * unit->factor;
    while (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  } while (!rest.empty());
  if (total > 9e18)
    return user_error("invalid_duration", "the duration '" + std::string(text) + "' is too long",
                      "the longest duration is about 285,000 years");
  return static_cast<std::int64_t>(std::llround(total));
}

result<std::int64_t> parse_size(std::string_view text) {
  auto rest = text;
  const auto part = take_quantity(rest);
  const auto* unit = part ? find_unit(sizes, part->unit) : nullptr;
  if (unit == nullptr || !rest.empty())
    return user_error(
        "invalid_size", "'" + std::string(text) + "' is not a size",
        "write a number of bytes, or a number with a unit: kB, MB, GB, TB (1000) or KiB, MiB, GiB, TiB (1024)");
  const double bytes = part->number * unit->factor;
  if (bytes > 9e18)
    return user_error("invalid_size", "the size '" + std::string(text) + "' is too large",
                      "the largest size is about 8000000 TiB");
  return static_cast<std::int64_t>(std::llround(bytes));
}

}  // namespace sluice
