#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::cluster {

/// How a member does, as the node that it reports to sees it. joining: it was taken in, and its first heartbeat has not
/// come. ready: it takes work. suspect: it has not been heard of for a while, and gets no new work. draining: it was
/// told to take no new work. lost: it is out; its runs start again elsewhere.
enum class member_state : std::uint8_t { joining, ready, suspect, draining, lost };
const char* to_string(member_state state);

/// What a member tells of itself with each heartbeat.
struct member_report {
  std::uint32_t load_percent = 0;  ///< load average of the last minute, of all its cores
  std::int64_t memory = 0;         ///< bytes of the process
  std::uint32_t units = 0;         ///< instances of units that run there
  std::uint32_t runs = 0;          ///< runs of which it has a part
  std::uint32_t cores = 1;
};
/// Of this process.
member_report own_report(std::uint32_t units, std::uint32_t runs);

struct membership_limits {
  std::chrono::milliseconds interval{500};  ///< of heartbeats
  std::chrono::milliseconds suspect{2000};  ///< without one
  std::chrono::milliseconds lost{6000};     ///< without one
  std::chrono::milliseconds kept{30'000};   ///< units of a worker whose controller is lost work on so long
};

/// Who belongs to the cluster, by heartbeats, as Flink, Spark and Kubernetes do it. A member is its name and its
/// incarnation: what an earlier life of a node sends changes nothing. Pure: takes the time as an argument.
class membership {
 public:
  using time = std::chrono::steady_clock::time_point;
  explicit membership(membership_limits limits = {}) : limits_(limits) {}

  void add(const std::string& name, std::int64_t incarnation, time now);
  void remove(const std::string& name) { members_.erase(name); }
  /// False: no member has that name and incarnation, so it has to join again.
  bool beat(const std::string& name, std::int64_t incarnation, const member_report& report, time now);
  /// False where there is no such member.
  bool drain(const std::string& name, bool draining);

  /// A member whose state has changed since the last look.
  struct change {
    std::string name;
    member_state state;
    std::chrono::milliseconds silence;
  };
  /// Call it once an interval. Where this process itself has not run for a while (it was stopped, or the machine was
  /// too busy), that time is held against nobody.
  std::vector<change> look(time now);

  [[nodiscard]] bool has(const std::string& name) const { return members_.count(name) > 0; }
  [[nodiscard]] member_state state_of(const std::string& name) const;
  [[nodiscard]] member_report report_of(const std::string& name) const;
  [[nodiscard]] const membership_limits& limits() const { return limits_; }

 private:
  struct member {
    std::int64_t incarnation = 0;
    time heard;
    member_report report;
    member_state state = member_state::ready;
    bool draining = false;
    bool beaten = false;  ///< a heartbeat has come
  };
  membership_limits limits_;
  std::map<std::string, member> members_;
  time looked_{};
};

}  // namespace sluice::cluster
