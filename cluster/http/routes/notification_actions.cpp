#include "cluster/http/route.hpp"
#include "engine/component/bounded_json.hpp"
#include "engine/notify/condition.hpp"
#include "engine/notify/probe.hpp"
#include "engine/notify/replay.hpp"
#include "engine/notify/silences.hpp"
#include "engine/schedule/times.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::cluster {

namespace {

constexpr std::size_t most_values = 1000;

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

error unfit(const std::string& what, const std::string& wanted) {
  return user_error("invalid_request", what + " must be " + wanted);
}

result<options> body_of(const api_call& call, const std::vector<std::string>& known) {
  if (call.request().body.empty()) return options::object();
  auto json = parse_bounded_json(call.request().body, most_values);
  if (!json.ok() || !json->is_object()) return unfit("the body", "a JSON object");
  for (const auto& [key, value] : json->items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return user_error("unknown_key", "the request has no '" + key.substr(0, 100) + "'");
  return std::move(json).value();
}

result<std::string> text_in(const options& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::string();
  if (!found->is_string()) return unfit(name, "a text");
  return found->text();
}

result<std::optional<std::int64_t>> whole_in(const options& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::optional<std::int64_t>();
  if (!found->is_number_integer() || found->get<std::int64_t>() < 0) return unfit(name, "a whole number from 0 on");
  return std::optional(found->get<std::int64_t>());
}

result<bool> flag_in(const options& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return false;
  if (!found->is_boolean()) return unfit(name, "true or false");
  return found->get<bool>();
}

result<notify::replay_request> read_replay(const api_call& call) {
  SLUICE_ASSIGN(const auto body, body_of(call, {"channel", "after", "until", "since", "run", "again", "limit"}));
  notify::replay_request made{.subscription = call.text("pipeline") + "/" + call.text("rule")};
  SLUICE_ASSIGN(made.channel, text_in(body, "channel"));
  SLUICE_ASSIGN(made.after, whole_in(body, "after"));
  SLUICE_ASSIGN(made.until, whole_in(body, "until"));
  SLUICE_ASSIGN(made.again, flag_in(body, "again"));
  SLUICE_ASSIGN(const auto since, text_in(body, "since"));
  if (!since.empty()) {
    SLUICE_ASSIGN(made.since, schedule::parse_time(since, "UTC"));
  }
  SLUICE_ASSIGN(const auto run, text_in(body, "run"));
  if (!run.empty()) {
    SLUICE_ASSIGN(const auto found, call.store().find_run(run));
    made.run = found.id;
  }
  SLUICE_ASSIGN(const auto limit, whole_in(body, "limit"));
  if (limit) made.limit = *limit;
  if (!made.after && !made.since && run.empty())
    return user_error("invalid_request", "the body does not say which events: run, since or after",
                      R"(for example {"run": "last"})");
  return made;
}

api_response replay(const api_call& call) {
  const auto wanted = read_replay(call);
  if (!wanted.ok()) return refusal_of(wanted.problem());
  const auto made = notify::replay(call.store(), *wanted, now());
  if (!made.ok()) return refusal_of(made.problem());
  return json_answer({{"replay", made->id},
                      {"events", made->events},
                      {"deliveries", made->deliveries},
                      {"not_started", made->left_out}},
                     202);
}

api_response test_channel(const api_call& call) {
  if (!call.handlers().test_channel) return not_here("test channels");
  const auto made = call.handlers().test_channel(call.text("pipeline"), call.text("channel"));
  return made.ok() ? json_answer(*made) : refusal_of(made.problem());
}

api_response acknowledge(const api_call& call) {
  auto& log = store::deliveries_of(call.store());
  const auto alert = call.text("alert");
  const auto known = log.has_alert(alert);
  if (!known.ok()) return refusal_of(known.problem());
  if (!*known)
    return refusal_of(user_error("unknown_alert", "there is no open alert " + alert,
                                 "its id is in every message about it; an alert that was resolved needs nothing"));
  const auto fresh = log.acknowledge(alert);
  if (!fresh.ok()) return refusal_of(fresh.problem());
  return json_answer({{"alert", alert}, {"acknowledged", true}, {"repeated", !*fresh}});
}

api_response send_now(const api_call& call) {
  const auto due = store::deliveries_of(call.store()).make_due(now());
  if (!due.ok()) return refusal_of(due.problem());
  return json_answer({{"pending", *due}}, 202);
}

options silence_json(const store::silence& one) {
  return {{"silence", one.id}, {"when", one.when}, {"since", one.since}, {"until", one.until}, {"reason", one.reason}};
}

api_response list_silences(const api_call& call) {
  const auto all = store::deliveries_of(call.store()).silences(now());
  if (!all.ok()) return refusal_of(all.problem());
  auto list = options::array();
  for (const auto& one : *all) list.push_back(silence_json(one));
  const auto rules = store::deliveries_of(call.store()).subscriptions();
  if (!rules.ok()) return refusal_of(rules.problem());
  return json_answer({{"silences", std::move(list)}, {"planned", notify::planned_silences(*rules)}});
}

result<store::silence> read_silence(const api_call& call) {
  SLUICE_ASSIGN(const auto body, body_of(call, {"when", "for", "reason"}));
  store::silence made{.id = uuid_v7().substr(24, 8), .since = now()};
  SLUICE_ASSIGN(made.when, text_in(body, "when"));
  SLUICE_ASSIGN(made.reason, text_in(body, "reason"));
  SLUICE_ASSIGN(const auto length, text_in(body, "for"));
  if (made.when.empty() || length.empty())
    return user_error("invalid_request", "a silence needs when (a condition) and for (how long)",
                      R"(for example {"when": "pipeline = 'daily'", "for": "2h"})");
  diagnostics faults;
  if (notify::condition::bind(made.when, {}, {}, faults) == nullptr) return faults.front();
  SLUICE_ASSIGN(const auto time, parse_duration(length));
  if (time <= 0) return unfit("for", "above zero");
  made.until = made.since + time;
  return made;
}

api_response add_silence(const api_call& call) {
  const auto made = read_silence(call);
  if (!made.ok()) return refusal_of(made.problem());
  if (const auto kept = store::deliveries_of(call.store()).add_silence(*made); !kept.ok())
    return refusal_of(kept.problem());
  return json_answer(silence_json(*made), 201);
}

api_response end_silence(const api_call& call) {
  const auto found = store::deliveries_of(call.store()).end_silence(call.text("silence"));
  if (!found.ok()) return refusal_of(found.problem());
  if (!*found)
    return refusal_of(user_error("unknown_silence", "there is no silence " + call.text("silence"),
                                 "sluice notify silence --list shows them"));
  return json_answer({{"silence", call.text("silence")}, {"ended", true}});
}

constexpr const char* replay_schema = R"json({
  "type": "object",
  "description": "Which events of the log are sent to the rule once more. At least one of run, since and after.",
  "properties": {
    "run": {"type": "string", "description": "only events of this run"},
    "since": {"type": "string", "description": "only events from this time on: 2024-05-01T05:00Z"},
    "after": {"type": "integer", "format": "int64", "description": "only events after this cursor"},
    "until": {"type": "integer", "format": "int64", "description": "only events up to this cursor"},
    "channel": {"type": "string", "description": "only to this channel of the rule"},
    "again": {"type": "boolean", "description": "pipelines that the events started are started once more"},
    "limit": {"type": "integer", "format": "int64", "description": "more events than this are refused (1000)"}
  }
})json";

