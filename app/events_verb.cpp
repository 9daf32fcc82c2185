#include "app/event_text.hpp"
#include "app/run_follower.hpp"
#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <csignal>
#include <ctime>
#include <memory>

namespace sluice::app {

namespace {

constexpr std::int64_t page = 1000;
constexpr timespec look_interval = {.tv_sec = 0, .tv_nsec = 250'000'000};

struct chosen {
  std::string run;
  std::int64_t after = 0;
  std::optional<std::int64_t> limit;
  bool follow = false;
};

/// Waits until it is time to look for more events; gives the signal that said to stop, or 0.
int wait_for_more() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return std::max(0, sigtimedwait(&set, nullptr, &look_interval));
}

bool is_last_of_its_run(const store::event& what) {
  const auto state = what.type.rfind("run.", 0) == 0 ? store::run_state_from(what.type.substr(4)) : std::nullopt;
  return state && store::is_final(*state);
}

/// Calls `take` (giving whether to go on) with every event wanted, a page at a time; with those that come later too,
/// where they are followed: until the run ends, the limit is reached, or a signal says so. Gives the exit code.
template <class Take>
result<int> each_event(session& with, const chosen& what, Take&& take) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  std::string id;
  if (!what.run.empty()) {
    SLUICE_ASSIGN(const auto seen, from.find(what.run));
    id = seen.record.id;
  }
  auto left = what.limit.value_or(std::numeric_limits<std::int64_t>::max());
  for (auto after = what.after; left > 0;) {
    SLUICE_ASSIGN(const auto events, from.events(after, id, std::min(page, left)));
    for (const auto& each : events) {
      if (!take(each)) return exit_succeeded;
      if (what.follow && !id.empty() && is_last_of_its_run(each)) return exit_succeeded;
    }
    if (events.empty()) {
      if (!what.follow) return exit_succeeded;
      if (const int signal = wait_for_more(); signal != 0) return 128 + signal;
      continue;
    }
    after = events.back().cursor;
    left -= static_cast<std::int64_t>(events.size());
  }
  return exit_succeeded;
}

/// A line for each event: the columns of a table would have to be known before.
result<int> print_lines(session& with, const chosen& what) {
  auto& terminal = with.terminal;
  const auto faint = [&](const std::string& text) { return paint(text, style::dim, terminal.color_out()); };
  return each_event(with, what, [&](const store::event& each) {
    const auto how = is_alarming(each) ? style::red : style::plain;
    auto line = faint(std::to_string(each.cursor)) + "  " + faint(time_text(each.time)) + "  ";
    if (what.run.empty() && !each.run.empty()) line += each.pipeline + "  " + faint(short_id(each.run)) + "  ";
    return terminal.line(line + paint(event_text(each), how, terminal.color_out()));
  });
}

result<int> print_events(session& with, const chosen& what) {
  auto& terminal = with.terminal;
  if (what.follow) block_stop_signals();
  if (with.options.json)
    return each_event(with, what, [&](const store::event& each) {
      const auto text = store::cloud_event(each).dump();
      return what.follow ? terminal.line(text) : terminal.out(text + "\n");
    });
  if (what.follow) return print_lines(with, what);
  // Of one run the pipeline and the run are the same in each line.
  const bool of_all = what.run.empty();
  std::vector<table::column> columns = {{.title = "cursor", .right = true}, {.title = "time"}};
  if (of_all) {
    columns.push_back({.title = "pipeline", .shrink_to = 8});
    columns.push_back({.title = "run"});
  }
  columns.push_back({.title = "#", .right = true, .rank = 1});
  columns.push_back({.title = "type", .rank = of_all ? 2 : 0});  // `what` says it in words
  columns.push_back({.title = "what", .shrink_to = 32, .wraps = true});
  table shown(std::move(columns));
  SLUICE_ASSIGN(
      const int code, each_event(with, what, [&](const store::event& each) {
        std::vector<table::cell> row = {{std::to_string(each.cursor), style::dim}, {short_time_text(each.time)}};
        if (of_all) {
          row.push_back({each.pipeline});
          row.push_back({short_id(each.run), style::dim});
        }
        row.push_back({std::to_string(each.sequence)});
        row.push_back({each.type, is_alarming(each) ? style::red : style::plain});
        row.push_back({event_text(each), is_alarming(each) ? style::red : style::plain});
        shown.add(std::move(row));
        return true;
      }));
  if (shown.empty()) {
    if (!with.options.quiet) terminal.note("no events\n");
    return exit_succeeded;
  }
  terminal.out(shown.render(terminal.out_width(), terminal.color_out(), terminal.unicode()));
  return code;
}

result<int> print_log(session& with, const chosen& what) {
  auto& terminal = with.terminal;
  return each_event(with, what, [&](const store::event& each) {
    if (with.options.json) {
      const options line = {{"time", utc_text(each.time)},
                            {"level", is_alarming(each) ? "error" : "info"},
                            {"run", each.run},
                            {"message", event_text(each)}};
      return terminal.out(line.dump() + "\n");
    }
    const auto how = is_alarming(each) ? style::red : style::plain;
    return terminal.prose(paint(time_text(each.time), style::dim, terminal.color_out()) + "  " +
                          paint(event_text(each), how, terminal.color_out()) + "\n");
  });
}

const std::vector<std::pair<std::string, std::string>> following = {
    {"-f", "to follow a run: sluice watch, with -v for its log"},
    {"--follow", "to follow a run: sluice watch, with -v for its log"}};

std::vector<option_spec> paging(chosen& what) {
  return {{.names = {"--after"},
           .value = "CURSOR",
           .help = "only events after this cursor (cursors ascend over all runs)",
           .target = &what.after},
          {.names = {"--limit", "-n"}, .value = "N", .help = "maximum number of events", .target = &what.limit}};
}

}  // namespace

command events_verb() {
  auto what = std::make_shared<chosen>();
  auto options = paging(*what);
  options.push_back({.names = {"--follow", "-f"},
                     .value = "",
                     .help = "continue with events as they come, until RUN has ended or Ctrl-C",
                     .target = &what->follow});
  return {
      .takes =
          {.positionals = {{.name = "RUN",
                            .help = "an id, a unique prefix, a pipeline or last (default: all runs)",
                            .target = &what->run,
                            .required = false,
                            .offers = completes::run}},
           .options = std::move(options),
           .details =
               "With --json each line is a CloudEvents 1.0 object; a program that has kept the cursor of the last one "
               "continues with --after. To follow the progress of a run: sluice watch.\n"},
      .run = [what](session& with) { return print_events(with, *what); }};
}

command logs_verb() {
  auto what = std::make_shared<chosen>();
  what->run = "last";
  return {.takes = {.positionals = {{.name = "RUN",
                                     .help = "an id, a unique prefix, a pipeline or last (default: last)",
                                     .target = &what->run,
                                     .required = false,
                                     .offers = completes::run}},
                    .options = paging(*what),
                    .elsewhere = following},
          .run = [what](session& with) { return print_log(with, *what); }};
}

}  // namespace sluice::app
