#pragma once

#include "engine/values/time_zone.hpp"

#include <map>
#include <string>
#include <string_view>

namespace sluice::expression {

/// The clocks of zones that a column names. UTC and GMT are known in any case; other names are those of the zone files.
class named_zones {
 public:
  /// The clock of a zone, or null; then `problem` says why.
  zone_clock* find(std::string_view name) {
    if (last_ != nullptr && name == last_name_) return last_;
    auto found = clocks_.find(name);
    if (found == clocks_.end()) {
      auto made = open(std::string(name));
      if (!made.ok()) {
        problem_ = made.problem().message + (made.problem().hint.empty() ? "" : "; " + made.problem().hint);
        return nullptr;
      }
      found = clocks_.emplace(std::string(name), std::move(made).value()).first;
    }
    last_name_ = found->first;
    return last_ = &found->second;
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  static result<zone_clock> open(const std::string& name) {
    // PostgreSQL reads '+02' as two hours west of Greenwich.
    if (!name.empty() && (name[0] == '+' || name[0] == '-' || (name[0] >= '0' && name[0] <= '9')))
      return user_error("unknown_timezone", "'" + name + "' is an offset, not the name of a time zone",
                        "write interval '2 hours' for an offset to the east");
    if (name.size() == 3) {
      std::string upper;
      for (const char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      if (upper == "UTC" || upper == "GMT") return zone_clock::find(upper);
    }
    if (name.empty()) return user_error("unknown_timezone", "the name of the time zone is empty");
    return zone_clock::find(name);
  }

  std::map<std::string, zone_clock, std::less<>> clocks_;
  std::string_view last_name_;
  zone_clock* last_ = nullptr;
  std::string problem_;
};

}  // namespace sluice::expression
