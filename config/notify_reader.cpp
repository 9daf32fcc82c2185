#include "config/notify_reader.hpp"

#include "config/option_reader.hpp"
#include "engine/component/component.hpp"
#include "engine/error/names.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/condition.hpp"
#include "engine/notify/inhibition.hpp"
#include "engine/notify/start_channel.hpp"
#include "engine/schedule/cron.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/time_zone.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

namespace sluice::config {

namespace {

constexpr const char* silence_example = "silences: [{ name: sunday, cron: \"0 2 * * 0\", for: 2h }]";
constexpr const char* rule_example = "notify: [{ name: oncall, when: \"type = 'run.failed'\", to: [pager] }]";

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

/// Names of the kinds of channels: those that exist, or those that are known.
std::vector<std::string> kinds() {
  std::vector<std::string> names;
  for (const auto* one : components())
    if (one->spec.kind == component_kind::subscriber) names.push_back(one->spec.name);
  return names;
}

class notify_reader {
 public:
  notify_reader(const reading& in, const pipeline& of, const connections& known, std::string folder)
      : in_(in), of_(of), connections_(known), folder_(std::move(folder)) {
    std::error_code ignored;
    if (folder_.empty()) folder_ = std::filesystem::current_path(ignored).string();
  }

  std::vector<store::subscription> read(const node& root) {
    if (const auto* channels = root.find("channels")) read_channels(*channels);
    if (const auto* silences = root.find("silences")) read_silences(*silences);
    if (const auto* rules = root.find("notify")) read_rules(*rules);
    return std::move(made_);
  }

 private:
  void read_channels(const node& section) {
    if (section.is_null() || section.broken) return;
    if (!section.is_map()) {
      in_.fault(section, "invalid_value", "channels must be a map of channels, found " + describe(section),
                "channels: { pager: { webhook: { url: \"https://...\" } } }");
      return;
    }
    for (const auto& [name, value] : section.entries) {
      // Known from now on, so that rules that name it don't have a second fault.
      channels_[name.text] = nullptr;
      if (value.broken) continue;
      if (!is_name(name.text))
        in_.fault(name, "invalid_name", "the name of a channel may contain letters, digits, - and _",
                  "for example: pager");
      if (!value.is_map() || value.entries.size() != 1) {
        in_.fault(value.is_null() ? name : value, "invalid_value",
                  "a channel must have exactly one kind, found " +
                      (value.is_map() ? std::to_string(value.entries.size()) + " keys" : describe(value)),
                  "one of " + enumerate(kinds()) + ": " + name.text + ": { webhook: { url: \"https://...\" } }");
        continue;
      }
      read_channel(name.text, value.entries.front().key, value.entries.front().value);
    }
  }

  void read_channel(const std::string& name, const node& kind, const node& value) {
    const auto* found = find_component(component_kind::subscriber, kind.text);
    if (found == nullptr) {
      const auto& planned = planned_components(component_kind::subscriber);
      if (std::find(planned.begin(), planned.end(), kind.text) != planned.end())
        in_.fault(kind, "not_supported_yet", "the channel " + kind.text + " is not supported yet",
                  not_yet_hint(kind.text));
      else
        in_.fault(kind, "unknown_component", "there is no kind of channel " + kind.text, suggest(kind.text, kinds()));
      return;
    }
    auto own = connections_.read_component(in_, value, found->spec.value, kind.text);
    if (!own) return;
    diagnostics faults;
    (void)make_subscriber(kind.text, {.own = *own, .base_folder = folder_}, faults);
    for (auto& fault : faults) {
      fault.at = in_.source.locate("/channels/" + name + fault.path);
      fault.path.clear();
      in_.faults.push_back(std::move(fault));
    }
    channels_[name] = options{{"kind", kind.text}, {"own", *std::move(own)}, {"folder", folder_}};
  }

