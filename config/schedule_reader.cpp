#include "config/schedule_reader.hpp"

#include "engine/schedule/cron.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/time_zone.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::config {

namespace {

constexpr const char* example = "schedule: { cron: \"15 5 * * *\", timezone: Europe/Berlin }";
constexpr const char* after_example = "after: { all: [load-orders, load-customers], same: [day], within: 12h }";
const std::vector<std::string> triggers = {"cron", "every", "after", "files", "webhook"};
const std::vector<std::string> keys = {"cron",   "every",    "after",    "files",   "webhook",
                                       "settle", "timezone", "catch_up", "deadline"};

class schedule_reader {
 public:
  schedule_reader(const reading& in, const pipeline& of) : in_(in), of_(of) { made_.timezone = of.timezone; }

  std::optional<schedule::settings> read(const node& section) {
    const auto before = in_.faults.size();
    if (section.broken) return {};
    if (!section.is_map()) {
      in_.fault(section, "invalid_value", "schedule must be a map, found " + describe(section), example);
      return {};
    }
    std::vector<const node*> found;
    for (const auto& [key, value] : section.entries) {
      if (std::find(triggers.begin(), triggers.end(), key.text) != triggers.end()) found.push_back(&key);
      read_key(key, value);
    }
    if (found.empty())
      in_.fault(section, "missing_key", "the schedule does not say when the pipeline is to run",
                "one of " + enumerate(triggers) + ": " + example);
    if (found.size() > 1)
      in_.fault(*found[1], "invalid_value",
                "a schedule has one of " + enumerate(triggers) + ", found " + found[0]->text + " and " + found[1]->text,
                "make two pipelines of it, the second with schedule: { after: { all: [FIRST] } }");
    refuse_without(section, "timezone", {"cron", "deadline"});
    refuse_without(section, "catch_up", {"cron", "every"});
    refuse_without(section, "settle", {"files"});
    if (in_.faults.size() > before) return {};
    return std::move(made_);
  }

 private:
  void read_key(const node& key, const node& value) {
    if (key.text == "cron") {
      if (const auto text = read_text(in_, value, "cron")) {
        if (auto parsed = schedule::cron::parse(*text); !parsed.ok()) in_.fault_from(value, parsed.problem());
        made_.cron = *text;
      }
    } else if (key.text == "timezone") {
      if (const auto text = read_text(in_, value, "timezone")) {
        if (const auto zone = zone_clock::find(*text); !zone.ok()) in_.fault_from(value, zone.problem());
        made_.timezone = *text;
      }
    } else if (key.text == "every") {
      made_.every = read_time(value, "every");
      if (made_.every > 0 && made_.every < 1'000'000)
        in_.fault(value, "invalid_value", "every must be 1s or more, found " + describe(value));
    } else if (key.text == "settle") {
      made_.settle = read_time(value, "settle");
    } else if (key.text == "files") {
      if (auto text = read_text(in_, value, "files")) made_.files = *std::move(text);
    } else if (key.text == "after") {
      read_after(value);
    } else if (key.text == "webhook") {
      read_webhook(value);
    } else if (key.text == "catch_up") {
      if (const auto word = read_choice(in_, value, "catch_up", {"none", "last", "all"}))
        made_.catch_up = *word == "all"    ? schedule::catch_up_rule::all
                         : *word == "none" ? schedule::catch_up_rule::none
                                           : schedule::catch_up_rule::last;
    } else if (key.text == "deadline") {
      read_deadline(value);
    } else if (key.text == "overlap") {
      in_.fault(key, "unknown_key", "a schedule has no key overlap", "write it in run: run: { overlap: queue }");
    } else if (key.text == "retry") {
      in_.fault(key, "unknown_key", "a schedule has no key retry", "write it in run: run: { retry: ... }");
    } else {
      in_.unknown_key(key, "a schedule", keys);
    }
  }

  std::int64_t read_time(const node& value, const std::string& what) {
    const auto text = read_text(in_, value, what);
    if (!text) return 0;
    auto parsed = parse_duration(*text);
    if (parsed.ok() && *parsed > 0) return *parsed;
    if (parsed.ok())
      in_.fault(value, "invalid_value", what + " must be above zero, found " + describe(value));
    else
      in_.fault_from(value, std::move(parsed).problem());
    return 0;
  }

