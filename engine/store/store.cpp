#include "engine/store/store.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>

namespace sluice::store {

namespace {

constexpr std::array<std::string_view, 8> state_names = {"queued",    "starting", "running", "draining",
                                                         "succeeded", "partial",  "failed",  "cancelled"};

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

std::int64_t process_start(std::int64_t pid) {
  if (pid <= 0) return 0;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return 0;
  // The second field is the program's name in parentheses, which may hold blanks and parentheses itself.
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string state;
  fields >> state;
  if (state == "Z" || state == "X") return 0;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  std::int64_t start = 0;
  fields >> start;
  return start;
}

bool is_alive(const run_record& run) {
  return run.pid > 0 && run.pid_started > 0 && process_start(run.pid) == run.pid_started;
}

options cloud_event(const event& what) {
  options out;
  out["specversion"] = "1.0";
  out["id"] = what.id;
  out["source"] = "/sluice/runs/" + what.run;
  out["type"] = what.type;
  if (!what.unit.empty()) out["subject"] = what.unit;
  out["time"] = rfc3339(what.time);
  out["datacontenttype"] = "application/json";
  std::array<char, 32> padded = {};
  std::snprintf(padded.data(), padded.size(), "%010lld", static_cast<long long>(what.sequence));
  out["sequence"] = padded.data();
  options data = {{"run", what.run}, {"sequence", what.sequence}, {"cursor", what.cursor}};
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