  void read_rules(const node& section) {
    if (section.is_null() || section.broken) return;
    if (!section.is_sequence()) {
      in_.fault(section, "invalid_value", "notify must be a list of rules, found " + describe(section), rule_example);
      return;
    }
    for (const auto& item : section.items) {
      if (item.broken) continue;
      if (!item.is_map()) {
        in_.fault(item, "invalid_value", "a rule must be a map, found " + describe(item), rule_example);
        continue;
      }
      read_rule(item);
    }
  }

  void read_rule(const node& rule) {
    const auto before = in_.faults.size();
    std::string name;
    options made = options::object();
    options start;
    for (const auto& [key, value] : rule.entries) {
      if (key.text == "name") {
        name = read_name(value);
      } else if (key.text == "when") {
        if (auto text = read_text(in_, value, "when")) made["when"] = read_condition(value, *std::move(text));
      } else if (key.text == "to") {
        made["to"] = read_targets(value, "to");
      } else if (key.text == "order") {
        if (const auto word = read_choice(in_, value, "order", {"run", "any"})) made["order"] = *word;
      } else if (key.text == "group") {
        made["group"] = read_group(value);
      } else if (key.text == "repeat") {
        if (const auto time = read_time(value, "repeat")) made["repeat"] = *time;
      } else if (key.text == "resolved") {
        if (const auto word = read_choice(in_, value, "resolved", {"true", "false"}))
          made["resolved"] = *word == "true";
      } else if (key.text == "escalate") {
        made["escalate"] = read_escalation(value);
      } else if (key.text == "heartbeat") {
        if (const auto time = read_time(value, "heartbeat")) made["heartbeat"] = *time;
      } else if (key.text == "absent") {
        if (const auto time = read_time(value, "absent")) made["absent"] = *time;
      } else if (key.text == "inhibit") {
        made["inhibit"] = read_inhibitions(value);
      } else if (key.text == "start") {
        start = read_start(value);
      } else {
        in_.unknown_key(key, "a rule",
                        {"name", "when", "to", "start", "order", "group", "repeat", "resolved", "escalate", "inhibit",
                         "heartbeat", "absent"});
      }
    }
    if (rule.find("name") == nullptr) in_.fault(rule, "missing_key", "the rule has no name", "name: oncall");
    // A rule that only says that somebody is there tells of no event.
    if (made.contains("heartbeat") && rule.find("when") == nullptr) made["when"] = "false";
    if (rule.find("to") == nullptr && rule.find("start") == nullptr)
      in_.fault(rule, "missing_key", "the rule does not say where notifications go", "to: [pager]");
    if (rule.find("absent") != nullptr && rule.find("when") == nullptr)
      in_.fault(rule, "missing_key", "the rule has absent, but does not say which events it waits for",
                "when: \"type = 'run.succeeded'\"");
    for (const auto* other : {"group", "inhibit", "heartbeat"})
      if (rule.find("absent") != nullptr && rule.find(other) != nullptr)
        in_.fault(rule, "invalid_value",
                  std::string("a rule with absent can't have ") + other + ": it tells that no event has come",
                  "make two rules of it");
    for (const auto* other : {"group", "repeat", "resolved", "escalate", "heartbeat", "absent"})
      if (!start.is_null() && rule.find(other) != nullptr)
        in_.fault(rule, "invalid_value",
                  std::string("a rule with start can't have ") + other + ": each event starts a run",
                  "make two rules of it");
    for (const auto* other : {"group", "repeat", "resolved", "escalate", "absent"})
      if (rule.find(other) != nullptr && tells_lineage(made))
        in_.fault(
            rule, "invalid_value",
            std::string("a rule that sends OpenLineage events can't have ") + other + ": they tell of single events",
            "make two rules of it");
    if (in_.faults.size() > before) return;
    options channels = options::object();
    if (!start.is_null()) {
      const auto channel = notify::start_channel_name(start["pipeline"].text());
      if (!made.contains("to")) made["to"] = options::array();
      made["to"].push_back(channel);
      channels[channel] = options{{"kind", notify::start_kind}, {"own", std::move(start)}, {"folder", folder_}};
    }
    for (const auto& channel : used_here(made))
      if (!channels.contains(channel)) channels[channel] = channels_[channel];
    store::subscription kept;
    kept.id = of_.name + "/" + name;
    kept.pipeline = of_.name;
    kept.name = name;
    options params = options::object();
    for (const auto& [param, type] : notify::types_of(of_.params)) params[param] = type;
    kept.spec = options{{"rule", std::move(made)}, {"channels", std::move(channels)}, {"params", std::move(params)}};
    if (!silences_.empty()) kept.spec["silences"] = silences_;
    made_.push_back(std::move(kept));
  }

