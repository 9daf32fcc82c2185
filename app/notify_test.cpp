#include "app/notify_request.hpp"
#include "app/planning.hpp"
#include "app/text.hpp"
#include "config/load.hpp"
#include "engine/notify/probe.hpp"

namespace sluice::app {

namespace {

/// Of a pipeline that need not have run yet.
result<notify::channel_test> test_in_file(const notify_request& what) {
  SLUICE_ASSIGN(auto set, parse_set(what.set));
  diagnostics faults;
  config::load_options given;
  given.set = std::move(set);
  const auto loaded = config::load_pipeline(what.file, given, faults);
  if (!faults.empty()) return faults.front();
  SLUICE_ASSIGN(const auto found, notify::find_channel(loaded->subscriptions, what.pipeline, what.name));
  return notify::test_channel(found);
}

result<notify::channel_test> test_known(session& with, const notify_request& what) {
  if (!what.file.empty()) return test_in_file(what);
  SLUICE_ASSIGN(const auto store, with.open_store());
  return notify::test_channel(*store, what.pipeline, what.name);
}

}  // namespace

result<int> test_channel(session& with, const notify_request& what) {
  if (what.name.empty())
    return user_error("bad_arguments", "sluice notify test needs the name of a channel",
                      "sluice notify list shows them; for a pipeline that has not run yet: --file FILE");
  SLUICE_ASSIGN(const auto made, test_known(with, what));
  return show_test(with, notify::to_json(made));
}

int show_test(session& with, const options& made) {
  const bool good = made.value("delivered", false);
  if (with.options.json) {
    with.terminal.out(made.dump(2) + "\n");
    return good ? exit_succeeded : exit_failed;
  }
  const auto answer = made.value("answer", "");
  for (const auto& step : made["steps"]) with.terminal.out("  " + printable(step.text()) + "\n");
  with.terminal.out(made.value("channel", "") + " of " + made.value("pipeline", "") + ": " +
                    (good ? "delivered in " : "not delivered after ") + duration_text(made.value("seconds", 0.0)) +
                    (answer.empty() ? "" : ": " + printable(answer)) + "\n");
  return good ? exit_succeeded : exit_failed;
}

}  // namespace sluice::app
