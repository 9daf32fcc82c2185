#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

/// Keyed state is divided into this many groups by the hash of the key, fixed when a run is created. An instance owns a
/// range of them.
inline constexpr std::uint32_t key_group_count = 1024;

/// A range of key groups. State that has no key (a limit's count) belongs to group 0.
struct key_groups {
  std::uint32_t begin = 0;
  std::uint32_t end = key_group_count;  ///< the first one that is not in it

  [[nodiscard]] bool contains(std::uint32_t group) const { return begin <= group && group < end; }
  [[nodiscard]] bool all() const { return begin == 0 && end == key_group_count; }
};

/// A piece of what a transform holds, as rows: what its columns mean is the transform's own affair, their order too.
struct state_part {
  std::string name;  ///< says which piece it is: "build", "groups"
  std::shared_ptr<arrow::RecordBatch> rows;
};

}  // namespace sluice