  std::string read_name(const node& value) {
    const auto text = read_text(in_, value, "name");
    if (!text) return {};
    if (!is_name(*text))
      in_.fault(value, "invalid_name",
                "the name of a rule may contain letters, digits, - and _, found " + describe(value), "name: oncall");
    else if (!names_.insert(*text).second)
      in_.fault(value, "duplicate_name", "there are two rules named " + *text, "rename one of them");
    return *text;
  }

  /// `start: { pipeline, params }`; null where it has faults.
  options read_start(const node& value) {
    const auto before = in_.faults.size();
    constexpr const char* start_example = "start: { pipeline: publish, params: { day: \"$day\" } }";
    if (!value.is_map()) {
      in_.fault(value, "invalid_value", "start must be a map, found " + describe(value), start_example);
      return {};
    }
    options made = {{"pipeline", ""}, {"params", options::object()}};
    for (const auto& [key, held] : value.entries) {
      if (key.text == "pipeline") {
        if (auto text = read_text(in_, held, "start.pipeline")) made["pipeline"] = *std::move(text);
      } else if (key.text == "params") {
        if (!held.is_map()) {
          in_.fault(held, "invalid_value", "start.params must be a map of expressions, found " + describe(held),
                    start_example);
          continue;
        }
        for (const auto& [name, text] : held.entries) {
          const auto read = read_text(in_, text, "start.params." + name.text);
          if (!read) continue;
          made["params"][name.text] = *read;
          diagnostics faults;
          (void)notify::start_params::bind(options{{name.text, *read}}, notify::types_of(of_.params), faults);
          for (auto& fault : faults) {
            fault.path.clear();
            if (fault.code == "unknown_column" && fault.hint.empty()) fault.hint = "quote a text: \"'" + *read + "'\"";
            in_.fault_from(text, std::move(fault));
          }
        }
      } else {
        in_.unknown_key(key, "start", {"pipeline", "params"});
      }
    }
    if (value.find("pipeline") == nullptr)
      in_.fault(value, "missing_key", "start does not name the pipeline to start", start_example);
    if (in_.faults.size() > before) return {};
    return made;
  }

  std::string read_condition(const node& value, std::string text) {
    diagnostics faults;
    (void)notify::condition::bind(text, notify::types_of(of_.params), {}, faults);
    for (auto& fault : faults) {
      // A unit of a pipeline has no part in this.
      if (fault.code == "unknown_unit")
        fault.hint = "columns are those of `sluice help events`, data.NAME and params.NAME";
      in_.fault_from(value, std::move(fault));
    }
    return text;
  }

