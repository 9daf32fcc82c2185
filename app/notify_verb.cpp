#include "app/notify_request.hpp"
#include "app/planning.hpp"
#include "app/verbs.hpp"

#include <chrono>
#include <memory>

namespace sluice::app {

std::int64_t now_microseconds() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

namespace {

result<int> run(session& with, const notify_request& what) {
  const bool rules = what.action == "add" || what.action == "remove";
  if (!with.options.to.empty() && !rules) return notify_at_node(with, what);
  if (what.action.empty() || what.action == "list") return list_rules(with, what);
  if (what.action == "test") return test_channel(with, what);
  if (what.action == "deliveries") return list_deliveries(with, what);
  if (what.action == "flush") return send_now(with);
  if (what.action == "silence") return silence_events(with, what);
  if (what.action == "unsilence") return end_silence(with, what);
  if (what.action == "replay") return replay_events(with, what);
  if (what.action == "add") return add_node_rules(with, what);
  if (what.action == "remove") return remove_node_rule(with, what);
  return acknowledge_alert(with, what);
}

}  // namespace

command notify_verb() {
  auto what = std::make_shared<notify_request>();
  return {
      .takes = {.positionals =
                    {{.name = "ACTION",
                      .help = "list (default), deliveries, test, flush, replay, add, remove, ack, silence or unsilence",
                      .target = &what->action,
                      .required = false,
                      .choices = {"list", "deliveries", "test", "flush", "replay", "add", "remove", "ack", "silence",
                                  "unsilence"}},
                     {.name = "NAME",
                      .help = "test: the channel; replay, remove: the rule; add: a file; ack: the alert; silence: a "
                              "condition, as in when",
                      .target = &what->name,
                      .required = false}},
                .options = {{.names = {"--pipeline"},
                             .value = "PIPELINE",
                             .help = "only this pipeline",
                             .target = &what->pipeline},
                            {.names = {"--channel"},
                             .value = "CHANNEL",
                             .help = "deliveries, replay: only to this channel",
                             .target = &what->channel},
                            {.names = {"--run"},
                             .value = "RUN",
                             .help = "deliveries, replay: only of this run",
                             .target = &what->run,
                             .offers = completes::run},
                            {.names = {"--pending"},
                             .value = {},
                             .help = "deliveries: only those that wait",
                             .target = &what->pending},
                            {.names = {"--limit", "-n"},
                             .value = "N",
                             .help = "maximum number (deliveries: 30; replay: 1000 events)",
                             .target = &what->limit},
                            {.names = {"--after"},
                             .value = "CURSOR",
                             .help = "replay: only events after this cursor",
                             .target = &what->after},
                            {.names = {"--since"},
                             .value = "TIME",
                             .help = "replay: only events from this time on, or how long ago (2h)",
                             .target = &what->since},
                            {.names = {"--until"},
                             .value = "CURSOR",
                             .help = "replay: only events up to this cursor",
                             .target = &what->until},
                            {.names = {"--again"},
                             .value = {},
                             .help = "replay: pipelines that the events started are started again",
                             .target = &what->again},
                            {.names = {"--for"}, .value = "TIME", .help = "silence: how long", .target = &what->length},
                            {.names = {"--reason"}, .value = "TEXT", .help = "silence: why", .target = &what->reason},
                            {.names = {"--list"},
                             .value = {},
                             .help = "silence: show those that are not over",
                             .target = &what->list},
                            {.names = {"--file"},
                             .value = "FILE",
                             .help = "test: the channel of this pipeline's file",
                             .target = &what->file,
                             .offers = completes::file},
                            set_option(what->set)},
                .details = "  sluice notify list               rules and channels that the state folder knows\n"
                           "  sluice notify deliveries         who got what, after how many tries, and the answer\n"
                           "  sluice notify test pager         sends a probe and shows each step\n"
                           "  sluice notify flush              sends at once what is pending\n"
                           "  sluice notify replay daily/oncall --run last   sends the events of a run once more\n"
                           "  sluice notify add rules.yaml     channels and notify of a file, for all pipelines\n"
                           "  sluice notify ack 1a2b3c4d       stops reminders and escalation of an alert\n"
                           "  sluice notify silence \"pipeline = 'daily'\" --for 2h --reason \"disk is replaced\"\n\n"
                           "docs/notifications.md has the guarantees.\n"},
      .run = [what](session& with) { return run(with, *what); }};
}

}  // namespace sluice::app
