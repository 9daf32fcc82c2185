#pragma once

#include "engine/component/spilled_state.hpp"
#include "engine/memory/manager.hpp"
#include "engine/memory/spill_file.hpp"
#include "engine/operators/joins/waiting_rows.hpp"
#include "engine/operators/validation/known_values.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::validation {

/// The rows that rules with `references` look at, and the values of other units that they may have. Rows wait until the
/// other units have ended, and, where values are on disk, until it pays to read those; what has no room waits on disk.
class referencing_rows {
 public:
  /// `columns`: how many the rows have. `rules` outlive it.
  referencing_rows(const std::vector<rule>& rules, std::size_t columns, const run_context& context, std::string unit);

  /// Takes the values of another unit, or says that it has ended.
  status learn(int input, const batch& in);
  void ended() { --open_; }
  /// True where rows can be checked as they come.
  [[nodiscard]] bool passes_at_once() const { return open_ == 0 && !holds_rows() && !known_spilled(); }
  void wait(batch in) { waiting_.add({.rows = std::move(in), .keys = {}}); }
  /// The next rows to check. `all`: nothing follows, or a checkpoint wants them.
  result<std::optional<batch>> next(bool all);
  /// Appends the rows that break a rule.
  status check(const rule& of, const batch& in, row_errors& broken);

  [[nodiscard]] bool holds_rows() const { return waiting_.holds_rows() || waiting_.spilled() || !looked_up_.empty(); }
  [[nodiscard]] std::uint64_t held() const;
  /// Asks for memory for all that is held, and `others` bytes that can't be spilled.
  status reserve(std::int64_t others);
  [[nodiscard]] bool uses_disk() const { return file_ != nullptr; }

  /// What is in memory, and what is on disk, as spilled_state has it; a part of another kind is left to the caller.
  status state(const spilled_state::part_taker& take) const;
  [[nodiscard]] bool has_spilled() const { return waiting_.spilled() || known_spilled(); }
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
  [[nodiscard]] bool known_spilled() const;
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
  joins::waiting_rows waiting_;
  std::deque<batch> looked_up_;  ///< to be checked next
  order_key place_;              ///< of the batch that is taken back next
  std::unique_ptr<memory::spill_file> file_;
  std::size_t open_ = 0;  ///< other units that have not ended
};

}  // namespace sluice::validation