  void read_silences(const node& section) {
    if (section.is_null() || section.broken) return;
    if (!section.is_sequence()) {
      in_.fault(section, "invalid_value", "silences must be a list, found " + describe(section), silence_example);
      return;
    }
    for (const auto& item : section.items) {
      if (item.broken) continue;
      if (!item.is_map()) {
        in_.fault(item, "invalid_value", "a silence must be a map, found " + describe(item), silence_example);
        continue;
      }
      options made = {{"timezone", of_.timezone}};
      for (const auto& [key, value] : item.entries) {
        if (key.text == "name") {
          if (auto text = read_text(in_, value, "name")) made["name"] = *std::move(text);
        } else if (key.text == "when") {
          if (auto text = read_text(in_, value, "when")) made["when"] = read_condition(value, *std::move(text));
        } else if (key.text == "cron") {
          if (auto text = read_text(in_, value, "cron")) {
            if (auto parsed = schedule::cron::parse(*text); !parsed.ok()) in_.fault_from(value, parsed.problem());
            made["cron"] = *std::move(text);
          }
        } else if (key.text == "timezone") {
          if (auto text = read_text(in_, value, "timezone")) {
            if (const auto zone = zone_clock::find(*text); !zone.ok()) in_.fault_from(value, zone.problem());
            made["timezone"] = *std::move(text);
          }
        } else if (key.text == "for") {
          if (const auto time = read_time(value, "for")) made["for"] = *time;
        } else {
          in_.unknown_key(key, "a silence", {"name", "when", "cron", "timezone", "for"});
        }
      }
      for (const auto* needed : {"name", "cron", "for"})
        if (item.find(needed) == nullptr)
          in_.fault(item, "missing_key", std::string("the silence has no ") + needed, silence_example);
      silences_.push_back(std::move(made));
    }
  }

  options read_targets(const node& value, const std::string& what) {
    auto made = options::array();
    const auto names = read_texts(in_, value, what);
    if (!names) return made;
    std::vector<std::string> known;
    for (const auto& [name, channel] : channels_.items()) known.push_back(name);
    for (std::size_t at = 0; at < names->size(); ++at) {
      const auto& name = (*names)[at];
      const auto& place = value.is_sequence() ? value.items[at] : value;
      if (!channels_.contains(name))
        in_.fault(place, "unknown_channel", "there is no channel " + name,
                  known.empty() ? "define it: channels: { " + name + ": { webhook: { url: \"https://...\" } } }"
                                : suggest(name, known));
      made.push_back(name);
    }
    if (names->empty()) in_.fault(value, "invalid_value", what + " must name at least one channel", what + ": [pager]");
    return made;
  }

  std::optional<std::int64_t> read_time(const node& value, const std::string& what) {
    const auto text = read_text(in_, value, what);
    if (!text) return {};
    auto parsed = parse_duration(*text);
    if (parsed.ok() && *parsed > 0) return *parsed;
    if (parsed.ok())
      in_.fault(value, "invalid_value", what + " must be above zero, found " + describe(value));
    else
      in_.fault_from(value, std::move(parsed).problem());
    return {};
  }

  options read_group(const node& value) {
    options made = options::object();
    if (!value.is_map()) {
      in_.fault(value, "invalid_value", "group must be a map, found " + describe(value),
                "group: { by: [pipeline], wait: 30s, every: 5m, most: 10 }");
      return made;
    }
    static const std::vector<std::string> columns = {"pipeline", "type", "owner", "unit", "run", "severity"};
    for (const auto& [key, held] : value.entries) {
      if (key.text == "by") {
        const auto names = read_texts(in_, held, "group.by");
        for (std::size_t at = 0; names && at < names->size(); ++at)
          if (std::find(columns.begin(), columns.end(), (*names)[at]) == columns.end())
            in_.fault(held.is_sequence() ? held.items[at] : held, "invalid_value",
                      "events can't be grouped by " + (*names)[at], suggest((*names)[at], columns));
        if (names) made["by"] = *names;
      } else if (key.text == "wait" || key.text == "every") {
        if (const auto time = read_time(held, "group." + key.text)) made[key.text] = *time;
      } else if (key.text == "most") {
        if (const auto most = read_integer(in_, held, "group.most", 1)) {
          if (*most > 100) in_.fault(held, "invalid_value", "group.most must be 100 or less, found " + describe(held));
          made["most"] = *most;
        }
      } else {
        in_.unknown_key(key, "group", {"by", "wait", "every", "most"});
      }
    }
    return made;
  }

