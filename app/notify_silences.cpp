#include "app/notify_request.hpp"
#include "app/run_records.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "engine/notify/condition.hpp"
#include "engine/notify/silences.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/uuid.hpp"

namespace sluice::app {

int show_silences(session& with, const options& silences) {
  if (with.options.json) {
    with.terminal.out(silences.dump(2) + "\n");
    return exit_succeeded;
  }
  table shown({{.title = "silence"},
               {.title = "when", .shrink_to = 16, .wraps = true},
               {.title = "time"},
               {.title = "reason", .shrink_to = 8}});
  for (const auto& one : silences) {
    auto when = one.value("when", "");
    if (when.empty()) when = "true";
    if (!one.contains("cron")) {
      shown.add({{one.value("id", "")},
                 {when},
                 {"until " + time_text(one.value("until", std::int64_t{0}))},
                 {printable(one.value("reason", ""))}});
      continue;
    }
    const auto length = duration_text(static_cast<double>(one.value("for", std::int64_t{0})) / 1e6);
    shown.add({{one.value("name", "") + " of " + one.value("pipeline", "")},
               {when},
               {"cron " + one.value("cron", "") + " (" + one.value("timezone", "UTC") + "), for " + length},
               {"from the pipeline's file"}});
  }
  if (shown.empty())
    with.terminal.note("no silences\n");
  else
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  return exit_succeeded;
}

namespace {

result<int> list_silences(session& with) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const auto given, store::deliveries_of(*store).silences(now_microseconds()));
  SLUICE_ASSIGN(const auto subscriptions, store::deliveries_of(*store).subscriptions());
  options all = options::array();
  for (const auto& one : given)
    all.push_back(
        {{"id", one.id}, {"when", one.when}, {"since", one.since}, {"until", one.until}, {"reason", one.reason}});
  for (const auto& one : notify::planned_silences(subscriptions)) all.push_back(one);
  return show_silences(with, all);
}

}  // namespace

int show_silenced(session& with, const std::string& silence, std::int64_t until) {
  if (with.options.json)
    with.terminal.out(options{{"id", silence}, {"until", until}}.dump() + "\n");
  else if (!with.options.quiet)
    with.terminal.note("no notification of matching events is sent until " + time_text(until) +
                       "; to end it earlier: sluice notify unsilence " + silence + "\n");
  return exit_succeeded;
}

result<int> silence_events(session& with, const notify_request& what) {
  if (what.list || what.name.empty()) return list_silences(with);
  diagnostics faults;
  if (notify::condition::bind(what.name, {}, {}, faults) == nullptr) {
    auto problem = faults.front();
    problem.hint += problem.hint.empty() ? "sluice help events lists what can be named" : "";
    return problem;
  }
  if (what.length.empty())
    return user_error("bad_arguments", "sluice notify silence needs --for: how long", "for example: --for 2h");
  SLUICE_ASSIGN(const auto length, parse_duration(what.length));
  if (length <= 0) return user_error("bad_arguments", "--for must be above zero", "for example: --for 2h");
  SLUICE_ASSIGN(const auto store, with.open_store());
  store::silence made{.id = uuid_v7().substr(24, 8),
                      .when = what.name,
                      .since = now_microseconds(),
                      .until = now_microseconds() + length,
                      .reason = what.reason};
  SLUICE_TRY(store::deliveries_of(*store).add_silence(made));
  return show_silenced(with, made.id, made.until);
}

result<int> end_silence(session& with, const notify_request& what) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const bool found, store::deliveries_of(*store).end_silence(what.name));
  if (!found)
    return user_error("unknown_silence", "there is no silence " + what.name, "sluice notify silence --list shows them");
  if (!with.options.quiet && !with.options.json) with.terminal.note("silence " + what.name + " is over\n");
  return exit_succeeded;
}

}  // namespace sluice::app
