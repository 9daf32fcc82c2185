#pragma once

#include "engine/component/component.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace sluice::flow {

/// Hands the splits of a source out to its readers, in ascending order and never further than a window above the lowest
/// one that is not finished, so that a receiver that restores the order holds a bounded number of them.
class split_assignment {
 public:
  /// Ids are 0 to n - 1 in this order; anything else is an error of the source (split_numbering).
  static result<split_assignment> make(std::vector<split> splits, std::uint32_t window);

  enum class answer { take, wait, none_left };
  struct reply {
    answer what = answer::none_left;
    std::optional<split> piece = {};
  };
  /// A reader wants one. `wait`: ask again when one is finished or given back.
  reply next(std::uint32_t reader);
  /// Its reader has read it to the end; false where it was not the reader's.
  [[nodiscard]] bool finished(std::uint32_t reader, std::uint32_t id);
  /// The splits of a lost reader are handed out again, lowest first; gives their number.
  std::size_t give_back(std::uint32_t reader);

  [[nodiscard]] const std::vector<split>& all() const { return splits_; }
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  split_assignment(std::vector<split> splits, std::uint32_t window);

  std::vector<split> splits_;
  std::uint32_t window_;
  std::set<std::uint32_t> unassigned_;
  std::map<std::uint32_t, std::uint32_t> assigned_;  ///< split -> reader
};

}  // namespace sluice::flow
