// Finds the files of time zones.
#include "engine/error/names.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/zone_rules.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <vector>

namespace sluice {

namespace {

namespace fs = std::filesystem;

// Where systems keep them. TZDIR is what the C library looks at, too.
std::vector<fs::path> zone_folders() {
  if (const char* own = std::getenv("TZDIR"); own != nullptr && *own != '\0') return {own};
  return {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};
}

// A name never leads out of the folder.
bool is_zone_name(const std::string& name) {
  if (name.empty() || name.size() > 255 || name.front() == '/' || name.back() == '/') return false;
  if (name.find("..") != std::string::npos || name.find("//") != std::string::npos) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '_' || c == '-' || c == '+' || c == '.';
  });
}

std::vector<std::string> known_zones() {
  std::vector<std::string> names;
  for (const auto& folder : zone_folders()) {
    std::error_code ignored;
    for (auto at = fs::recursive_directory_iterator(folder, ignored); at != fs::recursive_directory_iterator();
         at.increment(ignored)) {
      const auto name = at->path().lexically_relative(folder).string();
      if (at->is_directory(ignored) && (name == "posix" || name == "right")) at.disable_recursion_pending();
      if (at->is_regular_file(ignored) && name.find('.') == std::string::npos) names.push_back(name);
      if (names.size() > 10'000) return names;
    }
  }
  return names;
}

// The zone that was probably meant: in other case, the city alone, or nearly so.
std::string suggestion(const std::string& name) {
  const auto known = known_zones();
  const auto wanted = ascii::lower(name);
  for (const auto& each : known) {
    const auto its = ascii::lower(each);
    if (its == wanted || (its.size() > wanted.size() && its.ends_with("/" + wanted))) return each;
  }
  return nearest_name(name, known);
}

error unknown_zone(const std::string& name) {
  const auto folders = zone_folders();
  std::error_code ignored;
  const bool none = std::none_of(folders.begin(), folders.end(),
                                 [&](const auto& folder) { return fs::is_directory(folder, ignored); });
  if (none)
    return user_error(
        "unknown_timezone",
        "the time zone " + name + " can't be read: there are no time zone files in " + folders.front().string(),
        "install the system's time zone data (tzdata), or set TZDIR to its folder");
  const auto near = suggestion(name);
  return user_error("unknown_timezone", "there is no time zone " + name,
                    near.empty()
                        ? "use an IANA name such as Europe/Berlin; time zones are read from the system's tzdata"
                        : "did you mean " + near + "?");
}

result<std::shared_ptr<const zone_rules>> read_zone(const std::string& name) {
  if (!is_zone_name(name)) return unknown_zone(name);
  for (const auto& folder : zone_folders()) {
    std::error_code ignored;
    const auto path = folder / name;
    if (!fs::is_regular_file(path, ignored)) continue;
    constexpr std::size_t most = 1 << 20;
    std::ifstream file(path, std::ios::binary);
    std::string bytes(most, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(most));
    if (file.bad() || (file.fail() && !file.eof()) || !file.eof())
      return user_error("invalid_timezone_file", "the time zone file " + path.string() + " can't be read",
                        "install the system's time zone data again (tzdata)");
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    SLUICE_ASSIGN(auto made, zone_rules::read(bytes, path.string()));
    return std::shared_ptr<const zone_rules>(std::make_shared<const zone_rules>(std::move(made)));
  }
  return unknown_zone(name);
}

}  // namespace

result<std::shared_ptr<const zone_rules>> find_zone(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const zone_rules>> known;
  const std::scoped_lock lock(mutex);
  if (const auto found = known.find(name); found != known.end()) return found->second;
  SLUICE_ASSIGN(auto read, read_zone(name));
  // Pipelines name few zones; the bound is for a node that is asked for all of them, under all names.
  if (known.size() >= 1000) known.clear();
  known.emplace(name, read);
  return read;
}

}  // namespace sluice
