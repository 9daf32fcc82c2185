#include "app/run_records.hpp"

#include "engine/plan/plan.hpp"
#include "engine/runs/lost_runs.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace sluice::app {

using store::run_record;
using store::run_state;

void bury_dead(store::store& in, std::vector<run_record>& runs) {
  for (auto& run : runs) {
    // Who only looks publishes nothing: where a run has decided to commit, `sluice run` or a node goes on.
    if (store::is_final(run.state) || run.alive || run.state == run_state::committing) continue;
    (void)settle_lost_run(in, run.id, unseen_death(run), make_sink);
    // It may have ended by itself in between: what the Store says now holds.
    if (auto now = in.find_run(run.id); now.ok()) run = std::move(now).value();
  }
}

result<run_record> find_run(store::store& in, const std::string& reference) {
  SLUICE_ASSIGN(auto run, in.find_run(reference));
  std::vector<run_record> one = {std::move(run)};
  bury_dead(in, one);
  return std::move(one.front());
}

std::string utc_text(std::int64_t microseconds) {
  if (microseconds == 0) return {};
  const auto seconds = static_cast<std::time_t>(microseconds / 1000000);
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text = {};
  const auto used = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + used, text.size() - used, ".%06dZ", static_cast<int>(microseconds % 1000000));
  return text.data();
}

std::int64_t microseconds_of(const std::string& utc) {
  std::tm broken = {};
  int fraction = 0;
  if (std::sscanf(utc.c_str(), "%d-%d-%dT%d:%d:%d.%6d", &broken.tm_year, &broken.tm_mon, &broken.tm_mday,
                  &broken.tm_hour, &broken.tm_min, &broken.tm_sec, &fraction) != 7)
    return 0;
  broken.tm_year -= 1900;
  broken.tm_mon -= 1;
  return static_cast<std::int64_t>(timegm(&broken)) * 1000000 + fraction;
}

options to_json(const run_record& run) {
  options out = {{"id", run.id}, {"pipeline", run.pipeline}, {"state", store::to_string(run.state)}};
  if (!run.cause.is_null()) out["cause"] = run.cause;
  if (!run.owner.empty()) out["owner"] = run.owner;
  if (!run.tags.empty()) out["tags"] = run.tags;
  out["created"] = utc_text(run.created);
  if (run.started != 0) out["started"] = utc_text(run.started);
  if (run.ended != 0) out["ended"] = utc_text(run.ended);
  if (!run.params.empty()) out["params"] = run.params;
  if (run.pid != 0) out["pid"] = run.pid;
  if (!run.node.empty()) out["node"] = run.node;
  if (!run.endpoint.empty() && !store::is_final(run.state)) out["endpoint"] = run.endpoint;
  if (!run.summary.is_null()) out["summary"] = run.summary;
  return out;
}

std::string short_id(const std::string& id) {
  // Of a UUID v7 the first 48 bits are the time, the next 12 random: "0190a3f2-1b2c-7abc".
  return id.size() > 18 ? id.substr(0, 18) : id;
}

}  // namespace sluice::app
