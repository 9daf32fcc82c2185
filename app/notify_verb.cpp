#include "app/pending_notifications.hpp"
#include "app/planning.hpp"
#include "app/run_records.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "config/load.hpp"
#include "engine/error/names.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/notify/condition.hpp"
#include "engine/notify/rule_worker.hpp"
#include "engine/notify/wording.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

namespace sluice::app {

namespace {

struct chosen {
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
  std::int64_t limit = 30;
  std::vector<std::string> set;
};

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/// What a channel is and how it does: "webhook", "webhook, failing".
std::string channel_text(store::store& in, const std::string& pipeline, const std::string& name,
                         const options& channel) {
  auto text = name + " (" + channel.value("kind", "");
  if (const auto health = store::deliveries_of(in).health_of(pipeline, name); health.ok()) {
    if (health->disabled) text += ", disabled";
    if (health->failing) text += ", failing";
  }
  return text + ")";
}

result<int> list(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const auto all, store::deliveries_of(*store).subscriptions());
  SLUICE_ASSIGN(const auto pending, store::deliveries_of(*store).pending());
  table shown({{.title = "pipeline", .shrink_to = 8},
               {.title = "rule", .shrink_to = 6},
               {.title = "when", .shrink_to = 16, .wraps = true},
               {.title = "channels", .shrink_to = 12, .wraps = true},
               {.title = "pending", .right = true}});
  options list = options::array();
  for (const auto& one : all) {
    if (!what.pipeline.empty() && one.pipeline != what.pipeline) continue;
    const auto& rule = one.spec["rule"];
    std::string channels;
    options health = options::object();
    std::int64_t waits = 0;
    for (const auto& [name, channel] : one.spec["channels"].items()) {
      channels += (channels.empty() ? "" : ", ") + channel_text(*store, one.pipeline, name, channel);
      for (const auto& each : pending)
        if (each.pipeline == one.pipeline && each.channel == name) waits += each.count;
      const auto found = store::deliveries_of(*store).health_of(one.pipeline, name);
      health[name] = options{{"kind", channel.value("kind", "")},
                             {"failing", found.ok() && found->failing},
                             {"disabled", found.ok() && found->disabled}};
    }
    shown.add({{one.pipeline},
               {one.until ? one.name + " (removed)" : one.name},
               {rule.value("when", "true")},
               {channels},
               {thousands(static_cast<std::uint64_t>(waits)), waits > 0 ? style::yellow : style::plain}});
    list.push_back({{"pipeline", one.pipeline},
                    {"rule", one.name},
                    {"when", rule.value("when", "")},
                    {"to", rule["to"]},
                    {"channels", health},
                    {"pending", waits},
                    {"removed", one.until.has_value()}});
  }
  if (with.options.json) {
    with.terminal.out(list.dump(2) + "\n");
  } else if (shown.empty()) {
    if (!with.options.quiet)
      with.terminal.note("no notifications in " + with.shown_state() +
                         "; a pipeline's channels and notify are known from its first run on\n");
  } else {
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  }
  return exit_succeeded;
}

std::string happened(const store::delivery& one) {
  switch (one.state) {
    case store::delivery_state::open:
      return one.tries == 0 ? "is due" : "again at " + short_time_text(one.next_at);
    case store::delivery_state::held:
      return "waits for an earlier one";
    case store::delivery_state::delivered:
      return "delivered";
    case store::delivery_state::given_up:
      return "given up";
    case store::delivery_state::dropped:
      break;
  }
  return "dropped";
}

result<int> deliveries(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  store::delivery_query query{
      .pipeline = what.pipeline, .channel = what.channel, .run = {}, .pending = what.pending, .limit = what.limit};
  if (!what.run.empty()) {
    SLUICE_ASSIGN(const auto run, store->find_run(what.run));
    query.run = run.id;
  }
  SLUICE_ASSIGN(const auto all, store::deliveries_of(*store).deliveries(query));
  if (with.options.json) {
    options list = options::array();
    for (const auto& one : all)
      list.push_back({{"id", one.key},
                      {"subscription", one.subscription},
                      {"channel", one.channel},
                      {"kind", one.kind},
                      {"type", one.type},
                      {"run", one.run},
                      {"state", store::to_string(one.state)},
                      {"tries", one.tries},
                      {"created", one.created},
                      {"first_try", one.first_try},
                      {"last_try", one.last_try},
                      {"next_try", one.next_at},
                      {"answer", one.answer}});
    with.terminal.out(list.dump(2) + "\n");
    return exit_succeeded;
  }
  if (all.empty()) {
    if (!with.options.quiet) with.terminal.note("no deliveries\n");
    return exit_succeeded;
  }
  table shown({{.title = "made"},
               {.title = "rule", .shrink_to = 8},
               {.title = "channel", .shrink_to = 6},
               {.title = "what", .shrink_to = 8},
               {.title = "run", .rank = 2},
               {.title = "state"},
               {.title = "tries", .right = true},
               {.title = "took", .right = true, .rank = 3},
               {.title = "answer", .shrink_to = 12}});
  for (const auto& one : all) {
    const bool good = one.state == store::delivery_state::delivered;
    const bool bad = one.state == store::delivery_state::given_up || one.state == store::delivery_state::dropped;
    shown.add({{short_time_text(one.created)},
               {one.subscription},
               {one.channel},
               {one.kind == "event" ? one.type : one.kind + " of " + one.type},
               {short_id(one.run)},
               {happened(one), good  ? style::green
                               : bad ? style::red
                                     : style::yellow},
               {std::to_string(one.tries)},
               {one.last_try == 0 ? "" : duration_text(static_cast<double>(one.last_try - one.created) / 1e6)},
               {printable(one.answer), style::dim}});
  }
  with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  return exit_succeeded;
}

struct known_channel {
  std::string pipeline;
  options what;
};

/// The channels of a pipeline's file, or of all pipelines that the state folder knows.
result<std::map<std::string, std::vector<known_channel>>> channels_of(session& with, const chosen& what) {
  std::vector<store::subscription> all;
  if (what.file.empty()) {
    SLUICE_ASSIGN(const auto store, with.open_store());
    SLUICE_ASSIGN(all, store::deliveries_of(*store).subscriptions());
  } else {
    SLUICE_ASSIGN(auto set, parse_set(what.set));
    diagnostics faults;
    config::load_options given;
    given.set = std::move(set);
    const auto loaded = config::load_pipeline(what.file, given, faults);
    if (!faults.empty()) return faults.front();
    all = loaded->subscriptions;
  }
  std::map<std::string, std::vector<known_channel>> found;
  for (const auto& one : all) {
    if (!what.pipeline.empty() && one.pipeline != what.pipeline) continue;
    for (const auto& [name, channel] : one.spec["channels"].items()) {
      auto& list = found[name];
      const bool known = std::any_of(list.begin(), list.end(), [&, &of = channel](const auto& each) {
        return each.pipeline == one.pipeline && each.what == of;
      });
      if (!known) list.push_back({one.pipeline, channel});
    }
  }
  return found;
}

notice probe(const std::string& pipeline, const std::string& channel) {
  notice made;
  made.id = uuid_v7();
  made.kind = "test";
  made.pipeline = pipeline;
  made.rule = "test";
  made.channel = channel;
  made.time = now();
  store::event event;
  event.id = made.id;
  event.type = "notification.test";
  event.time = made.time;
  event.pipeline = pipeline;
  event.data = options{{"pipeline", pipeline}, {"channel", channel}};
  made.events.push_back(std::move(event));
  return made;
}

result<int> test(session& with, const chosen& what) {
  if (what.name.empty())
    return user_error("bad_arguments", "sluice notify test needs the name of a channel",
                      "sluice notify list shows them; for a pipeline that has not run yet: --file FILE");
  SLUICE_ASSIGN(const auto all, channels_of(with, what));
  const auto found = all.find(what.name);
  if (found == all.end()) {
    std::vector<std::string> names;
    for (const auto& [name, channels] : all) names.push_back(name);
    const auto near = nearest_name(what.name, names);
    return user_error("unknown_channel", "there is no channel " + what.name,
                      !near.empty()
                          ? "did you mean " + near + "?"
                          : "sluice notify list shows them; for a pipeline that has not run yet: --file FILE");
  }
  if (found->second.size() > 1)
    return user_error("bad_arguments", "several pipelines have a channel " + what.name,
                      "choose one with --pipeline, such as " + found->second.front().pipeline);
  const auto& one = found->second.front();
  SLUICE_ASSIGN(const auto channel, notify::make_channel(what.name, one.what));
  const auto begun = std::chrono::steady_clock::now();
  const auto attempt = channel->deliver(probe(one.pipeline, what.name));
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const bool good = attempt.what == delivery_attempt::outcome::delivered;
  if (good && what.file.empty()) {
    SLUICE_ASSIGN(const auto store, with.open_store());
    SLUICE_TRY(store::deliveries_of(*store).enable(one.pipeline, what.name));
  }
  if (with.options.json) {
    with.terminal.out(options{{"channel", what.name},
                              {"pipeline", one.pipeline},
                              {"delivered", good},
                              {"answer", attempt.answer},
                              {"steps", attempt.steps},
                              {"seconds", took}}
                          .dump(2) +
                      "\n");
  } else {
    for (const auto& step : attempt.steps) with.terminal.out("  " + printable(step) + "\n");
    with.terminal.out(what.name + " of " + one.pipeline + ": " + (good ? "delivered in " : "not delivered after ") +
                      duration_text(took) + (attempt.answer.empty() ? "" : ": " + printable(attempt.answer)) + "\n");
  }
  return good ? exit_succeeded : exit_failed;
}

result<int> flush(session& with) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const auto before, store::deliveries_of(*store).make_due(now()));
  // Long enough for every receiver to answer, or not to.
  const auto left = send_pending(with, store, {}, std::chrono::minutes(1));
  if (with.options.json) {
    with.terminal.out(options{{"pending_before", before}, {"pending", left}}.dump() + "\n");
  } else if (left == 0 && !with.options.quiet) {
    with.terminal.note("nothing is pending\n");
  }
  return left == 0 ? exit_succeeded : exit_failed;
}

