#pragma once

#include "engine/values/batch.hpp"

#include <cstdint>

namespace sluice {

/// Packs the positions of rows of one split. A place that the bits of a position have no room for is unknown: it must
/// never look like the place of another row.
class place_in_split {
 public:
  constexpr place_in_split(std::uint32_t source, std::uint32_t split)
      : known_((source >> position::source_bits) == 0 && (split >> position::split_bits) == 0),
        begin_(position{source, split, 0}.pack()) {}

  [[nodiscard]] constexpr std::uint64_t at(std::int64_t offset) const {
    const auto place = static_cast<std::uint64_t>(offset);
    return known_ && (place >> position::offset_bits) == 0 ? begin_ | place : position::unknown;
  }

 private:
  bool known_;
  std::uint64_t begin_;
};

}  // namespace sluice
