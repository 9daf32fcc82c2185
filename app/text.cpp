#include "app/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace sluice::app {

namespace {

template <class... Arguments>
std::string format(const char* pattern, Arguments... arguments) {
  std::array<char, 64> text = {};
  std::snprintf(text.data(), text.size(), pattern, arguments...);
  return text.data();
}

std::int64_t now_microseconds() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/// One character of UTF-8: its code point (or -1 where the bytes are none) and its length in bytes.
struct character {
  std::int32_t code = -1;
  std::size_t length = 1;
};

character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead > 0xf4 || text.size() < length) return {};
  std::int32_t code = lead & (0xff >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = (code << 6) | (next & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, length};
}

struct range {
  std::int32_t first, last;
};

/// After Unicode's EastAsianWidth.txt (W and F) and the combining blocks, as far as data shows them.
constexpr range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},  {0x3400, 0x4dbf},
                          {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},  {0xf900, 0xfaff},
                          {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                          {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
constexpr range combining[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
                               {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x20d0, 0x20ff},
                               {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

template <std::size_t Size>
bool among(const range (&ranges)[Size], std::int32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [code](const range& each) { return code >= each.first && code <= each.last; });
}

int width_of(std::int32_t code) {
  if (code < 0x300) return 1;
  if (among(combining, code)) return 0;
  return among(wide, code) ? 2 : 1;
}

/// Local time: of today the time alone, else by the pattern for days of this year or for those of others.
std::string local_text(std::int64_t microseconds, const char* this_year, const char* other_years) {
  if (microseconds == 0) return {};
  const auto local = [](std::int64_t value) {
    const auto seconds = static_cast<std::time_t>(value / 1000000);
    std::tm broken = {};
    localtime_r(&seconds, &broken);
    return broken;
  };
  const auto then = local(microseconds);
  const auto today = local(now_microseconds());
  const bool same_year = then.tm_year == today.tm_year;
  std::array<char, 32> text = {};
  std::strftime(text.data(), text.size(),
                same_year && then.tm_yday == today.tm_yday ? "%H:%M:%S"
                : same_year                                ? this_year
                                                           : other_years,
                &then);
  return text.data();
}

}  // namespace

std::string thousands(std::uint64_t value) {
  auto text = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string rate_text(double rows_per_second) {
  const char* unit = "/s";
  if (rows_per_second >= 999.5e6) {
    rows_per_second /= 1e9;
    unit = "G/s";
  } else if (rows_per_second >= 999.5e3) {
    rows_per_second /= 1e6;
    unit = "M/s";
  } else if (rows_per_second >= 9995) {
    rows_per_second /= 1e3;
    unit = "k/s";
  } else {
    return format("%.0f/s", rows_per_second);
  }
  return format(rows_per_second >= 99.95 ? "%.0f" : rows_per_second >= 9.995 ? "%.1f" : "%.2f", rows_per_second) + unit;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1023.5 && unit + 1 < units.size(); ++unit) value /= 1024;
  return format(value >= 99.5 ? "%.0f %s" : "%.1f %s", value, units.at(unit));
}

std::string duration_text(double seconds) {
  if (seconds < 0.9995) return format("%.3f s", std::max(seconds, 0.0));
  if (seconds < 59.95) return format("%.1f s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 3600) return format("%lld min %02lld s", whole / 60, whole % 60);
  return format("%lld h %02lld min", whole / 3600, whole / 60 % 60);
}

std::string clock_text(double seconds) {
  const auto whole = std::llround(std::ceil(std::max(seconds, 0.0)));
  if (whole < 60) return format("%lld s", whole);
  if (whole < 3600) return format("%lld:%02lld", whole / 60, whole % 60);
  return format("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string bar(double share, int width, bool unicode) {
  if (width <= 0) return {};
  share = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
  std::string text;
  if (!unicode) {
    const auto full = static_cast<int>(share * width);
    text.append(static_cast<std::size_t>(full), '#');
    text.append(static_cast<std::size_t>(width - full), '.');
    return text;
  }
  constexpr std::array parts = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<int>(share * width * 8);
  int columns = eighths / 8;
  for (int i = 0; i < columns; ++i) text += "█";
  if (eighths % 8 != 0) {
    text += parts.at(static_cast<std::size_t>(eighths % 8));
    ++columns;
  }
  text.append(static_cast<std::size_t>(width - columns), ' ');
  return text;
}

std::string time_text(std::int64_t microseconds) {
  return local_text(microseconds, "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S");
}

std::string short_time_text(std::int64_t microseconds) { return local_text(microseconds, "%m-%d %H:%M", "%Y-%m-%d"); }

std::string ago_text(std::int64_t microseconds) {
  if (microseconds == 0) return {};
  const auto seconds = std::max<std::int64_t>(0, (now_microseconds() - microseconds) / 1000000);
  if (seconds < 60) return format("%lld s ago", static_cast<long long>(seconds));
  if (seconds < 3600) return format("%lld min ago", static_cast<long long>(seconds / 60));
  if (seconds < 48 * 3600) return format("%lld h ago", static_cast<long long>(seconds / 3600));
  return format("%lld d ago", static_cast<long long>(seconds / 86400));
}

int display_width(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const auto each = first_character(text);
    columns += each.code < 0 ? 1 : width_of(each.code);
    text.remove_prefix(each.length);
  }
  return columns;
}

std::size_t bytes_within(std::string_view text, int width) {
  std::size_t bytes = 0;
  for (int columns = 0; bytes < text.size();) {
    const auto each = first_character(text.substr(bytes));
    columns += each.code < 0 ? 1 : width_of(each.code);
    if (columns > width) break;
    bytes += each.length;
  }
  return bytes;
}

std::string fit(std::string_view text, int width, bool unicode) {
  if (width <= 0) return {};
  if (display_width(text) <= width) return std::string(text);
  return std::string(text.substr(0, bytes_within(text, width - 1))) + (unicode ? "…" : ".");
}

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const auto each = first_character(text);
    if (each.code < 0) {
      clean += "\xef\xbf\xbd";
    } else if (each.code == '\n') {
      clean += "\\n";
    } else if (each.code == '\t') {
      clean += "\\t";
    } else if (each.code == '\r') {
      clean += "\\r";
    } else if (each.code < 0x20 || (each.code >= 0x7f && each.code < 0xa0)) {
      clean += format("\\x%02x", static_cast<unsigned>(each.code));
    } else {
      clean += text.substr(0, each.length);
    }
    text.remove_prefix(each.length);
  }
  return clean;
}

}  // namespace sluice::app
