#pragma once

#include "app/session.hpp"
#include "engine/store/deliveries.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::app {

/// The words of `sluice notify`.
struct notify_request {
  std::string action;
  std::string name;
  std::string file;
  std::string channel;
  std::string pipeline;
  std::string run;
  bool pending = false;
  bool list = false;
  std::string length;
  std::string reason;
  std::string after;
  std::string since;
  std::string until;
  bool again = false;
  std::int64_t limit = 0;  ///< 0: not given
  std::vector<std::string> set;
};

/// Microseconds since 1970 UTC.
std::int64_t now_microseconds();

// What each action does, with the state folder.

result<int> list_rules(session& with, const notify_request& what);
result<int> list_deliveries(session& with, const notify_request& what);
result<int> test_channel(session& with, const notify_request& what);
result<int> send_now(session& with);
result<int> acknowledge_alert(session& with, const notify_request& what);
result<int> silence_events(session& with, const notify_request& what);
result<int> end_silence(session& with, const notify_request& what);
result<int> replay_events(session& with, const notify_request& what);
result<int> add_node_rules(session& with, const notify_request& what);
result<int> remove_node_rule(session& with, const notify_request& what);

/// The same at a node, by its HTTP API (--to).
result<int> notify_at_node(session& with, const notify_request& what);

/// Shows rules: each with pipeline, rule, when, channels (by name: kind, failing, disabled), pending, removed.
int show_rules(session& with, const options& rules);
int show_deliveries(session& with, const std::vector<store::delivery>& all);
/// Shows silences: each with id, when, since, until, reason.
int show_silences(session& with, const options& silences);
/// Shows what was sent once more: replay, events, deliveries, not_started.
int show_replay(session& with, const options& made);
int show_acknowledged(session& with, const std::string& alert, bool fresh);
int show_silenced(session& with, const std::string& silence, std::int64_t until);
/// Shows what became of a test of a channel (notify::to_json); gives the exit code.
int show_test(session& with, const options& made);

}  // namespace sluice::app
