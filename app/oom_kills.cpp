#include "app/oom_kills.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sluice::app {

namespace {

/// The number behind a word at the begin of a line.
std::optional<std::uint64_t> number_behind(const std::string& path, std::string_view word) {
  std::ifstream file(path);
  for (std::string name, rest; file >> name; std::getline(file, rest)) {
    std::uint64_t number = 0;
    if (name == word && file >> number) return number;
  }
  return std::nullopt;
}

/// Where the control group is in a hierarchy; a container may see its own as the root.
std::optional<std::uint64_t> in_group(const std::string& folder, const std::string& group, const std::string& file) {
  if (const auto found = number_behind(folder + group + "/" + file, "oom_kill")) return found;
  return number_behind(folder + "/" + file, "oom_kill");
}

std::optional<std::uint64_t> group_kills(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  std::optional<std::uint64_t> found;
  // ID:CONTROLLERS:PATH, with the ID 0 and no controllers for v2.
  for (std::string line; !found && std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const auto path = line.substr(second + 1) == "/" ? "" : line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos)
      found = in_group(root + "/sys/fs/cgroup/memory", path, "memory.oom_control");
    if (line.rfind("0::", 0) == 0) found = in_group(root + "/sys/fs/cgroup", path, "memory.events");
  }
  return found;
}

bool names(std::string_view kernel_log, pid_t process) {
  const auto mark = "Killed process " + std::to_string(process) + " ";
  return kernel_log.find(mark) != std::string_view::npos;
}

}  // namespace

oom_kills read_oom_kills(const std::string& root) {
  return {.group = group_kills(root), .machine = number_behind(root + "/proc/vmstat", "oom_kill")};
}

oom_verdict judge_oom(const oom_kills& before, const oom_kills& after, std::string_view kernel_log, pid_t process) {
  if (names(kernel_log, process)) return oom_verdict::yes;
  const auto more = [](const auto& then, const auto& now) { return then && now ? *now > *then : false; };
  if (before.group && after.group) return more(before.group, after.group) ? oom_verdict::likely : oom_verdict::no;
  if (before.machine && after.machine)
    return more(before.machine, after.machine) ? oom_verdict::likely : oom_verdict::no;
  return oom_verdict::unknown;
}

std::string read_kernel_log(std::int64_t since) {
  const int file = ::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return {};
  std::string all;
  std::array<char, 8192> record{};
  for (;;) {
    const auto got = ::read(file, record.data(), record.size());
    // EPIPE: records were overwritten meanwhile; it goes on behind them.
    if (got < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL)) continue;
    if (got <= 0) break;
    // PRIORITY,NUMBER,MICROSECONDS,...;TEXT
    const std::string_view one(record.data(), static_cast<std::size_t>(got));
    const auto time = one.find(',', one.find(',') + 1);
    if (time != std::string_view::npos && std::atoll(record.data() + time + 1) >= since) all += one;
  }
  ::close(file);
  return all;
}

const char* to_string(oom_verdict verdict) {
  switch (verdict) {
    case oom_verdict::no:
      return "no";
    case oom_verdict::likely:
      return "likely";
    case oom_verdict::yes:
      return "yes";
    default:
      return "unknown";
  }
}

}  // namespace sluice::app
