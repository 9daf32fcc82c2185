#include "engine/clients/postgres/numeric.hpp"

#include "engine/values/powers_of_ten.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace sluice::postgres {

namespace {

constexpr std::uint64_t base = 10'000;
constexpr std::uint16_t negative = 0x4000;
constexpr std::uint16_t not_a_number = 0xC000;
constexpr std::uint16_t plus_infinity = 0xD000;
constexpr std::uint16_t minus_infinity = 0xF000;
constexpr std::size_t header = 8;

/// Writes groups of four digits, of which `whole` stand before the point.
void put_groups(byte_buffer& out, const std::uint16_t* groups, int count, int whole, bool minus, int scale) {
  int first = 0;
  while (first < count && groups[first] == 0) ++first;
  while (count > first && groups[count - 1] == 0) --count;
  const int digits = count - first;
  out.reserve(4 + header + static_cast<std::size_t>(digits) * 2);
  out.put32(static_cast<std::uint32_t>(header + static_cast<std::size_t>(digits) * 2));
  out.put16(static_cast<std::uint16_t>(digits));
  out.put16(static_cast<std::uint16_t>(digits == 0 ? 0 : whole - first - 1));
  out.put16(minus && digits > 0 ? negative : 0);
  out.put16(static_cast<std::uint16_t>(scale));
  for (int at = first; at < count; ++at) out.put16(groups[at]);
}

std::uint16_t read16(const char* at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(at[0]) << 8U) | static_cast<unsigned char>(at[1]));
}

struct numeric_parts {
  int digits = 0;
  int weight = 0;
  std::uint16_t sign = 0;
  int scale = 0;
  const char* first = nullptr;

  [[nodiscard]] bool finite() const { return sign == 0 || sign == negative; }
  [[nodiscard]] std::uint16_t digit(int at) const { return read16(first + static_cast<std::ptrdiff_t>(at) * 2); }
};

std::optional<numeric_parts> parts_of(std::string_view bytes) {
  if (bytes.size() < header) return {};
  numeric_parts made{.digits = static_cast<std::int16_t>(read16(bytes.data())),
                     .weight = static_cast<std::int16_t>(read16(bytes.data() + 2)),
                     .sign = read16(bytes.data() + 4),
                     .scale = read16(bytes.data() + 6),
                     .first = bytes.data() + header};
  if (made.digits < 0 || bytes.size() != header + static_cast<std::size_t>(made.digits) * 2) return {};
  for (int at = 0; at < made.digits; ++at)
    if (made.digit(at) >= base) return {};
  return made;
}

constexpr int most_digits = 38;

int128 power_of_ten(int exponent) {
  int128 made = 1;
  for (int at = 0; at < exponent; ++at) made *= 10;
  return made;
}

}  // namespace

void put_numeric(byte_buffer& out, std::int64_t unscaled, int scale) {
  // The fraction filled up to whole groups must fit into 64 bits.
  constexpr int longest_fraction = 16;
  if (scale > longest_fraction) return put_numeric(out, std::to_string(unscaled), scale);
  const bool minus = unscaled < 0;
  const auto size = minus ? 0 - static_cast<std::uint64_t>(unscaled) : static_cast<std::uint64_t>(unscaled);
  const int fraction_groups = (scale + 3) / 4;
  auto before = size / whole_powers_of_ten[scale];
  auto behind = size % whole_powers_of_ten[scale] * whole_powers_of_ten[fraction_groups * 4 - scale];
  std::array<std::uint16_t, 16> groups{};
  constexpr int whole_groups = 5;
  for (int at = whole_groups - 1; at >= 0 && before > 0; --at) {
    groups[static_cast<std::size_t>(at)] = static_cast<std::uint16_t>(before % base);
    before /= base;
  }
  for (int at = whole_groups + fraction_groups - 1; at >= whole_groups && behind > 0; --at) {
    groups[static_cast<std::size_t>(at)] = static_cast<std::uint16_t>(behind % base);
    behind /= base;
  }
  put_groups(out, groups.data(), whole_groups + fraction_groups, whole_groups, minus, scale);
}