result<int> acknowledge(session& with, const chosen& what) {
  if (what.name.empty())
    return user_error("bad_arguments", "sluice notify ack needs the id of an alert", "it is in every message about it");
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const bool known, store::deliveries_of(*store).has_alert(what.name));
  if (!known)
    return user_error("unknown_alert", "there is no open alert " + what.name,
                      "its id is in every message about it; an alert that was resolved needs nothing");
  SLUICE_ASSIGN(const bool fresh, store::deliveries_of(*store).acknowledge(what.name));
  if (!with.options.quiet && !with.options.json)
    with.terminal.note(fresh ? "alert " + what.name + " is acknowledged: it is not repeated and not escalated\n"
                             : "alert " + what.name + " was acknowledged before\n");
  if (with.options.json) with.terminal.out(options{{"alert", what.name}, {"acknowledged", true}}.dump() + "\n");
  return exit_succeeded;
}

result<int> list_silences(session& with) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const auto given, store::deliveries_of(*store).silences(now()));
  SLUICE_ASSIGN(const auto subscriptions, store::deliveries_of(*store).subscriptions());
  table shown({{.title = "silence"},
               {.title = "when", .shrink_to = 16, .wraps = true},
               {.title = "time"},
               {.title = "reason", .shrink_to = 8}});
  options all = options::array();
  for (const auto& one : given) {
    shown.add({{one.id}, {one.when}, {"until " + time_text(one.until)}, {printable(one.reason)}});
    all.push_back(
        {{"id", one.id}, {"when", one.when}, {"since", one.since}, {"until", one.until}, {"reason", one.reason}});
  }
  std::set<std::string> seen;
  for (const auto& subscription : subscriptions) {
    if (subscription.until || !subscription.spec.contains("silences")) continue;
    for (const auto& one : subscription.spec["silences"]) {
      const auto name = one.value("name", "") + " of " + subscription.pipeline;
      if (!seen.insert(name).second) continue;
      const auto length = duration_text(static_cast<double>(one.value("for", std::int64_t{0})) / 1e6);
      shown.add({{name},
                 {one.value("when", "true")},
                 {"cron " + one.value("cron", "") + " (" + one.value("timezone", "UTC") + "), for " + length},
                 {"from the pipeline's file"}});
      all.push_back({{"name", one.value("name", "")},
                     {"pipeline", subscription.pipeline},
                     {"when", one.value("when", "")},
                     {"cron", one.value("cron", "")},
                     {"timezone", one.value("timezone", "UTC")},
                     {"for", one.value("for", std::int64_t{0})}});
    }
  }
  if (with.options.json)
    with.terminal.out(all.dump(2) + "\n");
  else if (shown.empty())
    with.terminal.note("no silences\n");
  else
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  return exit_succeeded;
}

