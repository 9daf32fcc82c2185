#include "app/notify_request.hpp"
#include "app/run_records.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "engine/store/deliveries.hpp"

namespace sluice::app {

namespace {

/// What a channel is and how it does: "chat (webhook, failing)".
std::string channels_text(const options& channels) {
  std::string text;
  for (const auto& [name, one] : channels.items()) {
    text += (text.empty() ? "" : ", ") + name + " (" + one.value("kind", "");
    if (one.value("disabled", false)) text += ", disabled";
    if (one.value("failing", false)) text += ", failing";
    text += ")";
  }
  return text;
}

}  // namespace

int show_rules(session& with, const options& rules) {
  if (with.options.json) {
    with.terminal.out(rules.dump(2) + "\n");
    return exit_succeeded;
  }
  table shown({{.title = "pipeline", .shrink_to = 8},
               {.title = "rule", .shrink_to = 6},
               {.title = "when", .shrink_to = 16, .wraps = true},
               {.title = "channels", .shrink_to = 12, .wraps = true},
               {.title = "pending", .right = true}});
  for (const auto& one : rules) {
    const auto name = one.value("rule", "");
    const auto absent = one.value("absent_microseconds", std::int64_t{0});
    auto when = one.value("when", "");
    if (absent > 0) when = "none for " + duration_text(static_cast<double>(absent) / 1e6) + " of: " + when;
    const auto waits = one.value("pending", std::int64_t{0});
    shown.add({{one.value("pipeline", "")},
               {one.value("removed", false) ? name + " (removed)" : name},
               {when.empty() ? "true" : when},
               {channels_text(one["channels"])},
               {thousands(static_cast<std::uint64_t>(waits)), waits > 0 ? style::yellow : style::plain}});
  }
  if (!shown.empty())
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  else if (!with.options.quiet)
    with.terminal.note("no notifications" + (with.options.to.empty() ? " in " + with.shown_state() : std::string()) +
                       "; a pipeline's channels and notify are known from its first run on\n");
  return exit_succeeded;
}

result<int> list_rules(session& with, const notify_request& what) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  auto& log = store::deliveries_of(*store);
  SLUICE_ASSIGN(const auto all, log.subscriptions());
  SLUICE_ASSIGN(const auto pending, log.pending());
  options list = options::array();
  for (const auto& one : all) {
    if (!what.pipeline.empty() && one.pipeline != what.pipeline) continue;
    const auto& rule = one.spec["rule"];
    options health = options::object();
    std::int64_t waits = 0;
    for (const auto& [name, channel] : one.spec["channels"].items()) {
      for (const auto& each : pending)
        if (each.pipeline == one.pipeline && each.channel == name) waits += each.count;
      SLUICE_ASSIGN(const auto found, log.health_of(one.pipeline, name));
      health[name] =
          options{{"kind", channel.value("kind", "")}, {"failing", found.failing}, {"disabled", found.disabled}};
    }
    list.push_back({{"pipeline", one.pipeline},
                    {"rule", one.name},
                    {"when", rule.value("when", "")},
                    {"to", rule["to"]},
                    {"channels", health},
                    {"pending", waits},
                    {"removed", one.until.has_value()}});
    if (rule.contains("absent")) list.back()["absent_microseconds"] = rule["absent"];
  }
  return show_rules(with, list);
}

namespace {

/// What its receiver sees as the id: a replay sends that of the event.
std::string id_of(const store::delivery& one) {
  return one.kind == "replay" ? one.key.substr(one.key.rfind(' ') + 1) : one.key;
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

}  // namespace

result<int> list_deliveries(session& with, const notify_request& what) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  store::delivery_query query{.pipeline = what.pipeline,
                              .channel = what.channel,
                              .run = {},
                              .pending = what.pending,
                              .limit = what.limit == 0 ? 30 : what.limit};
  if (!what.run.empty()) {
    SLUICE_ASSIGN(const auto run, store->find_run(what.run));
    query.run = run.id;
  }
  SLUICE_ASSIGN(const auto all, store::deliveries_of(*store).deliveries(query));
  return show_deliveries(with, all);
}

int show_deliveries(session& with, const std::vector<store::delivery>& all) {
  if (with.options.json) {
    options list = options::array();
    for (const auto& one : all)
      list.push_back({{"id", id_of(one)},
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
    for (std::size_t at = 0; at < all.size(); ++at)
      if (all[at].body.is_object() && all[at].body.contains("replay")) list[at]["replay"] = all[at].body["replay"];
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

}  // namespace sluice::app
