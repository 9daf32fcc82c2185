#pragma once

#include "engine/component/source.hpp"
#include "engine/flow/snapshot.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace sluice::flow {

/// Hands the splits of a source out to its readers, in ascending order and never further than a window above the lowest
/// one that is not finished, so that a receiver that restores the order holds a bounded number of them. A reader that
/// can serve several gets no more than its share of all.
///
/// Splits may be of any length once they are unpacked, so readers also ask before they pass rows of a split on that
/// come before their place in the order. The lowest split that has a reader is never held up: whatever all the others
/// wait for, it goes on to its end, and then the next one is the lowest.
class split_assignment {
 public:
  static constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();
  struct rules {
    std::uint32_t readers = 1;
    std::uint32_t per_reader = 1;  ///< that one reader can serve at the same time
    std::uint32_t ahead = 2;       ///< that may be handed out above the lowest unfinished one, beside one a reader
    bool bounded = true;           ///< false: more splits may come at any time
    std::int64_t early_bytes = no_limit;  ///< of rows that may be passed on before their place in the order
  };
  /// Ids are 0 to n - 1 in this order; anything else is an error of the source (split_numbering).
  static result<split_assignment> make(std::vector<split> splits, rules by);
  /// Takes what a later `discover` gave: the same splits and perhaps some behind them. Gives how many are new.
  result<std::size_t> extend(std::vector<split> splits);

  /// Begins where another run stood: the splits that it has ended are not handed out, those that it has begun from
  /// their positions on. Before the first `next`. Error: split_numbering, where there are fewer splits than it knew.
  status go_on(const source_progress& from);
  /// True where a barrier may be sent in between, as far as the order goes: nothing was handed out behind a split that
  /// has not ended.
  [[nodiscard]] bool at_boundary() const;

  enum class answer { take, wait, none_left };
  struct reply {
    answer what = answer::none_left;
    std::optional<split> piece = {};
    std::int64_t room = 0;  ///< bytes of its rows that may be passed on before its reader has to ask
    split_state from = {};  ///< where to begin
  };
  /// A reader wants one. `wait`: ask again when one is finished or given back.
  reply next(std::uint32_t reader);
  /// A reader wants to pass on `bytes` of its split in all: gives how many it may, at least that; none: ask again when
  /// a split is finished or given back.
  std::optional<std::int64_t> room(std::uint32_t reader, std::uint32_t id, std::int64_t bytes);
  /// Nobody below needs the order: readers need not ask any more.
  void release_order() { by_.early_bytes = no_limit; }
  /// Its reader has read it to the end and passed on `bytes`; false where it was not the reader's.
  [[nodiscard]] bool finished(std::uint32_t reader, std::uint32_t id, std::string position, std::int64_t bytes = 0);
  /// True where a bounded source has been read to the end of each split.
  [[nodiscard]] bool all_ended() const { return by_.bounded && unassigned_.empty() && assigned_.empty(); }
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
  /// Forgets the early rows of splits whose turn has come.
  void settle();
  [[nodiscard]] bool leads(std::uint32_t id) const { return assigned_.begin()->first == id; }
  /// What other splits may still pass on early, beside `id`.
  [[nodiscard]] std::int64_t early_left(std::uint32_t id) const;

  std::vector<split> splits_;
  rules by_;
  std::vector<split_progress> ended_;
  std::uint32_t behind_ended_ = 0;  ///< above the highest one that has ended
  source_progress begun_;           ///< by the run that this one continues after
  std::set<std::uint32_t> unassigned_;
  std::map<std::uint32_t, std::uint32_t> assigned_;  ///< split -> reader
  std::map<std::uint32_t, std::int64_t> early_;      ///< bytes of splits that were granted before their turn
};

}  // namespace sluice::flow
