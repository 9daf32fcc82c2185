#include "engine/store/store.hpp"

#include "engine/notify/event_catalogue.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace sluice::store {

namespace {

constexpr std::array<std::string_view, 11> state_names = {"queued",     "starting", "running",    "draining",
                                                          "committing", "paused",   "restarting", "succeeded",
                                                          "partial",    "failed",   "cancelled"};

std::string rfc3339(std::int64_t microseconds) {
  auto seconds = static_cast<std::time_t>(microseconds / 1000000);
  auto fraction = microseconds % 1000000;
  if (fraction < 0) {
    fraction += 1000000;
    --seconds;
  }
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text = {};
  auto used = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + used, text.size() - used, ".%06dZ", static_cast<int>(fraction));
  return text.data();
}

}  // namespace

bool is_final(run_state state) { return state >= run_state::succeeded; }

std::string to_string(run_state state) { return std::string(state_names.at(static_cast<std::size_t>(state))); }

std::optional<run_state> run_state_from(std::string_view text) {
  for (std::size_t i = 0; i < state_names.size(); ++i)
    if (state_names[i] == text) return static_cast<run_state>(i);
  return std::nullopt;
}

const std::vector<run_state>& run_states() {
  static const auto all = [] {
    std::vector<run_state> made;
    for (std::size_t i = 0; i < state_names.size(); ++i) made.push_back(static_cast<run_state>(i));
    return made;
  }();
  return all;
}

options cloud_event(const event& what) {
  options out;
  out["specversion"] = "1.0";
  out["id"] = what.id;
  out["source"] =
      what.run.empty() ? "/sluice/state/" + what.id.substr(0, what.id.find('/')) : "/sluice/runs/" + what.run;
  out["type"] = what.type;
  if (!what.unit.empty()) out["subject"] = what.unit;
  out["time"] = rfc3339(what.time);
  out["datacontenttype"] = "application/json";
  std::array<char, 32> padded = {};
  std::snprintf(padded.data(), padded.size(), "%010lld", static_cast<long long>(what.sequence));
  out["sequence"] = padded.data();
  options data = {{"sequence", what.sequence},
                  {"cursor", what.cursor},
                  {"severity", notify::to_string(notify::severity_of(what.type))}};
  if (!what.run.empty()) data["run"] = what.run;
  if (!what.pipeline.empty()) data["pipeline"] = what.pipeline;
  if (!what.owner.empty()) data["owner"] = what.owner;
  if (!what.tags.empty()) data["tags"] = what.tags;
  if (!what.unit.empty()) data["unit"] = what.unit;
  if (what.data.is_object())
    for (const auto& [name, value] : what.data.items()) data[name] = value;
  out["data"] = std::move(data);
  return out;
}

}  // namespace sluice::store
