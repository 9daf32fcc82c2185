#pragma once

#include "engine/component/spilled_state.hpp"
#include "engine/memory/manager.hpp"
#include "engine/memory/spill_file.hpp"
#include "engine/operators/joins/waiting_rows.hpp"
#include "engine/operators/validation/known_values.hpp"
#include "engine/operators/validation/unique_values.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::validation {

/// The rows that rules with `references` and `unique` look at, the values of other units that they may have, and the
/// keys that have come. Rows wait until the other units have ended, and, where values or keys are on disk, until it
/// pays to read those; what has no room waits on disk.
class referencing_rows {
 public:
  /// `columns`: how many the rows have. `rules` and `unique` outlive it; the caller checks the latter.
  referencing_rows(const std::vector<rule>& rules, std::vector<unique_values>& unique, std::size_t columns,
                   const run_context& context, std::string unit);

  /// Takes the values of another unit, or says that it has ended.
  status learn(int input, const batch& in);
  void ended() { --open_; }
  /// True where rows can be checked as they come.
  [[nodiscard]] bool passes_at_once() const { return open_ == 0 && !holds_rows() && !is_on_disk(); }
  void wait(batch in) { waiting_.add({.rows = std::move(in), .keys = {}}); }
  /// The next rows to check. `all`: nothing follows, or a checkpoint wants them.
  result<std::optional<batch>> next(bool all);
  /// Appends the rows that break a rule.
  status check(const rule& of, const batch& in, row_errors& broken);

  [[nodiscard]] bool holds_rows() const { return waiting_.holds_rows() || waiting_.spilled() || !looked_up_.empty(); }
  [[nodiscard]] std::uint64_t held() const;
  /// Asks for memory for all that is held, and spills what gets none.
  status reserve();
  [[nodiscard]] bool uses_disk() const { return file_ != nullptr; }

  /// What is in memory, and what is on disk, as spilled_state has it; a part of another kind is left to the caller.
  status state(const spilled_state::part_taker& take) const;
  [[nodiscard]] bool has_spilled() const { return waiting_.spilled() || is_on_disk(); }
  status hand_out(const spilled_state::part_taker& take) const;
  result<bool> take_in(const state_part& part);

 private:
  struct referenced {
    referenced(const rule* rule, const reference* what) : of(rule), each(what), known(*what) {}
    const rule* of;
    const reference* each;
    known_values known;
  };

  [[nodiscard]] std::int64_t known_bytes() const;
  [[nodiscard]] std::int64_t unique_bytes() const;
  /// Whether values or keys are.
  [[nodiscard]] bool is_on_disk() const;
  status spill_unique();
  memory::spill_file& file();
  [[nodiscard]] bool is_look_up_due(bool all) const;
  /// Bytes of rows whose values are looked up on disk together.
  [[nodiscard]] std::int64_t most_together() const;
  status look_up();
  status hand_out_waiting(const spilled_state::part_taker& take) const;

  const run_context& context_;
  std::string unit_;
  memory::reservation memory_;
  std::vector<referenced> references_;
  std::vector<unique_values>& unique_;
  joins::waiting_rows waiting_;
  std::deque<batch> looked_up_;  ///< to be checked next
  order_key place_;              ///< of the batch that is taken back next
  std::unique_ptr<memory::spill_file> file_;
  std::size_t open_ = 0;  ///< other units that have not ended
};

}  // namespace sluice::validation
