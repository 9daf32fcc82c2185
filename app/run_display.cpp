#include "app/run_display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace sluice::app {

namespace {

int terminal_height() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

std::string text_at(const options& of, const char* name) {
  const auto found = of.find(name);
  return found != of.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

double number_at(const options& of, const char* name, double otherwise = 0) {
  const auto found = of.find(name);
  return found != of.end() && found->is_number() ? found->get<double>() : otherwise;
}

}  // namespace

run_view view_of(const options& progress) {
  run_view run;
  if (!progress.is_object()) return run;
  run.pipeline = text_at(progress, "pipeline");
  run.state = text_at(progress, "state");
  run.seconds = number_at(progress, "running_seconds");
  if (const auto left = number_at(progress, "left_seconds", -1); left >= 0) run.seconds_left = left;
  const auto units = progress.find("units");
  if (units == progress.end() || !units->is_array()) return run;
  for (const auto& each : *units) {
    if (!each.is_object()) continue;
    unit_view unit;
    unit.name = text_at(each, "unit");
    unit.state = text_at(each, "state");
    unit.rows = static_cast<std::uint64_t>(number_at(each, "in"));
    unit.rejected = static_cast<std::uint64_t>(number_at(each, "rejected"));
    unit.waiting = static_cast<std::uint64_t>(number_at(each, "waiting"));
    unit.rows_per_second = number_at(each, "rows_per_second");
    if (const auto done = number_at(each, "done", -1); done >= 0) unit.share = done;
    if (const auto down = each.find("down"); down != each.end() && down->is_object()) {
      unit.down = text_at(*down, "message");
      unit.down_since = static_cast<std::int64_t>(number_at(*down, "since"));
    }
    run.units.push_back(std::move(unit));
  }
  return run;
}

run_display::run_display(session& with, bool shared) : with_(with), next_plain_(clock::now() + plain_interval) {
  const auto wish = with.options.progress;
  if (wish == progress_mode::none || with.options.quiet || (with.options.json && wish == progress_mode::automatic)) {
    form_ = form::none;
  } else if (wish == progress_mode::plain || !with.terminal.can_redraw() || shared) {
    form_ = form::plain;
  } else {
    form_ = form::live;
  }
}

void run_display::show(const run_view& view) {
  auto& terminal = with_.terminal;
  if (form_ == form::live) {
    terminal.note_as_it_is(live_.draw(
        progress_lines(view, terminal.err_width(), terminal.color_err(), terminal.unicode()), terminal_height()));
  } else if (form_ == form::plain && clock::now() >= next_plain_) {
    next_plain_ = clock::now() + plain_interval;
    terminal.note(progress_line(view) + "\n");
  }
}

void run_display::say(const std::string& line) {
  if (form_ == form::live) with_.terminal.note_as_it_is(live_.clear());
  with_.terminal.note(line + "\n");
}

void run_display::end() {
  if (form_ == form::live) with_.terminal.note_as_it_is(live_.clear());
}

}  // namespace sluice::app
