#include "app/notify_request.hpp"
#include "app/run_source.hpp"
#include "app/text.hpp"
#include "engine/schedule/times.hpp"
#include "engine/values/quantities.hpp"

#include <charconv>

namespace sluice::app {

namespace {

result<int> rules(session& with, const cluster::http_client& node, const notify_request& what) {
  SLUICE_ASSIGN(const auto answer,
                node.get("/v1/subscriptions" + (what.pipeline.empty() ? "" : "?pipeline=" + escaped(what.pipeline))));
  options list = options::array();
  for (const auto& one : answer["subscriptions"]) {
    auto made = one;
    made["channels"] = options::object();
    for (const auto& channel : one["channels"]) made["channels"][channel.value("channel", "")] = channel;
    list.push_back(std::move(made));
  }
  return show_rules(with, list);
}

store::delivery delivery_from(const options& one) {
  store::delivery made;
  made.subscription = one.value("subscription", "");
  made.channel = one.value("channel", "");
  made.key = one.value("id", "");
  made.kind = one.value("kind", "");
  made.type = one.value("type", "");
  made.run = one.value("run", "");
  made.tries = one.value("tries", std::int64_t{0});
  made.created = one.value("created", std::int64_t{0});
  made.first_try = one.value("first_try", std::int64_t{0});
  made.last_try = one.value("last_try", std::int64_t{0});
  made.next_at = one.value("next", std::int64_t{0});
  made.answer = one.value("answer", "");
  if (one.contains("replay")) made.body = options{{"replay", one["replay"]}};
  using state = store::delivery_state;
  for (const auto each : {state::open, state::held, state::delivered, state::given_up, state::dropped})
    if (store::to_string(each) == one.value("state", "")) made.state = each;
  return made;
}

result<int> deliveries(session& with, const cluster::http_client& node, const notify_request& what) {
  auto target = "/v1/deliveries?limit=" + std::to_string(what.limit == 0 ? 30 : what.limit);
  if (!what.pipeline.empty()) target += "&pipeline=" + escaped(what.pipeline);
  if (!what.channel.empty()) target += "&channel=" + escaped(what.channel);
  if (!what.run.empty()) target += "&run=" + escaped(what.run);
  if (what.pending) target += "&pending=true";
  SLUICE_ASSIGN(const auto answer, node.get(target));
  std::vector<store::delivery> all;
  for (const auto& one : answer["deliveries"]) all.push_back(delivery_from(one));
  return show_deliveries(with, all);
}

result<int> test(session& with, const cluster::http_client& node, const notify_request& what) {
  if (what.name.empty() || what.pipeline.empty())
    return user_error("bad_arguments", "sluice notify test --to needs the name of a channel and --pipeline",
                      "sluice notify list --to shows them");
  SLUICE_ASSIGN(const auto answer,
                node.post("/v1/channels/" + escaped(what.pipeline) + "/" + escaped(what.name) + "/test", {}));
  return show_test(with, answer);
}

result<int> silence(session& with, const cluster::http_client& node, const notify_request& what) {
  if (what.list || what.name.empty()) {
    SLUICE_ASSIGN(const auto answer, node.get("/v1/silences"));
    options all = options::array();
    for (auto one : answer["silences"]) {
      one["id"] = one["silence"];
      all.push_back(std::move(one));
    }
    for (const auto& one : answer["planned"]) all.push_back(one);
    return show_silences(with, all);
  }
  const options body = {{"when", what.name}, {"for", what.length}, {"reason", what.reason}};
  SLUICE_ASSIGN(const auto answer, node.post("/v1/silences", body));
  return show_silenced(with, answer.value("silence", ""), answer.value("until", std::int64_t{0}));
}

result<int> unsilence(session& with, const cluster::http_client& node, const notify_request& what) {
  SLUICE_ASSIGN(const auto answer, node.remove("/v1/silences/" + escaped(what.name)));
  if (!with.options.quiet && !with.options.json)
    with.terminal.note("silence " + answer.value("silence", "") + " is over\n");
  return exit_succeeded;
}

status add_cursor(options& to, const char* name, const std::string& text) {
  if (text.empty()) return {};
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size())
    return user_error("bad_arguments", std::string("--") + name + " must be a cursor, found '" + text + "'",
                      "sluice events shows the cursor of each event (data.cursor)");
  to[name] = value;
  return {};
}

result<int> replay(session& with, const cluster::http_client& node, const notify_request& what) {
  const auto slash = what.name.find('/');
  if (slash == std::string::npos)
    return user_error("bad_arguments", "sluice notify replay needs the name of a rule: PIPELINE/RULE",
                      "sluice notify list --to shows them");
  options body = {{"again", what.again}};
  SLUICE_TRY(add_cursor(body, "after", what.after));
  SLUICE_TRY(add_cursor(body, "until", what.until));
  if (!what.run.empty()) body["run"] = what.run;
  if (!what.channel.empty()) body["channel"] = what.channel;
  if (what.limit > 0) body["limit"] = what.limit;
  if (!what.since.empty()) {
    const auto ago = parse_duration(what.since);
    body["since"] = ago.ok() ? schedule::time_text(now_microseconds() - *ago) : what.since;
  }
  SLUICE_ASSIGN(const auto answer, node.post("/v1/subscriptions/" + escaped(what.name.substr(0, slash)) + "/" +
                                                 escaped(what.name.substr(slash + 1)) + "/replay",
                                             body));
  return show_replay(with, answer);
}

result<int> flush(session& with, const cluster::http_client& node) {
  SLUICE_ASSIGN(const auto answer, node.post("/v1/deliveries/flush", {}));
  if (with.options.json)
    with.terminal.out(answer.dump() + "\n");
  else if (!with.options.quiet)
    with.terminal.note("the node tries now what is pending: " + thousands(answer.value("pending", std::uint64_t{0})) +
                       "\n");
  return exit_succeeded;
}

result<int> acknowledge(session& with, const cluster::http_client& node, const notify_request& what) {
  SLUICE_ASSIGN(const auto answer, node.post("/v1/alerts/" + escaped(what.name) + "/ack", {}));
  return show_acknowledged(with, what.name, !answer.value("repeated", false));
}

}  // namespace

result<int> notify_at_node(session& with, const notify_request& what) {
  SLUICE_ASSIGN(const auto node, client_for(with));
  const auto& action = what.action;
  if (action.empty() || action == "list") return rules(with, node, what);
  if (action == "deliveries") return deliveries(with, node, what);
  if (action == "test") return test(with, node, what);
  if (action == "flush") return flush(with, node);
  if (action == "silence") return silence(with, node, what);
  if (action == "unsilence") return unsilence(with, node, what);
  if (action == "replay") return replay(with, node, what);
  return acknowledge(with, node, what);
}

}  // namespace sluice::app
