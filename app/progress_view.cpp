#include "app/progress_view.hpp"

#include "app/console.hpp"
#include "app/text.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::app {

namespace {

// Columns of a unit's line. What does not fit is left out in this order: time left, rejected, rate, bar.
constexpr int share_width = 4;
constexpr int rate_width = 9;
constexpr int left_width = 13;
constexpr int smallest_bar = 8;
constexpr int widest_bar = 30;

struct layout {
  int name = 0;
  int rows = 0;
  int bar = 0;
  int rejected = 0;
  bool rate = true;
  bool left = true;
};

std::string rejected_text(const unit_view& unit) {
  return unit.rejected > 0 ? "  " + thousands(unit.rejected) + " rejected" : std::string{};
}

std::string waiting_text(const unit_view& unit) { return thousands(unit.waiting) + " rows wait on disk"; }

layout lay_out(const run_view& run, int width) {
  layout found;
  for (const auto& unit : run.units) {
    found.name = std::max(found.name, display_width(unit.name));
    found.rows = std::max(found.rows, display_width(thousands(unit.rows)));
    found.rejected = std::max(found.rejected, display_width(rejected_text(unit)));
  }
  found.name = std::min(found.name, std::max(8, width / 3));
  found.rows = std::max(found.rows, 7);
  const auto room_for_bar = [&] {
    const auto fixed = 2 + found.name + 2 + share_width + 2 + found.rows + 5 + (found.rate ? 2 + rate_width : 0) +
                       (found.left ? 2 + left_width : 0) + found.rejected;
    return std::min(widest_bar, width - fixed - 2);
  };
  if (room_for_bar() < smallest_bar) found.left = false;
  if (room_for_bar() < smallest_bar) found.rejected = 0;
  if (room_for_bar() < smallest_bar) found.rate = false;
  found.bar = room_for_bar() < smallest_bar ? 0 : room_for_bar();
  return found;
}

std::string right(const std::string& text, int width) {
  return std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ') + text;
}
std::string left(const std::string& text, int width) {
  return text + std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
}

std::string share_text(const std::optional<double>& share) {
  if (!share) return {};
  // 100 % is said only when all is done.
  return std::to_string(static_cast<int>(std::floor(std::clamp(*share, 0.0, 1.0) * 100 + 1e-9))) + "%";
}

/// A unit's own time left, from its share: units end at different times.
std::string left_text(const unit_view& unit, double seconds) {
  if (unit.state != "running" || !unit.share || *unit.share < 0.01 || *unit.share >= 1 || seconds < 0.5) return {};
  return clock_text(seconds * (1 - *unit.share) / *unit.share) + " left";
}

std::string unit_line(const unit_view& unit, const layout& place, double seconds, int width, bool color, bool unicode) {
  const bool finished = unit.state == "finished";
  const bool waiting = unit.state == "waiting";
  const auto mark = finished ? (unicode ? "✓" : "+") : waiting ? (unicode ? "·" : ".") : (unicode ? "▸" : ">");
  const auto how = finished ? style::green : waiting ? style::dim : style::cyan;
  const auto share = finished ? std::optional<double>(1.0) : unit.share;
  std::string text =
      paint(mark, how, color) + " " +
      paint(left(fit(unit.name, place.name, unicode), place.name), waiting ? style::dim : style::plain, color);
  int used = 2 + place.name;
  const auto add = [&](const std::string& part, int columns, style painted) {
    if (used + columns > width) return;
    text += paint(part, painted, color);
    used += columns;
  };
  if (place.bar > 0) {
    add("  ", 2, style::plain);
    add(share ? bar(*share, place.bar, unicode) : std::string(static_cast<std::size_t>(place.bar), ' '), place.bar,
        how);
  }
  add("  " + right(share_text(share), share_width), 2 + share_width, style::plain);
  add("  " + right(waiting ? "" : thousands(unit.rows), place.rows) + (waiting ? "     " : " rows"), 7 + place.rows,
      style::plain);
  if (place.rate)
    add("  " + right(unit.state == "running" ? rate_text(unit.rows_per_second) : "", rate_width), 2 + rate_width,
        style::dim);
  if (place.left) add("  " + left(left_text(unit, seconds), left_width), 2 + left_width, style::dim);
  const auto rejected = rejected_text(unit);
  add(rejected, display_width(rejected), style::yellow);
  return text;
}

}  // namespace

std::vector<std::string> progress_lines(const run_view& run, int width, bool color, bool unicode) {
  // The last column stays free: terminals wrap when it is written.
  width = std::max(20, width) - 1;
  const auto place = lay_out(run, width);
  std::vector<std::string> lines;
  std::uint64_t rejected = 0;
  for (const auto& unit : run.units) {
    lines.push_back(unit_line(unit, place, run.seconds, width, color, unicode));
    rejected += unit.rejected;
    if (unit.down.empty() && unit.waiting == 0) continue;
    const auto told = unit.down.empty()
                          ? "  " + waiting_text(unit)
                          : "  " + (unit.waiting > 0 ? waiting_text(unit) + ", " : "") + "not reached since " +
                                time_text(unit.down_since) + ": " + printable(unit.down);
    lines.push_back(paint(fit(told, width, unicode), style::yellow, color));
  }
  std::string total = run.pipeline + ": " + run.state + ", " + duration_text(std::floor(run.seconds * 10) / 10);
  if (run.seconds < 1) total = run.pipeline + ": " + run.state;
  if (run.seconds_left) total += ", " + clock_text(*run.seconds_left) + " left";
  if (rejected > 0) total += ", " + thousands(rejected) + " rejected";
  lines.push_back(paint(fit(total, width, unicode), style::dim, color));
  return lines;
}

std::string progress_line(const run_view& run) {
  std::string text = run.pipeline + ": " + run.state + " " + duration_text(run.seconds);
  std::uint64_t rejected = 0;
  for (const auto& unit : run.units) rejected += unit.rejected;
  if (run.seconds_left) text += ", " + clock_text(*run.seconds_left) + " left";
  if (rejected > 0) text += ", " + thousands(rejected) + " rejected";
  for (const auto& unit : run.units) {
    if (unit.state == "waiting") continue;
    text += "; " + unit.name + " " + thousands(unit.rows) + " rows";
    if (unit.share && unit.state == "running") text += " (" + share_text(unit.share) + ")";
    if (unit.state == "running") text += " " + rate_text(unit.rows_per_second);
    if (unit.waiting > 0) text += " (" + waiting_text(unit) + ")";
    if (!unit.down.empty()) text += " (not reached since " + time_text(unit.down_since) + ")";
  }
  return text;
}

std::string live_display::draw(const std::vector<std::string>& lines, int height) {
  const auto room = static_cast<std::size_t>(std::max(1, height - 1));
  const auto first = lines.size() > room ? lines.size() - room : 0;
  // Each line is overwritten and only its rest erased, in one write: nothing flickers.
  std::string text = drawn_ > 0 ? "\x1b[" + std::to_string(drawn_) + "F" : "\r";
  for (auto i = first; i < lines.size(); ++i) text += lines[i] + "\x1b[K\n";
  text += "\x1b[J";
  drawn_ = lines.size() - first;
  return text;
}

std::string live_display::clear() {
  if (drawn_ == 0) return {};
  std::string text = "\x1b[" + std::to_string(drawn_) + "F\x1b[J";
  drawn_ = 0;
  return text;
}

}  // namespace sluice::app