result<int> silence(session& with, const chosen& what) {
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
  store::silence made{
      .id = uuid_v7().substr(24, 8), .when = what.name, .since = now(), .until = now() + length, .reason = what.reason};
  SLUICE_TRY(store::deliveries_of(*store).add_silence(made));
  if (with.options.json)
    with.terminal.out(options{{"id", made.id}, {"until", made.until}}.dump() + "\n");
  else if (!with.options.quiet)
    with.terminal.note("no notification of matching events is sent until " + time_text(made.until) +
                       "; to end it earlier: sluice notify unsilence " + made.id + "\n");
  return exit_succeeded;
}

result<int> unsilence(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const bool found, store::deliveries_of(*store).end_silence(what.name));
  if (!found)
    return user_error("unknown_silence", "there is no silence " + what.name, "sluice notify silence --list shows them");
  if (!with.options.quiet && !with.options.json) with.terminal.note("silence " + what.name + " is over\n");
  return exit_succeeded;
}

result<int> run(session& with, const chosen& what) {
  if (!with.options.to.empty()) return not_supported_yet("sluice notify with --to", "notify-remote");
  if (what.action.empty() || what.action == "list") return list(with, what);
  if (what.action == "test") return test(with, what);
  if (what.action == "deliveries") return deliveries(with, what);
  if (what.action == "flush") return flush(with);
  if (what.action == "silence") return silence(with, what);
  if (what.action == "unsilence") return unsilence(with, what);
  return acknowledge(with, what);
}

}  // namespace

