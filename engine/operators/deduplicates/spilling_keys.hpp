#pragma once

#include "engine/component/holds_back.hpp"
#include "engine/component/may_block.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/partitioned_spill.hpp"
#include "engine/operators/sorting/external_sort.hpp"

#include <memory>
#include <vector>

namespace sluice {

/// What both kinds of deduplicate share: the keys and their numbers, and what
/// happens to rows for whose keys there is no memory. Those are spilled, by the
/// hash of the key, and come back part by part when the input has ended; what
/// is kept of all parts is put in order by its place in the input.
class spilling_keys : public single_output, public may_block, public holds_back, public spilled_state {
 public:
  spilling_keys(const transform_request& request, std::vector<int> by);

  [[nodiscard]] partitioning input_partitioning(int) const override;
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] std::optional<std::string> needs_end(int) const override {
    return "its keys would grow without end: load with mode: upsert and the columns of by as key";
  }
  [[nodiscard]] bool next_call_may_block() const override;
  [[nodiscard]] bool holds_rows() const override { return spilled(); }
  result<bool> resume(emitter& out) override;
  status finish(int, emitter&) override;
  [[nodiscard]] std::uint64_t held() const override { return has_spilled() ? spilled_->rows() : 0; }
  [[nodiscard]] bool has_spilled() const override { return spilled_ != nullptr && !finished_; }
  status hand_out(key_groups of, const part_taker& take) override;
  status take_in(const state_part& part) override;

 protected:
  /// Makes a part of spilled rows, and such rows of a part again: what `spill` takes.
  virtual result<state_part> part_of(const batch& rows) = 0;
  virtual result<batch> rows_of(const state_part& part) = 0;
  /// Takes rows back that were spilled: columns as given to `spill`. May add to
  /// `results` once; what is added there has the columns of the input, then a
  /// place.
  virtual status take_back(batch rows, external_sort& results, emitter& out) = 0;
  /// Adds to `results` once what was kept of the rows in memory; false where
  /// that was all.
  virtual result<bool> give_kept(external_sort& results) { return (void)results, false; }
  /// Forgets the rows in memory: those of another part follow.
  virtual void start_over() {}
  /// Emits what was kept where nothing was spilled; false at the end.
  virtual result<bool> emit_kept(emitter& out) { return (void)out, false; }

  /// The keys that are known, by their numbers.
  result<std::vector<std::shared_ptr<arrow::Array>>> known_keys() const;
  /// Takes keys back, which all are new; gives their numbers. Valid until the
  /// next call.
  result<const std::uint32_t*> take_keys(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);
  [[nodiscard]] bool has_finished() const { return finished_; }

  /// Numbers each row's key; group_index::missing where there is no room for
  /// it. Valid until the next call.
  result<const std::uint32_t*> number(const batch& in);
  [[nodiscard]] std::uint32_t known() const { return index_ ? index_->size() : 0; }
  /// Says what the operator holds beside the keys.
  void holds(std::int64_t bytes);
  /// Spills rows of `in` that were not numbered; its columns begin with those
  /// of the input.
  status spill(const batch& in, const std::vector<std::int32_t>& rows);
  /// The place of each row: the number of its batch, then the row.
  static result<std::shared_ptr<arrow::Array>> make_places(std::uint32_t number, std::int64_t rows);
  [[nodiscard]] const std::vector<int>& by() const { return by_; }
  [[nodiscard]] bool spilled() const { return spilled_ != nullptr; }

 private:
  status make_index();
  [[nodiscard]] result<std::vector<std::shared_ptr<arrow::Array>>> keys_of(const batch& in) const;
  result<bool> work_off(emitter& out);

  const run_context& context_;
  std::vector<int> by_;
  memory::reservation memory_;
  std::int64_t others_ = 0;  ///< bytes beside the keys
  std::unique_ptr<group_index> index_;
  std::unique_ptr<partitioned_spill> spilled_;  ///< null while nothing was
  std::unique_ptr<external_sort> results_;
  bool frozen_ = false;  ///< takes no more keys
  bool finished_ = false;
  bool all_read_ = false;
};

}  // namespace sluice