  options read_inhibitions(const node& value) {
    constexpr const char* example = "inhibit: [{ by: \"type = 'node.lost'\", same: [node], for: 10m }]";
    auto made = options::array();
    if (!value.is_sequence()) {
      in_.fault(value, "invalid_value", "inhibit must be a list, found " + describe(value), example);
      return made;
    }
    for (const auto& item : value.items) {
      options one = options::object();
      if (!item.is_map()) {
        in_.fault(item, "invalid_value", "an entry of inhibit must be a map, found " + describe(item), example);
        continue;
      }
      for (const auto& [key, held] : item.entries) {
        if (key.text == "by") {
          if (auto text = read_text(in_, held, "by")) one["by"] = read_condition(held, *std::move(text));
        } else if (key.text == "for") {
          if (const auto time = read_time(held, "for")) one["for"] = *time;
        } else if (key.text == "same") {
          const auto& known = notify::inhibition_keys();
          const auto names = read_texts(in_, held, "same");
          for (std::size_t at = 0; names && at < names->size(); ++at)
            if (std::find(known.begin(), known.end(), (*names)[at]) == known.end())
              in_.fault(held.is_sequence() ? held.items[at] : held, "invalid_value",
                        "events can't be compared by " + (*names)[at], suggest((*names)[at], known));
          if (names) one["same"] = *names;
        } else {
          in_.unknown_key(key, "inhibit", {"by", "same", "for"});
        }
      }
      if (item.find("by") == nullptr || item.find("for") == nullptr)
        in_.fault(item, "missing_key", "an entry of inhibit needs by and for", example);
      made.push_back(std::move(one));
    }
    return made;
  }

  options read_escalation(const node& value) {
    auto made = options::array();
    if (!value.is_sequence()) {
      in_.fault(value, "invalid_value", "escalate must be a list of steps, found " + describe(value),
                "escalate: [{ after: 15m, to: [pager] }]");
      return made;
    }
    for (const auto& item : value.items) {
      options step = options::object();
      for (const auto& [key, held] : item.entries) {
        if (key.text == "after") {
          if (const auto time = read_time(held, "after")) step["after"] = *time;
        } else if (key.text == "to") {
          step["to"] = read_targets(held, "to");
        } else {
          in_.unknown_key(key, "a step of escalate", {"after", "to"});
        }
      }
      if (!step.contains("after") || !step.contains("to"))
        in_.fault(item, "missing_key", "a step of escalate needs after and to", "{ after: 15m, to: [pager] }");
      made.push_back(std::move(step));
    }
    return made;
  }

  [[nodiscard]] bool tells_lineage(const options& rule) const {
    const auto names = used_here(rule);
    return std::any_of(names.begin(), names.end(), [&](const auto& name) {
      if (!channels_.contains(name) || !channels_[name].is_object()) return false;
      const auto& own = channels_[name]["own"];
      return own.is_object() && own.value("format", "") == "openlineage";
    });
  }

  static std::set<std::string> used_here(const options& rule) {
    std::set<std::string> names;
    if (rule.contains("to"))
      for (const auto& name : rule["to"]) names.insert(name.text());
    if (rule.contains("escalate"))
      for (const auto& step : rule["escalate"])
        for (const auto& name : step["to"]) names.insert(name.text());
    return names;
  }

  const reading& in_;
  const pipeline& of_;
  const connections& connections_;
  std::string folder_;
  std::vector<store::subscription> made_;
  options channels_ = options::object();
  options silences_ = options::array();
  std::set<std::string> names_;
};

}  // namespace

std::vector<store::subscription> read_notifications(const reading& in, const pipeline& of, const connections& known,
                                                    const std::string& folder) {
  return notify_reader(in, of, known, folder).read(in.source.root());
}

}  // namespace sluice::config
