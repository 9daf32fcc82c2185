#include "engine/schedule/settings.hpp"

#include "engine/schedule/cron.hpp"
#include "engine/values/calendar.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::schedule {

namespace {

constexpr std::array<const char*, 3> catch_up_names = {"none", "last", "all"};
/// A due time that is older was missed: nobody looked when it came.
constexpr std::int64_t on_time = 60 * microseconds_per_second;
constexpr std::size_t most_at_once = 1000;

std::string text_at(const options& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_string() ? found->text() : std::string();
}

std::int64_t number_at(const options& of, const char* key, std::int64_t otherwise) {
  const auto found = of.find(key);
  return found != of.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

std::string duration_text(std::int64_t microseconds) {
  const auto seconds = microseconds / microseconds_per_second;
  if (seconds * microseconds_per_second != microseconds) return std::to_string(microseconds / 1000) + "ms";
  for (const auto& [unit, length] : {std::pair{"d", 86'400}, std::pair{"h", 3600}, std::pair{"m", 60}})
    if (seconds % length == 0) return std::to_string(seconds / length) + unit;
  return std::to_string(seconds) + "s";
}

/// Times of a schedule, one after the other.
class times {
 public:
  static result<times> make(const settings& of) {
    times made;
    made.every_ = of.every;
    if (of.cron.empty()) return made;
    SLUICE_ASSIGN(made.cron_, cron::parse(of.cron));
    SLUICE_ASSIGN(made.zone_, zone_clock::find(of.timezone));
    return made;
  }

  std::optional<std::int64_t> next(std::int64_t after) {
    if (cron_) return cron_->next(after, zone_);
    if (every_ > 0) return (floor_div(after, every_) + 1) * every_;
    return std::nullopt;
  }

 private:
  std::optional<cron> cron_;
  zone_clock zone_;
  std::int64_t every_ = 0;
};

void miss(due_look& found, std::int64_t at) {
  if (found.missed++ == 0) found.first_missed = at;
  found.last_missed = at;
}

}  // namespace

options to_options(const settings& of) {
  options made = options::object();
  if (!of.cron.empty()) made["cron"] = of.cron;
  if (of.every > 0) made["every"] = of.every;
  if (of.after)
    made["after"] = options{{"pipelines", of.after->pipelines},
                            {"all", of.after->all},
                            {"same", of.after->same},
                            {"within", of.after->within.value_or(0)},
                            {"partial", of.after->partial}};
  if (!of.files.empty()) {
    made["files"] = of.files;
    made["settle"] = of.settle;
  }
  if (of.webhook) made["webhook"] = options{{"signing_key", of.signing_key}};
  made["timezone"] = of.timezone;
  made["catch_up"] = catch_up_names.at(static_cast<std::size_t>(of.catch_up));
  if (of.deadline > 0) made["deadline"] = of.deadline;
  if (of.deadline_minute) made["deadline_minute"] = std::int64_t{*of.deadline_minute};
  return made;
}

result<settings> from_options(const options& kept) {
  settings made;
  if (!kept.is_object())
    return user_error("invalid_schedule", "the schedule can't be read", "deploy the pipeline again");
  made.cron = text_at(kept, "cron");
  made.every = number_at(kept, "every", 0);
  if (const auto after = kept.find("after"); after != kept.end() && after->is_object()) {
    after_settings read;
    for (const auto& one : (*after)["pipelines"]) read.pipelines.push_back(one.text());
    read.all = after->value("all", true);
    for (const auto& one : (*after)["same"]) read.same.push_back(one.text());
    if (const auto within = number_at(*after, "within", 0); within > 0) read.within = within;
    read.partial = after->value("partial", false);
    made.after = std::move(read);
  }
  made.files = text_at(kept, "files");
  made.settle = number_at(kept, "settle", made.settle);
  if (const auto hook = kept.find("webhook"); hook != kept.end() && hook->is_object()) {
    made.webhook = true;
    made.signing_key = text_at(*hook, "signing_key");
  }
  if (const auto zone = text_at(kept, "timezone"); !zone.empty()) made.timezone = zone;
  const auto rule = text_at(kept, "catch_up");
  for (std::size_t at = 0; at < catch_up_names.size(); ++at)
    if (rule == catch_up_names.at(at)) made.catch_up = static_cast<catch_up_rule>(at);
  made.deadline = number_at(kept, "deadline", 0);
  if (const auto minute = number_at(kept, "deadline_minute", -1); minute >= 0)
    made.deadline_minute = static_cast<int>(minute);
  return made;
}

std::string describe(const settings& of) {
  if (!of.cron.empty()) return of.cron + " " + of.timezone;
  if (of.every > 0) return "every " + duration_text(of.every);
  if (!of.files.empty()) return "files " + of.files;
  if (of.webhook) return "webhook";
  if (!of.after) return "by hand";
  std::string names;
  for (const auto& name : of.after->pipelines) names += (names.empty() ? "" : of.after->all ? " and " : " or ") + name;
  return "after " + names;
}

result<std::optional<std::int64_t>> next_due(const settings& of, std::int64_t after) {
  SLUICE_ASSIGN(auto all, times::make(of));
  return all.next(after);
}

result<due_look> look_at_clock(const settings& of, std::int64_t mark, std::int64_t now) {
  due_look found;
  found.mark = mark;
  SLUICE_ASSIGN(auto all, times::make(of));
  auto at = mark;
  if (of.every > 0 && of.catch_up != catch_up_rule::all) {
    // All but the last few are counted, not gone through.
    const auto skip = (now - mark) / of.every - 100;
    if (skip > 0) {
      const auto first = (floor_div(mark, of.every) + 1) * of.every;
      found.missed = skip;
      found.first_missed = first;
      at = first + (skip - 1) * of.every;
      found.last_missed = at;
    }
  }
  std::optional<std::int64_t> newest;
  while (const auto next = all.next(at)) {
    if (*next > now) break;
    at = *next;
    if (of.catch_up == catch_up_rule::all) {
      found.due.push_back(at);
      if (found.due.size() >= most_at_once) break;
    } else if (of.catch_up == catch_up_rule::none) {
      if (now - at <= on_time)
        found.due.push_back(at);
      else
        miss(found, at);
    } else {
      if (newest) miss(found, *newest);
      newest = at;
    }
  }
  if (newest) found.due.push_back(*newest);
  found.mark = at;
  return found;
}

result<std::int64_t> deadline_of(const settings& of, std::int64_t due) {
  if (of.deadline > 0) return due + of.deadline;
  if (!of.deadline_minute) return std::int64_t{0};
  SLUICE_ASSIGN(auto zone, zone_clock::find(of.timezone));
  const auto local = zone.to_local(due);
  auto day = floor_div(local, microseconds_per_day);
  const auto minute = std::int64_t{*of.deadline_minute} * 60 * microseconds_per_second;
  if (day * microseconds_per_day + minute <= local) ++day;
  return first_of_local(day * microseconds_per_day + minute, zone);
}

}  // namespace sluice::schedule
