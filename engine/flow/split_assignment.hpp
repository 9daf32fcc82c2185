#pragma once

#include "engine/component/source.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace sluice::flow {

/// Hands the splits of a source out to its readers, in ascending order and never further than a window above the lowest
/// one that is not finished, so that a receiver that restores the order holds a bounded number of them. A reader that
/// can serve several gets no more than its share of all.
class split_assignment {
 public:
  struct rules {
    std::uint32_t readers = 1;
    std::uint32_t per_reader = 1;  ///< that one reader can serve at the same time
    std::uint32_t ahead = 2;       ///< that may be handed out above the lowest unfinished one, beside one a reader
    bool bounded = true;           ///< false: more splits may come at any time
  };
  /// Ids are 0 to n - 1 in this order; anything else is an error of the source (split_numbering).
  static result<split_assignment> make(std::vector<split> splits, rules by);
  /// Takes what a later `discover` gave: the same splits and perhaps some behind them. Gives how many are new.
  result<std::size_t> extend(std::vector<split> splits);

  enum class answer { take, wait, none_left };
  struct reply {
    answer what = answer::none_left;
    std::optional<split> piece = {};
  };
  /// A reader wants one. `wait`: ask again when one is finished or given back.
  reply next(std::uint32_t reader);
  /// Its reader has read it to the end; false where it was not the reader's.
  [[nodiscard]] bool finished(std::uint32_t reader, std::uint32_t id, std::string position);
  /// The splits of a lost reader are handed out again, lowest first; gives their number.
  std::size_t give_back(std::uint32_t reader);

  [[nodiscard]] const std::vector<split>& all() const { return splits_; }
  [[nodiscard]] std::uint64_t bytes() const;
  /// How far every split has been read to its end.
  [[nodiscard]] const std::vector<split_progress>& ended() const { return ended_; }

 private:
  explicit split_assignment(rules by) : by_(by) {}
  /// Splits that a reader may have at the same time.
  [[nodiscard]] std::size_t share() const;

  std::vector<split> splits_;
  rules by_;
  std::vector<split_progress> ended_;
  std::set<std::uint32_t> unassigned_;
  std::map<std::uint32_t, std::uint32_t> assigned_;  ///< split -> reader
};

}  // namespace sluice::flow