void put_numeric(byte_buffer& out, std::string_view unscaled, int scale) {
  const bool minus = unscaled.starts_with('-');
  if (minus) unscaled.remove_prefix(1);
  const int digits = static_cast<int>(unscaled.size());
  const int whole = digits - scale;  // digits before the point; may be negative
  const int whole_groups = whole > 0 ? (whole + 3) / 4 : 0;
  const int fraction_groups = (scale + 3) / 4;
  std::array<std::uint16_t, 64> groups{};
  for (int at = 0; at < digits; ++at) {
    // The place of a digit counted from the first one of the first group.
    const int place = whole_groups * 4 - whole + at;
    auto& group = groups.at(static_cast<std::size_t>(place / 4));
    constexpr std::array<std::uint16_t, 4> of_place = {1000, 100, 10, 1};
    group = static_cast<std::uint16_t>(group + of_place[static_cast<std::size_t>(place % 4)] *
                                                   (unscaled[static_cast<std::size_t>(at)] - '0'));
  }
  put_groups(out, groups.data(), whole_groups + fraction_groups, whole_groups, minus, scale);
}

numeric_reading read_numeric(std::string_view bytes, int precision, int scale, int128& out) {
  const auto parts = parts_of(bytes);
  if (!parts) return numeric_reading::damaged;
  if (!parts->finite()) return numeric_reading::not_a_number;
  const auto too_many = [&] {
    return parts->weight * 4 >= precision - scale ? numeric_reading::too_long : numeric_reading::inexact;
  };
  int128 sum = 0;
  int exponent = 0;  // of the last digit of a group, in units of the result
  for (int at = 0; at < parts->digits; ++at) {
    exponent = 4 * (parts->weight - at) + scale;
    // The last group may reach behind the places that there are: then its end must be zeros.
    const int kept = std::clamp(4 + exponent, 0, 4);
    const int divisor = static_cast<int>(power_of_ten(4 - kept));
    if (parts->digit(at) % divisor != 0) return numeric_reading::inexact;
    if (__builtin_mul_overflow(sum, power_of_ten(kept), &sum) ||
        __builtin_add_overflow(sum, static_cast<int128>(parts->digit(at) / divisor), &sum))
      return too_many();
  }
  if (sum != 0 && exponent > 0 && (exponent > most_digits || __builtin_mul_overflow(sum, power_of_ten(exponent), &sum)))
    return numeric_reading::too_long;
  if (sum >= power_of_ten(precision)) return numeric_reading::too_long;
  out = parts->sign == negative ? -sum : sum;
  return numeric_reading::good;
}

std::optional<std::string> numeric_text(std::string_view bytes) {
  const auto parts = parts_of(bytes);
  if (!parts) return {};
  if (parts->sign == plus_infinity) return "Infinity";
  if (parts->sign == minus_infinity) return "-Infinity";
  if (parts->sign == not_a_number) return "NaN";
  if (!parts->finite()) return {};
  std::string text = parts->sign == negative ? "-" : "";
  const auto group = [&](int weight) {
    const int at = parts->weight - weight;
    const auto digit = at < 0 || at >= parts->digits ? std::uint16_t{0} : parts->digit(at);
    auto written = std::to_string(digit);
    return std::string(4 - written.size(), '0') + written;
  };
  std::string whole;
  for (int weight = parts->weight; weight >= 0; --weight) whole += group(weight);
  const auto first = whole.find_first_not_of('0');
  text += first == std::string::npos ? "0" : whole.substr(first);
  if (parts->scale == 0) return text;
  std::string fraction;
  for (int weight = -1; static_cast<int>(fraction.size()) < parts->scale; --weight) fraction += group(weight);
  return text + "." + fraction.substr(0, static_cast<std::size_t>(parts->scale));
}

}  // namespace sluice::postgres