  /// A duration from the due time, or a time of day.
  void read_deadline(const node& value) {
    const auto text = read_text(in_, value, "deadline");
    if (!text) return;
    if (text->find(':') == std::string::npos) {
      made_.deadline = read_time(value, "deadline");
      return;
    }
    const auto digit = [&](std::size_t at) { return std::isdigit(static_cast<unsigned char>((*text)[at])) != 0; };
    const bool form = text->size() == 5 && (*text)[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4);
    const int hour = form ? std::stoi(text->substr(0, 2)) : 24;
    const int minute = form ? std::stoi(text->substr(3)) : 60;
    if (hour > 23 || minute > 59)
      in_.fault(value, "invalid_value", "deadline must be a duration or a time of day, found " + describe(value),
                "deadline: 45m, or deadline: \"06:00\"");
    else
      made_.deadline_minute = hour * 60 + minute;
  }

  void read_after(const node& value) {
    schedule::after_settings made;
    if (!value.is_map()) {
      in_.fault(value, "invalid_value", "after must be a map, found " + describe(value), after_example);
      return;
    }
    for (const auto& [key, held] : value.entries) {
      if (key.text == "all" || key.text == "any") {
        if (!made.pipelines.empty())
          in_.fault(key, "invalid_value", "after has either all or any, found both", after_example);
        made.all = key.text == "all";
        if (auto names = read_texts(in_, held, "after." + key.text)) made.pipelines = *std::move(names);
        for (const auto& name : made.pipelines)
          if (name == of_.name) in_.fault(held, "invalid_value", "a pipeline can't run after itself, found " + name);
        if (held.is_sequence() && held.items.empty())
          in_.fault(held, "invalid_value", "after." + key.text + " must name at least one pipeline", after_example);
      } else if (key.text == "same") {
        if (auto names = read_texts(in_, held, "after.same")) made.same = *std::move(names);
        for (std::size_t at = 0; at < made.same.size(); ++at)
          if (of_.params.count(made.same[at]) == 0) {
            std::vector<std::string> known;
            for (const auto& [name, param] : of_.params) known.push_back(name);
            in_.fault(held.is_sequence() ? held.items[at] : held, "unknown_param",
                      "the pipeline has no param " + made.same[at],
                      known.empty() ? "declare it: params: { " + made.same[at] + ": { type: date } }"
                                    : suggest(made.same[at], known));
          }
      } else if (key.text == "within") {
        made.within = read_time(held, "after.within");
      } else if (key.text == "partial") {
        if (const auto word = read_choice(in_, held, "after.partial", {"true", "false"}))
          made.partial = *word == "true";
      } else {
        in_.unknown_key(key, "after", {"all", "any", "same", "within", "partial"});
      }
    }
    if (value.find("all") == nullptr && value.find("any") == nullptr)
      in_.fault(value, "missing_key", "after names no pipelines", after_example);
    made_.after = std::move(made);
  }

  void read_webhook(const node& value) {
    made_.webhook = true;
    const auto* key = value.is_map() ? value.find("signing_key") : nullptr;
    const auto* hint = "webhook: { signing_key: \"${secret:hook}\" }";
    if (key == nullptr) {
      in_.fault(value, "missing_key", "webhook needs a signing_key: everyone who knows it can start the pipeline",
                hint);
      return;
    }
    for (const auto& [name, held] : value.entries)
      if (name.text != "signing_key") in_.unknown_key(name, "webhook", {"signing_key"});
    // Not by `read_text`, which takes no secrets.
    if (!key->is_scalar())
      in_.fault(*key, "invalid_value", "signing_key must be a text, found " + describe(*key), hint);
    else if (!secrets::has_reference(key->text))
      in_.fault(*key, "secret_not_allowed", "signing_key must refer to a secret: the file is kept with each run", hint);
    made_.signing_key = key->text;
  }

  void refuse_without(const node& section, const char* what, const std::vector<std::string>& with) {
    for (const auto& [key, value] : section.entries) {
      if (key.text != what) continue;
      if (std::none_of(with.begin(), with.end(), [&](const auto& one) { return section.find(one) != nullptr; }))
        in_.fault(key, "invalid_value", std::string(what) + " has a meaning only beside " + enumerate(with));
    }
  }

  const reading& in_;
  const pipeline& of_;
  schedule::settings made_;
};

}  // namespace

std::optional<schedule::settings> read_schedule(const reading& in, const pipeline& of) {
  const auto* section = in.source.root().find("schedule");
  if (section == nullptr || section->is_null()) return {};
  return schedule_reader(in, of).read(*section);
}

}  // namespace sluice::config