constexpr const char* replayed_schema = R"json({
  "type": "object",
  "required": ["replay", "events", "deliveries", "not_started"],
  "properties": {
    "replay": {"type": "string", "description": "its id, which all its messages carry"},
    "events": {"type": "integer", "format": "int64"},
    "deliveries": {"type": "integer", "format": "int64"},
    "not_started": {"type": "array", "items": {"type": "string"}, "description": "pipelines of the rule that are not started, because `again` was not given"}
  }
})json";

constexpr const char* tested_schema = R"json({
  "type": "object",
  "required": ["channel", "pipeline", "delivered", "answer", "steps", "seconds"],
  "properties": {
    "channel": {"type": "string"},
    "pipeline": {"type": "string"},
    "delivered": {"type": "boolean"},
    "answer": {"type": "string", "description": "the beginning of the answer, or why there was none"},
    "steps": {"type": "array", "items": {"type": "string"}, "description": "what happened on the way"},
    "seconds": {"type": "number"}
  }
})json";

constexpr const char* acknowledged_schema = R"json({
  "type": "object",
  "required": ["alert", "acknowledged", "repeated"],
  "properties": {
    "alert": {"type": "string"},
    "acknowledged": {"type": "boolean"},
    "repeated": {"type": "boolean", "description": "it was acknowledged before"}
  }
})json";

constexpr const char* pending_schema = R"json({
  "type": "object",
  "required": ["pending"],
  "properties": {"pending": {"type": "integer", "format": "int64", "description": "messages that are tried now"}}
})json";

constexpr const char* silence_schema = R"json({
  "type": "object",
  "required": ["silence", "when", "since", "until", "reason"],
  "properties": {
    "silence": {"type": "string", "description": "its id"},
    "when": {"type": "string", "description": "no notification is sent of events of which this is true"},
    "since": {"type": "integer", "format": "int64", "description": "microseconds since 1970 UTC"},
    "until": {"type": "integer", "format": "int64"},
    "reason": {"type": "string"}
  }
})json";

