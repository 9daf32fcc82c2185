#pragma once

#include "engine/error/error.hpp"
#include "engine/files/follow/followed_file.hpp"

#include <cstdint>

namespace sluice {

/// A source whose files can be read on while they grow says so by this interface beside `source`. Thread-safe.
class growing_records {
 public:
  virtual ~growing_records() = default;
  /// Where the last complete record ends of a file that is still written: a byte in (from, to], or `from` where none is
  /// complete. A record begins at `from`; at 0 what stands in front of the records (a header) belongs to it.
  [[nodiscard]] virtual result<std::int64_t> complete_until(const followed_file& file, std::int64_t from,
                                                            std::int64_t to) const = 0;
};

}  // namespace sluice
