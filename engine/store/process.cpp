#include "engine/store/process.hpp"

#include "engine/values/uuid.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <ctime>
#include <fstream>
#include <sstream>

namespace sluice::store {

namespace {

std::string link_text(const char* path) {
  std::array<char, PATH_MAX> text{};
  const auto size = ::readlink(path, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

std::string host_of() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

/// The PID namespace, where /proc is its own; empty where /proc shows the pids of another one, as a namespace without a
/// mount of its own sees it.
std::string own_namespace() {
  return link_text("/proc/self") == std::to_string(::getpid()) ? link_text("/proc/self/ns/pid") : std::string();
}

std::int64_t start_in(const std::string& stat_path) {
  std::ifstream file(stat_path);
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

}  // namespace

std::int64_t process_start(std::int64_t pid) {
  return pid <= 0 ? 0 : start_in("/proc/" + std::to_string(pid) + "/stat");
}

std::int64_t uptime_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

process_record this_process(const std::string& node) {
  return {.id = uuid_v7(),
          .boot = boot_id(),
          .pid_namespace = own_namespace(),
          .pid = ::getpid(),
          .pid_started = start_in("/proc/self/stat"),
          .host = host_of(),
          .node = node};
}

observer observe() {
  using namespace std::chrono;
  return {.boot = boot_id(),
          .pid_namespace = own_namespace(),
          .now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count(),
          .uptime = uptime_microseconds()};
}

bool is_alive(const lease& of, const observer& by) {
  const auto& holder = of.holder;
  const bool same_boot = !holder.boot.empty() && holder.boot == by.boot;
  const bool same_pids = same_boot && !holder.pid_namespace.empty() && holder.pid_namespace == by.pid_namespace;
  if (same_pids && process_start(holder.pid) != holder.pid_started) return false;
  if (!by.prompt) return true;
  // Clocks of one boot can't be set; those of two machines are compared as they are.
  const auto age = same_boot ? by.uptime - of.uptime : by.now - of.beat;
  return age < lease_microseconds;
}

}  // namespace sluice::store
