#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::app {

/// 336776 -> "336,776".
std::string thousands(std::uint64_t value);
/// Rows a second with three significant digits: "812/s", "24.3k/s", "1.21M/s".
std::string rate_text(double rows_per_second);
/// "512 B", "3.4 KiB", "1.2 GiB".
std::string bytes_text(std::uint64_t bytes);
/// "0.042 s", "12.3 s", "4 min 05 s", "2 h 03 min".
std::string duration_text(double seconds);
/// Time left, coarser: "3 s", "1:05", "2:03:10".
std::string clock_text(double seconds);
/// Share of one as a bar of `width` columns, with eighths of a block where `unicode`.
std::string bar(double share, int width, bool unicode);
/// Local time of microseconds since 1970: "2024-05-01 13:05:09", without the day where it is today's.
std::string time_text(std::int64_t microseconds);
/// The same in at most eleven characters: "13:05:09", "05-01 13:05" for other days, "2024-05-01" for other years.
std::string short_time_text(std::int64_t microseconds);
/// "12 s ago", "5 min ago", "3 h ago", "2 d ago".
std::string ago_text(std::int64_t microseconds);

/// Columns that UTF-8 text takes on a terminal: combining marks none, East Asian wide characters two.
int display_width(std::string_view text);
/// Bytes of the characters that take at most `width` columns.
std::size_t bytes_within(std::string_view text, int width);
/// At most `width` columns, the last one an ellipsis where something was cut.
std::string fit(std::string_view text, int width, bool unicode);
/// Control characters as escapes, broken UTF-8 as U+FFFD, so that data can't move the cursor.
std::string printable(std::string_view text);

}  // namespace sluice::app
