#include "engine/notify/wording.hpp"

#include "engine/notify/event_catalogue.hpp"
#include "engine/notify/rule.hpp"
#include "engine/store/subscription_log.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <string_view>

namespace sluice::notify {

namespace {

std::string text_at(const options& in, const char* name) {
  if (!in.is_object()) return {};
  const auto found = in.find(name);
  return found != in.end() && found->is_string() ? found->text() : std::string();
}

std::string formatted(std::int64_t microseconds, const char* how) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text = {};
  return {text.data(), std::strftime(text.data(), text.size(), how, &utc)};
}

/// "run.failed" of pipeline daily: "daily failed"; "unit.finished": "daily: unit orders finished".
std::string happening(const store::event& what) {
  const auto dot = what.type.find('.');
  auto verb = dot == std::string::npos ? what.type : what.type.substr(dot + 1);
  std::replace(verb.begin(), verb.end(), '_', ' ');
  const auto subject = what.type.substr(0, dot);
  if (subject == "run") {
    static const std::vector<std::pair<std::string, std::string>> words = {
        {"queued", "is queued"},        {"started", "has started"},
        {"succeeded", "succeeded"},     {"partial", "ended with too many rejected records"},
        {"cancelled", "was cancelled"}, {"late", "is late"},
        {"skipped", "was skipped"}};
    for (const auto& [name, text] : words)
      if (name == verb) verb = text;
    return what.pipeline + " " + verb;
  }
  if (what.type == "pipeline.rejected")
    return (what.pipeline.empty() ? text_at(what.data, "file") : what.pipeline) + " could not start";
  if (subject == "pipeline") return what.pipeline + " was " + verb;
  if (subject == "node") return "node " + text_at(what.data, "node") + " " + (verb == "suspect" ? "is suspect" : verb);
  if (subject == "channel") return "channel " + text_at(what.data, "channel") + " of " + what.pipeline + ": " + verb;
  if (subject == "delivery") return "a notification of " + what.pipeline + " could not be delivered";
  auto text = what.pipeline.empty() ? std::string() : what.pipeline + ": ";
  text += subject + (what.unit.empty() ? "" : " " + what.unit) + " " + verb;
  return text;
}

std::string cause_of(const store::event& what) {
  if (!what.data.is_object() || !what.data.contains("cause")) return {};
  const auto& cause = what.data["cause"];
  const auto code = text_at(cause, "code");
  return code.empty() ? std::string() : code + ": " + text_at(cause, "message");
}

void add(std::vector<std::pair<std::string, std::string>>& to, const char* label, const std::string& value) {
  if (!value.empty()) to.emplace_back(label, value);
}

std::string counts_text(const options& counts) {
  std::vector<std::pair<std::int64_t, std::string>> all;
  for (const auto& [name, count] : counts.items()) all.emplace_back(-count.get<std::int64_t>(), name);
  std::sort(all.begin(), all.end());
  std::string text;
  for (std::size_t at = 0; at < all.size() && at < 5; ++at)
    text += (at == 0 ? "" : "; ") + std::to_string(-all[at].first) + " times " + all[at].second;
  if (all.size() > 5) text += "; ...";
  return text;
}

/// "0.3 s", "31 s", "2 min 5 s", "3 h 10 min".
std::string duration_text(std::int64_t microseconds) {
  const auto tenths = (microseconds + 50'000) / 100'000;
  if (tenths < 100) return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
  const auto seconds = (microseconds + 500'000) / 1'000'000;
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
}

/// "lasts_microseconds", 31000000: "Lasts: 31 s".
void add_field(std::vector<std::pair<std::string, std::string>>& to, std::string label, const options& value) {
  constexpr std::string_view microseconds = "_microseconds";
  auto text = value.is_string() ? value.text() : value.dump();
  if (label.ends_with(microseconds) && value.is_number_integer()) {
    label.resize(label.size() - microseconds.size());
    text = duration_text(value.get<std::int64_t>());
  }
  std::replace(label.begin(), label.end(), '_', ' ');
  label.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(label.front())));
  if (!text.empty() && text.size() <= 500) to.emplace_back(std::move(label), std::move(text));
}

/// What the catalogue says that events of the type tell, and no line of its own does.
void add_fields(std::vector<std::pair<std::string, std::string>>& to, const store::event& what) {
  static constexpr std::array<std::string_view, 6> told = {"code",     "message", "where",
                                                           "rejected", "answer",  "rejects_path"};
  const auto* type = find_event_type(what.type);
  if (type == nullptr || !what.data.is_object()) return;
  for (const auto& field : type->fields) {
    const auto found = what.data.find(std::string(field.name));
    if (found == what.data.end() || found->is_null() || found->is_structured()) continue;
    if (std::find(told.begin(), told.end(), field.name) == told.end()) add_field(to, std::string(field.name), *found);
  }
}

void add_event(std::vector<std::pair<std::string, std::string>>& to, const store::event& what) {
  const auto& data = what.data;
  add(to, "Cause", cause_of(what));
  if (data.is_object() && data.contains("cause")) {
    add(to, "Where", text_at(data["cause"], "where"));
    add(to, "Hint", text_at(data["cause"], "hint"));
  } else {
    add(to, "Where", what.unit.empty() ? std::string() : "unit " + what.unit);
  }
  if (data.is_object() && data.contains("rejected") && !(data["rejected"] == 0))
    add(to, "Rejected records", data["rejected"].dump());
  add(to, "Answer", text_at(data, "answer"));
  add_fields(to, what);
  add(to, "Owner", what.owner);
  add(to, "Run", what.run);
}

/// "Nothing has come for 10 min 0 s: rule rows of daily".
std::string missing_text(const notice& what) {
  const std::string begin = what.kind == "resolved"     ? "Resolved: nothing came"
                            : what.kind == "reminder"   ? "Still nothing has come"
                            : what.kind == "escalation" ? "Not acknowledged: nothing has come"
                                                        : "Nothing has come";
  const auto time = duration_text(what.events.front().data.value("absent_microseconds", std::int64_t{0}));
  const auto pipeline = what.pipeline == store::every_pipeline ? std::string("all pipelines") : what.pipeline;
  return begin + " for " + time + ": rule " + what.rule + " of " + pipeline;
}

}  // namespace