command notify_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {{.name = "ACTION",
                                 .help = "list (default), deliveries, test, flush, ack, silence or unsilence",
                                 .target = &what->action,
                                 .required = false,
                                 .choices = {"list", "deliveries", "test", "flush", "ack", "silence", "unsilence"}},
                                {.name = "NAME",
                                 .help = "test: the channel; ack: the alert; silence: a condition, as in when",
                                 .target = &what->name,
                                 .required = false}},
                .options = {{.names = {"--pipeline"},
                             .value = "PIPELINE",
                             .help = "only this pipeline",
                             .target = &what->pipeline},
                            {.names = {"--channel"},
                             .value = "CHANNEL",
                             .help = "deliveries: only to this channel",
                             .target = &what->channel},
                            {.names = {"--run"},
                             .value = "RUN",
                             .help = "deliveries: only of this run",
                             .target = &what->run,
                             .offers = completes::run},
                            {.names = {"--pending"},
                             .value = {},
                             .help = "deliveries: only those that wait",
                             .target = &what->pending},
                            {.names = {"--limit", "-n"},
                             .value = "N",
                             .help = "deliveries: maximum number (default 30)",
                             .target = &what->limit},
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
                           "  sluice notify ack 1a2b3c4d       stops reminders and escalation of an alert\n"
                           "  sluice notify silence \"pipeline = 'daily'\" --for 2h --reason \"disk is replaced\"\n\n"
                           "docs/notifications.md has the guarantees.\n"},
      .run = [what](session& with) { return run(with, *what); }};
}

}  // namespace sluice::app