constexpr const char* silences_schema = R"json({
  "type": "object",
  "required": ["silences", "planned"],
  "properties": {
    "silences": {"type": "array", "items": {"$ref": "#/components/schemas/Silence"}},
    "planned": {"type": "array", "description": "those that pipelines have", "items": {"type": "object", "required": ["name", "pipeline", "cron", "for"], "properties": {
      "name": {"type": "string"},
      "pipeline": {"type": "string"},
      "when": {"type": "string"},
      "cron": {"type": "string", "description": "when it begins"},
      "timezone": {"type": "string"},
      "for": {"type": "integer", "format": "int64", "description": "microseconds"}}}}}
})json";

constexpr const char* new_silence_schema = R"json({
  "type": "object",
  "required": ["when", "for"],
  "properties": {
    "when": {"type": "string", "description": "a condition over events, as in rules"},
    "for": {"type": "string", "description": "how long: 2h"},
    "reason": {"type": "string"}
  }
})json";

constexpr const char* ended_schema = R"json({
  "type": "object",
  "required": ["silence", "ended"],
  "properties": {"silence": {"type": "string"}, "ended": {"type": "boolean"}}
})json";

}  // namespace

route_group notification_action_routes() {
  const auto pipeline = path_text("pipeline", "the pipeline's name; `*` for rules of the node");
  return {
      .name = "notification_actions",
      .routes = {{.method = "POST",
                  .path = "/v1/subscriptions/{pipeline}/{rule}/replay",
                  .id = "replay_events",
                  .summary = "sends events of the log to a rule once more, with the same ids and a mark; they start "
                             "nothing again unless `again` is set",
                  .parameters = {pipeline, path_text("rule", "the rule's name")},
                  .body = "Replay",
                  .answers = {{.status = 202, .summary = "They are sent", .schema = "Replayed"}},
                  .refusals = {404, 409, 422},
                  .answer = replay},
                 {.method = "POST",
                  .path = "/v1/channels/{pipeline}/{channel}/test",
                  .id = "test_channel",
                  .summary = "sends a test message to a channel, and says what became of it",
                  .parameters = {pipeline, path_text("channel", "the channel's name")},
                  .answers = {{.summary = "What became of it", .schema = "ChannelTest"}},
                  .refusals = {404, 422, 501},
                  .how = answered::by_planning,
                  .answer = test_channel},
                 {.method = "POST",
                  .path = "/v1/alerts/{alert}/ack",
                  .id = "acknowledge_alert",
                  .summary = "says that somebody looks after an alert: no reminder and no escalation follows",
                  .parameters = {path_text("alert", "its id, which is in every message about it")},
                  .answers = {{.summary = "It is acknowledged", .schema = "Acknowledged"}},
                  .refusals = {404},
                  .answer = acknowledge},
                 {.method = "POST",
                  .path = "/v1/deliveries/flush",
                  .id = "flush_deliveries",
                  .summary = "tries at once what is pending",
                  .answers = {{.status = 202, .summary = "It is tried", .schema = "Pending"}},
                  .answer = send_now},
                 {.method = "GET",
                  .path = "/v1/silences",
                  .id = "list_silences",
                  .summary = "silences that are not over, and those that pipelines have",
                  .answers = {{.summary = "The silences, oldest first", .schema = "Silences"}},
                  .answer = list_silences},
                 {.method = "POST",
                  .path = "/v1/silences",
                  .id = "add_silence",
                  .summary = "sends no notification of matching events for a time",
                  .body = "NewSilence",
                  .answers = {{.status = 201, .summary = "The silence", .schema = "Silence"}},
                  .refusals = {422},
                  .answer = add_silence},
                 {.method = "DELETE",
                  .path = "/v1/silences/{silence}",
                  .id = "end_silence",
                  .summary = "ends a silence",
                  .parameters = {path_text("silence", "its id")},
                  .answers = {{.summary = "It is over", .schema = "SilenceEnded"}},
                  .refusals = {404},
                  .answer = end_silence}},
      .schemas = {{"Replay", replay_schema},
                  {"Replayed", replayed_schema},
                  {"ChannelTest", tested_schema},
                  {"Acknowledged", acknowledged_schema},
                  {"Pending", pending_schema},
                  {"Silence", silence_schema},
                  {"Silences", silences_schema},
                  {"NewSilence", new_silence_schema},
                  {"SilenceEnded", ended_schema}}};
}

}  // namespace sluice::cluster
