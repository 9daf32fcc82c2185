#include "engine/operators/aggregates/call_state.hpp"

#include "engine/expression/bits.hpp"
#include "engine/operators/keys/key_hash.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <bit>
#include <numeric>

namespace sluice::aggregates {

namespace {

bool needs_distinct(const expression::aggregate_call& call) {
  if (!call.distinct) return false;
  const auto& name = call.function;
  return name != "min" && name != "max" && name != "bool_and" && name != "bool_or" && name != "every" &&
         name != "first" && name != "last" && name != "any_value";
}

// The rows where a filter is true, 64 rows at a time.
void choose(const arrow::BooleanArray& filter, std::vector<std::int32_t>& rows) {
  rows.clear();
  const auto* truth = filter.values()->data();
  const auto* valid = filter.null_count() > 0 ? filter.null_bitmap_data() : nullptr;
  for (std::int64_t row = 0; row < filter.length() && filter.offset() != 0; ++row)
    if (filter.IsValid(row) && filter.Value(row)) rows.push_back(static_cast<std::int32_t>(row));
  if (filter.offset() != 0) return;
  for (std::int64_t word = 0; word < expression::words_for(filter.length()); ++word) {
    auto bits = expression::load_word(truth, word, filter.length());
    if (valid != nullptr) bits &= expression::load_word(valid, word, filter.length());
    for (; bits != 0; bits &= bits - 1) rows.push_back(static_cast<std::int32_t>(word * 64 + std::countr_zero(bits)));
  }
}

}  // namespace

result<std::unique_ptr<call_state>> call_state::make(const expression::aggregate_call& call, const run_context& of,
                                                     const std::string& unit) {
  auto self = std::make_unique<call_state>(of, unit);
  SLUICE_ASSIGN(self->state_, make_accumulator(call));
  if (needs_distinct(call)) {
    self->pair_type_ = canonical_key_type(call.argument->type());
    SLUICE_TRY(flow::check_key_type(*self->pair_type_, call.function + "(distinct)"));
    SLUICE_ASSIGN(self->distinct_, group_index::make({arrow::uint32(), self->pair_type_}));
  }
  return self;
}

status call_state::add(const grouped_rows& rows, const std::shared_ptr<arrow::Array>& filter) {
  if (!filter) return distinct_ ? add_distinct(rows) : state_->add(rows);
  choose(static_cast<const arrow::BooleanArray&>(*filter), chosen_);
  return add_chosen(rows, distinct_ != nullptr);
}

status call_state::add_distinct(const grouped_rows& rows) {
  SLUICE_ASSIGN(auto values, canonical_key(rows.values));
  const auto groups = std::make_shared<arrow::UInt32Array>(rows.rows, arrow::Buffer::Wrap(rows.groups, rows.rows));
  if (frozen_) return spill_pairs(rows, {groups, values});
  const auto known = distinct_->size();
  const auto* pairs = distinct_->add({groups, values}, rows.rows);
  new_pair_.assign(distinct_->size() - known, 1);
  chosen_.clear();
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    if (pairs[row] < known || !new_pair_[pairs[row] - known]) continue;
    new_pair_[pairs[row] - known] = 0;
    chosen_.push_back(static_cast<std::int32_t>(row));
  }
  return add_chosen(rows, false);
}

status call_state::add_chosen(const grouped_rows& rows, bool then_distinct) {
  auto fewer = rows;
  group_count_ = rows.group_count;
  std::vector<std::uint32_t> groups;
  groups.reserve(chosen_.size());
  for (const auto row : chosen_) groups.push_back(rows.groups[row]);
  fewer.groups = groups.data();
  fewer.rows = static_cast<std::int64_t>(chosen_.size());
  if (rows.values) {
    const arrow::Int32Array indices(fewer.rows, arrow::Buffer::Wrap(chosen_));
    SLUICE_ASSIGN_ARROW(fewer.values,
                        arrow::compute::Take(*rows.values, indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                        "choose rows");
  }
  if (then_distinct) return add_distinct(fewer);
  row_counts_.resize(rows.group_count);
  for (const auto group : groups) ++row_counts_[group];
  fewer.row_counts = &row_counts_;
  return state_->add(fewer);
}

status call_state::freeze() {
  if (!distinct_) return {};
  frozen_ = true;
  if (!spilled_) spilled_ = std::make_unique<partitioned_spill>(context_, unit_);
  return {};
}

// Pairs that are known say nothing new; the others wait on disk.
status call_state::spill_pairs(const grouped_rows& rows, const std::vector<std::shared_ptr<arrow::Array>>& pairs) {
  const auto* numbers = distinct_->find(pairs, rows.rows);
  std::vector<std::int32_t> unknown;
  std::vector<std::uint64_t> hashes;
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    if (numbers[row] != group_index::missing) continue;
    unknown.push_back(static_cast<std::int32_t>(row));
    hashes.push_back(distinct_->hashes()[row]);
  }
  if (unknown.empty()) return {};
  batch all;
  all.data = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("group", arrow::uint32()), arrow::field("value", pair_type_)}), rows.rows, pairs);
  const arrow::Int32Array indices(static_cast<std::int64_t>(unknown.size()), arrow::Buffer::Wrap(unknown));
  return spilled_->add(take_rows(all, indices), hashes);
}