std::string time_text(std::int64_t microseconds) { return formatted(microseconds, "%Y-%m-%d %H:%M:%S UTC"); }

std::string title_of(const notice& what) {
  const auto& last = what.events.back();
  const auto& first = what.events.front();
  if (what.kind == "test") return "Test of the channel " + what.channel + " of " + what.pipeline;
  if (what.kind == "heartbeat") return "Sluice is alive: rule " + what.rule + " of " + what.pipeline;
  if (first.type == missing_type) return missing_text(what);
  if (what.kind == "resolved") return "Resolved: " + happening(first);
  if (what.kind == "reminder") return "Still not resolved: " + happening(first);
  if (what.kind == "escalation") return "Not acknowledged: " + happening(first);
  if (what.kind == "group" && what.count > 1)
    return std::to_string(what.count) + " events of " + what.pipeline + ", the last: " + happening(last);
  const auto cause = cause_of(last);
  return (what.replay.empty() ? "" : "Replayed: ") + happening(last) + (cause.empty() ? "" : ": " + cause);
}

std::vector<std::pair<std::string, std::string>> facts_of(const notice& what) {
  std::vector<std::pair<std::string, std::string>> facts;
  const auto& shown = what.kind == "group" || what.kind == "resolved" ? what.events.back() : what.events.front();
  add(facts, "Pipeline", what.pipeline);
  const auto since = what.body.is_object() ? what.body.value("since", std::int64_t{0}) : 0;
  add(facts, "Time", time_text(shown.time));
  if (since != 0) add(facts, "Since", time_text(since));
  if (what.count > 1) add(facts, "Events", std::to_string(what.count));
  if (what.body.is_object() && what.body.contains("types") && what.count > 1)
    add(facts, "Types", counts_text(what.body["types"]));
  if (what.body.is_object() && what.body.contains("causes") && what.count > 1)
    add(facts, "Causes", counts_text(what.body["causes"]));
  add_event(facts, shown);
  if (!what.replay.empty())
    add(facts, "Replay", what.replay + ": sent once more because somebody asked for it; it did not happen again");
  const auto alert = text_at(what.body, "alert");
  if (!alert.empty() && what.kind != "resolved") add(facts, "Alert", alert + " (sluice notify ack " + alert + ")");
  if (!shown.run.empty()) {
    add(facts, "Look at it", "sluice status " + shown.run);
    if (shown.data.is_object() && shown.data.contains("rejects_path"))
      add(facts, "Rejects", "sluice rejects " + shown.run);
    if (shown.type == "run.failed" || shown.type == "run.cancelled")
      add(facts, "Repair", "correct the cause and start " + what.pipeline + " again; nothing incomplete was published");
  }
  return facts;
}

std::string text_of(const notice& what) {
  std::string text;
  for (const auto& [label, value] : facts_of(what)) text += label + ": " + value + "\n";
  if (!text.empty()) text.pop_back();
  return text;
}

std::string severity_of(const notice& what) {
  auto worst = severity::info;
  if (what.kind != "resolved")
    for (const auto& one : what.events) worst = std::max(worst, severity_of(one.type));
  return std::string(to_string(worst));
}

options to_json(const notice& what) {
  if (what.kind == "event") {
    auto made = store::cloud_event(what.events.front());
    if (const auto alert = text_at(what.body, "alert"); !alert.empty()) made["data"]["alert"] = alert;
    // The mark of a replay is an extension of CloudEvents: all else is as it was the first time.
    if (!what.replay.empty()) made["replay"] = what.replay;
    return made;
  }
  auto events = options::array();
  for (const auto& one : what.events) events.push_back(store::cloud_event(one));
  options data = {{"pipeline", what.pipeline},     {"rule", what.rule},       {"channel", what.channel},
                  {"severity", severity_of(what)}, {"title", title_of(what)}, {"count", what.count}};
  for (const auto& [name, value] : what.body.items())
    if (name != "cursors" && name != "count")
      data[name] = name == "since" ? options(time_text(value.get<std::int64_t>())) : value;
  data["events"] = std::move(events);
  return {{"specversion", "1.0"},
          {"id", what.id},
          {"source", "/sluice/notifications/" + what.pipeline + "/" + what.rule},
          {"type", "notification." + what.kind},
          {"time", formatted(what.time, "%Y-%m-%dT%H:%M:%SZ")},
          {"datacontenttype", "application/json"},
          {"data", std::move(data)}};
}

}  // namespace sluice::notify
