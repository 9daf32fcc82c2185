#include "cluster/http/route.hpp"
#include "engine/store/deliveries.hpp"

namespace sluice::cluster {

namespace {

api_response list_subscriptions(const api_call& call) {
  auto& log = store::deliveries_of(call.store());
  const auto all = log.subscriptions();
  if (!all.ok()) return refusal_of(all.problem());
  const auto pending = log.pending();
  if (!pending.ok()) return refusal_of(pending.problem());
  auto list = options::array();
  for (const auto& one : *all) {
    if (call.given("pipeline") && one.pipeline != call.text("pipeline")) continue;
    auto channels = options::array();
    std::int64_t waits = 0;
    for (const auto& [name, channel] : one.spec["channels"].items()) {
      const auto health = log.health_of(one.pipeline, name);
      if (!health.ok()) return refusal_of(health.problem());
      std::int64_t here = 0;
      for (const auto& each : *pending)
        if (each.pipeline == one.pipeline && each.channel == name) here += each.count;
      waits += here;
      channels.push_back({{"channel", name},
                          {"kind", channel.value("kind", "")},
                          {"failing", health->failing},
                          {"disabled", health->disabled},
                          {"pending", here}});
    }
    const auto& rule = one.spec["rule"];
    list.push_back({{"subscription", one.id},
                    {"pipeline", one.pipeline},
                    {"rule", one.name},
                    {"when", rule.value("when", "")},
                    {"channels", std::move(channels)},
                    {"pending", waits},
                    {"mark", one.mark},
                    {"removed", one.until.has_value()}});
    if (rule.contains("absent")) list.back()["absent_microseconds"] = rule["absent"];
  }
  return json_answer({{"subscriptions", std::move(list)}});
}

api_response list_deliveries(const api_call& call) {
  store::delivery_query query;
  query.pipeline = call.text("pipeline");
  query.channel = call.text("channel");
  query.pending = call.flag("pending");
  query.limit = call.number("limit");
  if (call.given("run")) {
    const auto run = call.store().find_run(call.text("run"));
    if (!run.ok()) return refusal_of(run.problem());
    query.run = run->id;
  }
  const auto found = store::deliveries_of(call.store()).deliveries(query);
  if (!found.ok()) return refusal_of(found.problem());
  auto list = options::array();
  for (const auto& one : *found) {
    const bool replayed = one.kind == "replay";
    options made = {{"number", one.number},
                    {"subscription", one.subscription},
                    {"channel", one.channel},
                    {"id", replayed ? one.key.substr(one.key.rfind(' ') + 1) : one.key},
                    {"kind", one.kind},
                    {"type", one.type},
                    {"run", one.run},
                    {"cursor", one.cursor},
                    {"state", store::to_string(one.state)},
                    {"tries", one.tries},
                    {"created", one.created}};
    if (replayed) made["replay"] = one.body["replay"];
    if (one.first_try > 0) made["first_try"] = one.first_try;
    if (one.last_try > 0) made["last_try"] = one.last_try;
    if (one.state == store::delivery_state::open) made["next"] = one.next_at;
    if (!one.answer.empty()) made["answer"] = one.answer;
    list.push_back(std::move(made));
  }
  return json_answer({{"deliveries", std::move(list)}});
}

constexpr const char* subscriptions_schema = R"json({
  "type": "object",
  "required": ["subscriptions"],
  "properties": {"subscriptions": {"type": "array", "items": {"type": "object", "required": ["subscription", "pipeline", "rule", "channels", "pending"], "properties": {
    "subscription": {"type": "string", "description": "its id: pipeline, slash, rule"},
    "pipeline": {"type": "string"},
    "rule": {"type": "string"},
    "when": {"type": "string", "description": "the condition; empty: every event"},
    "absent_microseconds": {"type": "integer", "format": "int64", "description": "of a rule that tells when no event has matched for this time"},
    "channels": {"type": "array", "items": {"type": "object", "required": ["channel", "kind", "failing", "disabled"], "properties": {
      "channel": {"type": "string"},
      "kind": {"type": "string"},
      "failing": {"type": "boolean"},
      "disabled": {"type": "boolean"},
      "pending": {"type": "integer", "format": "int64"}}}},
    "pending": {"type": "integer", "format": "int64", "description": "messages that are not delivered yet"},
    "mark": {"type": "integer", "format": "int64", "description": "the cursor up to which messages were made"},
    "removed": {"type": "boolean", "description": "the rule is not in the pipeline any more"}}}}}
})json";

constexpr const char* deliveries_schema = R"json({
  "type": "object",
  "required": ["deliveries"],
  "properties": {"deliveries": {"type": "array", "items": {"type": "object", "required": ["number", "subscription", "channel", "id", "kind", "state", "tries"], "properties": {
    "number": {"type": "integer", "format": "int64"},
    "subscription": {"type": "string"},
    "channel": {"type": "string"},
    "id": {"type": "string", "description": "of the message: the same in every try"},
    "kind": {"type": "string"},
    "type": {"type": "string", "description": "of the event"},
    "run": {"type": "string"},
    "cursor": {"type": "integer", "format": "int64"},
    "state": {"type": "string", "enum": ["open", "held", "delivered", "given_up", "dropped"]},
    "tries": {"type": "integer", "format": "int64"},
    "created": {"type": "integer", "format": "int64"},
    "first_try": {"type": "integer", "format": "int64"},
    "last_try": {"type": "integer", "format": "int64"},
    "replay": {"type": "string", "description": "which replay sent it once more"},
    "next": {"type": "integer", "format": "int64", "description": "when it is tried again"},
    "answer": {"type": "string", "description": "the beginning of the last answer, or why there was none"}}}}}
})json";

}  // namespace

route_group notification_routes() {
  return {.name = "notifications",
          .routes = {{.method = "GET",
                      .path = "/v1/subscriptions",
                      .id = "list_subscriptions",
                      .summary = "the rules of notifications, with the state of their channels",
                      .parameters = {query_text("pipeline", "only of this pipeline")},
                      .answers = {{.summary = "The subscriptions", .schema = "Subscriptions"}},
                      .answer = list_subscriptions},
                     {.method = "GET",
                      .path = "/v1/deliveries",
                      .id = "list_deliveries",
                      .summary = "messages to channels and what became of them, the newest first",
                      .parameters = {query_text("pipeline", "only of this pipeline"),
                                     query_text("channel", "only to this channel"),
                                     query_text("run", "only about this run"),
                                     query_flag("pending", "only those that are not delivered yet", "false"),
                                     query_whole("limit", "most of them", "50", 1, 1000)},
                      .answers = {{.summary = "The deliveries", .schema = "Deliveries"}},
                      .refusals = {404, 409},
                      .answer = list_deliveries}},
          .schemas = {{"Subscriptions", subscriptions_schema}, {"Deliveries", deliveries_schema}}};
}

}  // namespace sluice::cluster
