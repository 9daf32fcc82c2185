#include "cluster/membership.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace sluice::cluster {

const char* to_string(member_state state) {
  switch (state) {
    case member_state::joining:
      return "joining";
    case member_state::ready:
      return "ready";
    case member_state::suspect:
      return "suspect";
    case member_state::draining:
      return "draining";
    case member_state::lost:
      break;
  }
  return "lost";
}

member_report own_report(std::uint32_t units, std::uint32_t runs) {
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  member_report made{.units = units, .runs = runs, .cores = cores};
  double averages[1] = {};
  if (::getloadavg(averages, 1) == 1) made.load_percent = static_cast<std::uint32_t>(averages[0] * 100 / cores);
  long all = 0;
  long resident = 0;
  if (auto* const file = std::fopen("/proc/self/statm", "re"); file != nullptr) {
    if (std::fscanf(file, "%ld %ld", &all, &resident) == 2)
      made.memory = static_cast<std::int64_t>(resident) * ::sysconf(_SC_PAGESIZE);
    std::fclose(file);
  }
  return made;
}

void membership::add(const std::string& name, std::int64_t incarnation, time now) {
  members_[name] = {.incarnation = incarnation, .heard = now, .report = {}};
}

bool membership::beat(const std::string& name, std::int64_t incarnation, const member_report& report, time now) {
  const auto found = members_.find(name);
  if (found == members_.end() || found->second.incarnation != incarnation) return false;
  found->second.heard = std::max(found->second.heard, now);
  found->second.report = report;
  found->second.beaten = true;
  return true;
}

bool membership::drain(const std::string& name, bool draining) {
  const auto found = members_.find(name);
  if (found == members_.end()) return false;
  found->second.draining = draining;
  return true;
}

std::vector<membership::change> membership::look(time now) {
  using std::chrono::milliseconds;
  if (looked_ != time{} && now - looked_ > 3 * limits_.interval)
    for (auto& [name, one] : members_) one.heard = std::min(now, one.heard + (now - looked_ - limits_.interval));
  looked_ = now;
  std::vector<change> changes;
  for (auto& [name, one] : members_) {
    const auto silence = now - one.heard;
    const auto next = silence >= limits_.lost      ? member_state::lost
                      : silence >= limits_.suspect ? member_state::suspect
                      : one.draining               ? member_state::draining
                                                   : member_state::ready;
    if (next == one.state) continue;
    one.state = next;
    changes.push_back({name, next, std::chrono::duration_cast<milliseconds>(silence)});
  }
  return changes;
}

member_state membership::state_of(const std::string& name) const {
  const auto found = members_.find(name);
  if (found == members_.end()) return member_state::lost;
  const auto& one = found->second;
  if (one.state != member_state::ready) return one.state;
  if (one.draining) return member_state::draining;
  return one.beaten ? member_state::ready : member_state::joining;
}

member_report membership::report_of(const std::string& name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? member_report{} : found->second.report;
}

}  // namespace sluice::cluster
