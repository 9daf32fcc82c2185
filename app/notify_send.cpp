#include "app/notify_request.hpp"
#include "app/pending_notifications.hpp"
#include "app/text.hpp"
#include "engine/notify/replay.hpp"
#include "engine/schedule/times.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/values/quantities.hpp"

#include <charconv>
#include <chrono>

namespace sluice::app {

result<int> send_now(session& with) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const auto before, store::deliveries_of(*store).make_due(now_microseconds()));
  // Long enough for every receiver to answer, or not to.
  const auto left = send_pending(with, store, {}, std::chrono::minutes(1));
  if (with.options.json) {
    with.terminal.out(options{{"pending_before", before}, {"pending", left}}.dump() + "\n");
  } else if (left == 0 && !with.options.quiet) {
    with.terminal.note("nothing is pending\n");
  }
  return left == 0 ? exit_succeeded : exit_failed;
}

result<int> acknowledge_alert(session& with, const notify_request& what) {
  if (what.name.empty())
    return user_error("bad_arguments", "sluice notify ack needs the id of an alert", "it is in every message about it");
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const bool known, store::deliveries_of(*store).has_alert(what.name));
  if (!known)
    return user_error("unknown_alert", "there is no open alert " + what.name,
                      "its id is in every message about it; an alert that was resolved needs nothing");
  SLUICE_ASSIGN(const bool fresh, store::deliveries_of(*store).acknowledge(what.name));
  return show_acknowledged(with, what.name, fresh);
}

int show_acknowledged(session& with, const std::string& alert, bool fresh) {
  if (!with.options.quiet && !with.options.json)
    with.terminal.note(fresh ? "alert " + alert + " is acknowledged: it is not repeated and not escalated\n"
                             : "alert " + alert + " was acknowledged before\n");
  if (with.options.json) with.terminal.out(options{{"alert", alert}, {"acknowledged", true}}.dump() + "\n");
  return exit_succeeded;
}

namespace {

/// What `notify replay` waits for its messages to be sent, where no other process does it.
constexpr auto replay_wait = std::chrono::seconds(10);

result<std::optional<std::int64_t>> cursor_of(const std::string& text, const char* option) {
  if (text.empty()) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < 0)
    return user_error("bad_arguments", std::string(option) + " must be a cursor, found '" + text + "'",
                      "sluice events shows the cursor of each event (data.cursor)");
  return std::optional(value);
}

/// A time, or how long ago.
result<std::optional<std::int64_t>> time_of(const std::string& text) {
  if (text.empty()) return std::optional<std::int64_t>();
  if (const auto ago = parse_duration(text); ago.ok()) return std::optional(now_microseconds() - *ago);
  auto time = schedule::parse_time(text, "UTC");
  if (time.ok()) return std::optional(*time);
  return user_error("bad_arguments", "--since must be a time or how long ago, found '" + text + "'",
                    "for example: --since 2024-05-01T05:00Z, or --since 2h");
}

}  // namespace

result<int> replay_events(session& with, const notify_request& what) {
  if (what.name.empty())
    return user_error("bad_arguments", "sluice notify replay needs the name of a rule: PIPELINE/RULE",
                      "sluice notify list shows them");
  if (what.after.empty() && what.since.empty() && what.run.empty())
    return user_error("bad_arguments", "sluice notify replay needs to know which events: --run, --since or --after",
                      "for example: sluice notify replay " + what.name + " --run last");
  notify::replay_request wanted{.subscription = what.name, .channel = what.channel, .again = what.again};
  if (what.limit > 0) wanted.limit = what.limit;
  SLUICE_ASSIGN(wanted.after, cursor_of(what.after, "--after"));
  SLUICE_ASSIGN(wanted.until, cursor_of(what.until, "--until"));
  SLUICE_ASSIGN(wanted.since, time_of(what.since));
  SLUICE_ASSIGN(const auto store, with.open_store());
  if (!what.run.empty()) {
    SLUICE_ASSIGN(const auto run, store->find_run(what.run));
    wanted.run = run.id;
  }
  SLUICE_ASSIGN(const auto made, notify::replay(*store, wanted, now_microseconds()));
  if (made.events > 0) send_pending(with, store, wanted.run, replay_wait);
  return show_replay(
      with,
      {{"replay", made.id}, {"events", made.events}, {"deliveries", made.deliveries}, {"not_started", made.left_out}});
}

int show_replay(session& with, const options& made) {
  const auto events = made.value("events", std::int64_t{0});
  if (with.options.json) {
    with.terminal.out(made.dump() + "\n");
  } else if (!with.options.quiet) {
    const auto count = thousands(static_cast<std::uint64_t>(events)) + (events == 1 ? " event" : " events");
    with.terminal.note(events == 0 ? "no event matches: nothing is sent\n"
                                   : "replay " + made.value("replay", "") + ": " + count +
                                         "; sluice notify deliveries shows what became of them\n");
    for (const auto& pipeline : made["not_started"])
      with.terminal.note(pipeline.text() + " is not started again; with --again it is\n");
  }
  return exit_succeeded;
}

}  // namespace sluice::app