status call_state::each_spilled(const pair_taker& take) const {
  return spilled_->each([&](const batch& rows) {
    return take(static_cast<const arrow::UInt32Array&>(*rows.data->column(0)), rows.data->column(1));
  });
}

status call_state::take_spilled(const std::vector<std::uint32_t>& groups, const std::shared_ptr<arrow::Array>& values) {
  if (!distinct_ || !frozen_ || !values->type()->Equals(*pair_type_)) return held::foreign("distinct values");
  const auto count = std::ssize(groups);
  return spill_pairs({.groups = groups.data(), .rows = count},
                     {std::make_shared<arrow::UInt32Array>(count, arrow::Buffer::Wrap(groups)), values});
}

result<bool> call_state::settle() {
  if (!spilled_) return false;
  SLUICE_ASSIGN(const auto rows, spilled_->next_block());
  if (!rows) {
    SLUICE_TRY(spilled_->close());
    settling_ = true;
    memory_.take(0);
    SLUICE_ASSIGN(distinct_, group_index::make({arrow::uint32(), pair_type_}));
    frozen_ = false;
    return spilled_->next_partition();
  }
  if (!memory_.try_resize(distinct_->bytes() + distinct_->growth(rows->rows()))) {
    if (distinct_->bytes() >= context_.memory->least()) frozen_ = true;
    memory_.take(distinct_->bytes());
  }
  const auto& groups = static_cast<const arrow::UInt32Array&>(*rows->data->column(0));
  SLUICE_TRY(add_distinct({.values = rows->data->column(1),
                           .groups = groups.raw_values(),
                           .rows = rows->rows(),
                           .group_count = group_count_}));
  return true;
}

status call_state::save(std::span<const std::uint32_t> groups, const arrivals& order, arrow::ArrayVector& to,
                        std::shared_ptr<arrow::RecordBatch>& distinct) {
  SLUICE_TRY(save_values(row_counts_, groups, to));
  SLUICE_TRY(state_->save(groups, order, to));
  if (!distinct_) return {};
  constexpr auto none = ~std::uint32_t{0};
  std::vector<std::uint32_t> place_of;
  for (std::uint32_t at = 0; at < groups.size(); ++at) {
    if (groups[at] >= place_of.size()) place_of.resize(groups[at] + std::size_t{1}, none);
    place_of[groups[at]] = at;
  }
  std::vector<std::uint32_t> all(distinct_->size());
  std::iota(all.begin(), all.end(), 0U);
  SLUICE_ASSIGN(const auto pairs, distinct_->keys(all));
  const auto& owners = static_cast<const arrow::UInt32Array&>(*pairs[0]);
  std::vector<std::uint32_t> places;
  std::vector<std::int32_t> chosen;
  for (std::int64_t row = 0; row < owners.length(); ++row) {
    const auto owner = owners.Value(row);
    if (owner >= place_of.size() || place_of[owner] == none) continue;
    places.push_back(place_of[owner]);
    chosen.push_back(static_cast<std::int32_t>(row));
  }
  const arrow::Int32Array indices(std::ssize(chosen), arrow::Buffer::Wrap(chosen));
  SLUICE_ASSIGN_ARROW(auto values,
                      arrow::compute::Take(*pairs[1], indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                      "hand out distinct values");
  const auto count = std::ssize(places);
  distinct = held::unnamed(
      count, {std::make_shared<arrow::UInt32Array>(count, arrow::Buffer::FromVector(std::move(places))), values});
  return {};
}

status call_state::load(saved_columns& from, const grouped_rows& to, bool filtered,
                        const std::shared_ptr<arrow::RecordBatch>& distinct) {
  SLUICE_TRY(load_values(from, to, row_counts_));
  auto inside = to;
  group_count_ = to.group_count;
  if (filtered || distinct_) inside.row_counts = &row_counts_;
  SLUICE_TRY(state_->load(from, inside));
  if (!distinct_) return {};
  if (!distinct || distinct->num_columns() != 2 || distinct->column(0)->type_id() != arrow::Type::UINT32 ||
      !distinct->column(1)->type()->Equals(*pair_type_))
    return held::foreign("distinct values");
  std::vector<std::uint32_t> groups;
  const auto& places = static_cast<const arrow::UInt32Array&>(*distinct->column(0));
  for (std::int64_t row = 0; row < places.length(); ++row) {
    if (places.Value(row) >= static_cast<std::uint64_t>(to.rows)) return held::foreign("distinct values");
    groups.push_back(to.groups[places.Value(row)]);
  }
  const auto count = std::ssize(groups);
  distinct_->add(
      {std::make_shared<arrow::UInt32Array>(count, arrow::Buffer::FromVector(std::move(groups))), distinct->column(1)},
      count);
  return {};
}

std::int64_t call_state::bytes() const {
  return state_->bytes() + static_cast<std::int64_t>(row_counts_.capacity() * 8) +
         (distinct_ && !settling_ ? distinct_->bytes() : 0);
}

}  // namespace sluice::aggregates
