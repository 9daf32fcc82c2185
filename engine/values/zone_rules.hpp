#pragma once

#include "engine/error/error.hpp"
#include "engine/values/posix_rule.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// The local time of a zone for all of time: the changes that a TZif file (RFC 8536) lists and those that follow from
/// the rule at its end. Immutable, shared by threads.
class zone_rules {
 public:
  /// Reads the bytes of a TZif file of any version. The error is invalid_timezone_file and names `what`.
  static result<zone_rules> read(std::string_view bytes, const std::string& what);

  /// A time without a change: [begin, end) in seconds since 1970 UTC.
  struct period {
    std::int64_t begin, end;
    std::int32_t offset;  ///< seconds east of UTC
    std::uint8_t type;    ///< for abbreviation()
  };
  /// The period that a time lies in.
  [[nodiscard]] period at(std::int64_t utc) const;
  [[nodiscard]] std::string_view abbreviation(std::uint8_t type) const { return types_[type].abbreviation; }

 private:
  struct change {
    std::int64_t at;  ///< UTC seconds from which the type holds
    std::uint8_t type;
  };
  bool read_block(std::string_view bytes, int time_size, std::string_view& rest, std::string& problem);
  bool read_types(std::string_view of_types, std::string_view names, std::string& problem);
  void extend(const posix_rule& rule);
  void index();
  [[nodiscard]] std::uint8_t add_type(const local_time_type& type);
  [[nodiscard]] std::size_t find(std::int64_t utc) const;

  std::vector<local_time_type> types_;
  std::vector<change> changes_;  ///< ascending; the first is the beginning of time
  /// Times from here on (below first_repeated_ where nothing is listed) repeat those of 400 years before (after).
  std::int64_t repeats_from_ = INT64_MAX;
  std::int64_t repeats_before_ = INT64_MIN;
  std::vector<std::uint16_t> buckets_;  ///< for find: the change that holds where each 24 days begin
};

/// Finds a zone by name in the system's zone files; each is read once in a process. The errors are unknown_timezone
/// and invalid_timezone_file.
result<std::shared_ptr<const zone_rules>> find_zone(const std::string& name);

}  // namespace sluice
