#include "engine/operators/aggregates/group_pass.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

namespace sluice::aggregates {

result<std::unique_ptr<group_pass>> group_pass::make(const aggregation& what, const run_context& of,
                                                     const std::string& unit) {
  std::unique_ptr<group_pass> self(new group_pass(what));
  for (const int call : what.states) {
    SLUICE_ASSIGN(auto state, call_state::make(what.calls[call].what, of, unit));
    self->states_.push_back(std::move(state));
  }
  SLUICE_ASSIGN(self->index_, group_index::make(what.key_types));
  return self;
}

status group_pass::add(evaluated_rows in) {
  const auto known = index_->size();
  SLUICE_ASSIGN(const auto number, order_.add(in.order));
  left_out_.clear();
  const std::uint32_t* groups = nullptr;
  if (frozen_) {
    groups = index_->find(in.keys, in.rows);
    SLUICE_TRY(keep_known(in, groups));
  } else {
    groups = index_->add(in.keys, in.rows);
  }
  groups_ = groups;
  merged_ = static_cast<std::uint64_t>(in.rows) - (index_->size() - known);
  last_groups_ = {groups, static_cast<std::size_t>(in.rows)};
  if (in.rows == 0) return {};
  seen_.note_first(groups, in.rows, index_->size(), order_, in.row_numbers);
  row_counts_.resize(index_->size());
  constexpr std::int64_t ahead = 16;  // counts of many groups are not in the cache
  for (std::int64_t row = 0; row < in.rows; ++row) {
    if (row + ahead < in.rows) __builtin_prefetch(&row_counts_[groups[row + ahead]], 1);
    ++row_counts_[groups[row]];
  }
  return add_states({.groups = groups,
                     .rows = in.rows,
                     .group_count = index_->size(),
                     .batch = number,
                     .order = &order_,
                     .row_counts = &row_counts_},
                    in.inputs);
}

status group_pass::keep_known(evaluated_rows& in, const std::uint32_t*& groups) {
  kept_.clear();
  kept_groups_.clear();
  for (std::int64_t row = 0; row < in.rows; ++row) {
    if (groups[row] == group_index::missing) {
      left_out_.push_back(static_cast<std::int32_t>(row));
    } else {
      kept_.push_back(static_cast<std::int32_t>(row));
      kept_groups_.push_back(groups[row]);
    }
  }
  if (left_out_.empty()) return {};
  kept_numbers_.clear();
  for (const auto row : kept_)
    kept_numbers_.push_back(in.row_numbers != nullptr ? in.row_numbers[row] : static_cast<std::uint32_t>(row));
  const arrow::Int32Array indices(static_cast<std::int64_t>(kept_.size()), arrow::Buffer::Wrap(kept_));
  for (auto& values : in.inputs) {
    SLUICE_ASSIGN_ARROW(values, arrow::compute::Take(*values, indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                        "choose rows");
  }
  in.rows = indices.length();
  in.row_numbers = kept_numbers_.data();
  groups = kept_groups_.data();
  return {};
}

status group_pass::add_states(grouped_rows rows, const std::vector<std::shared_ptr<arrow::Array>>& inputs) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto& call = what_.calls[what_.states[i]];
    rows.values = call.argument < 0 ? nullptr : inputs[call.argument];
    SLUICE_TRY(states_[i]->add(rows, call.filter < 0 ? nullptr : inputs[call.filter]));
  }
  return {};
}

status group_pass::freeze() {
  frozen_ = true;
  for (const auto& state : states_) SLUICE_TRY(state->freeze());
  return {};
}

status group_pass::add_nothing() {
  SLUICE_ASSIGN(const auto number, order_.add({}));
  row_counts_.resize(1);
  const std::uint32_t group = 0;
  seen_.note_first(&group, 1, 1, order_, nullptr);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto& call = what_.calls[what_.states[i]];
    grouped_rows rows{
        .groups = &group, .rows = 0, .group_count = 1, .batch = number, .order = &order_, .row_counts = &row_counts_};
    if (call.argument >= 0) {
      SLUICE_ASSIGN_ARROW(rows.values, arrow::MakeEmptyArray(call.what.argument->type()), "aggregate no rows");
    }
    SLUICE_TRY(states_[i]->add(rows, nullptr));
  }
  return {};
}

result<group_pass::saved> group_pass::save(key_groups of) {
  saved all;
  SLUICE_TRY(save_by_parts(of, std::max<std::size_t>(size(), 1), [&](saved some) -> status {
    all = std::move(some);
    return {};
  }));
  return all.groups ? result<saved>(std::move(all)) : save(std::vector<std::uint32_t>());
}

// In the order of their numbers: those of a batch follow each other, and where each appeared is among what is saved.
status group_pass::save_by_parts(key_groups of, std::size_t most, const std::function<status(saved)>& take) {
  std::vector<std::uint32_t> groups;
  for (std::uint32_t begin = 0; begin < size(); begin += static_cast<std::uint32_t>(most)) {
    groups.resize(std::min<std::size_t>(most, size() - begin));
    std::iota(groups.begin(), groups.end(), begin);
    if (!of.all()) {
      SLUICE_ASSIGN(const auto keys, index_->keys(groups));
      SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, std::ssize(groups)));
      groups.assign(chosen.begin(), chosen.end());
      for (auto& group : groups) group += begin;
    }
    if (groups.empty()) continue;
    SLUICE_ASSIGN(auto made, save(groups));
    SLUICE_TRY(take(std::move(made)));
  }
  return {};
}

result<group_pass::saved> group_pass::save(const std::vector<std::uint32_t>& groups) {
  SLUICE_ASSIGN(auto columns, index_->keys(groups));
  saved made;
  SLUICE_ASSIGN(auto counts, held::column_of(row_counts_, groups));
  columns.push_back(std::move(counts));
  held::place_columns places;
  for (const auto group : groups) {
    const auto place = seen_.place_of(group);
    places.add(order_.key(place.batch), place.row);
  }
  SLUICE_TRY(places.append_narrow_to(columns));
  for (const auto& state : states_) SLUICE_TRY(state->save(groups, order_, columns, made.distinct.emplace_back()));
  made.groups = held::unnamed(std::ssize(groups), std::move(columns));
  return made;
}

status group_pass::load(const saved& from) {
  const auto rows = from.groups->num_rows();
  const auto keys = static_cast<std::ptrdiff_t>(what_.key_types.size());
  auto columns = from.groups->columns();
  if (std::ssize(columns) < keys + 5 || from.distinct.size() != states_.size()) return held::foreign("groups");
  const arrow::ArrayVector key_columns(columns.begin(), columns.begin() + keys);
  const auto known = index_->size();
  const auto* numbers = index_->add(key_columns, rows);
  if (index_->size() - known != static_cast<std::uint64_t>(rows)) return held::foreign("groups");
  const std::vector<std::uint32_t> groups(numbers, numbers + rows);
  SLUICE_TRY(held::put_back(columns[static_cast<std::size_t>(keys)], groups, index_->size(), row_counts_));
  const held::places_read places(*from.groups, static_cast<int>(keys) + 1);
  for (std::int64_t begin = 0, end = 0; begin < rows; begin = end) {
    end = places.end_of_batch(begin);
    SLUICE_ASSIGN(const auto number, taken_back_.number(places.key(begin), order_));
    for (auto row = begin; row < end; ++row) seen_.put(groups[static_cast<std::size_t>(row)], number, places.row(row));
  }
  saved_columns rest(arrow::ArrayVector(columns.begin() + keys + 5, columns.end()));
  const grouped_rows to{.groups = groups.data(),
                        .rows = rows,
                        .group_count = index_->size(),
                        .order = &order_,
                        .row_counts = &row_counts_,
                        .add_place = &order_};
  for (std::size_t i = 0; i < states_.size(); ++i)
    SLUICE_TRY(states_[i]->load(rest, to, what_.calls[what_.states[i]].filter >= 0, from.distinct[i]));
  return {};
}

namespace {

constexpr const char* pairs_part = "pairs";  // with the number of the state behind it

}  // namespace

bool group_pass::has_distinct() const {
  return std::any_of(states_.begin(), states_.end(), [](const auto& state) { return state->has_distinct(); });
}

bool group_pass::has_spilled() const {
  return std::any_of(states_.begin(), states_.end(), [](const auto& state) { return state->has_spilled(); });
}

status group_pass::hand_out(key_groups of, const std::function<status(const state_part&)>& take) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (!states_[i]->has_spilled()) continue;
    const auto add = [&](const arrow::UInt32Array& groups, const std::shared_ptr<arrow::Array>& values) -> status {
      SLUICE_ASSIGN(auto columns, index_->keys({groups.raw_values(), static_cast<std::size_t>(groups.length())}));
      SLUICE_ASSIGN(const auto chosen, held::in_groups(of, columns, groups.length()));
      if (chosen.empty()) return {};
      columns.push_back(values);
      batch all;
      all.data = held::unnamed(groups.length(), std::move(columns));
      const arrow::Int32Array indices(std::ssize(chosen), arrow::Buffer::Wrap(chosen));
      return take({pairs_part + std::to_string(i), take_rows(all, indices).data});
    };
    SLUICE_TRY(states_[i]->each_spilled(add));
  }
  return {};
}

status group_pass::leave_out(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows) {
  const auto* const found = index_->find(keys, rows);
  left_out_.resize(static_cast<std::size_t>(rows));
  std::iota(left_out_.begin(), left_out_.end(), 0);
  const bool all = std::all_of(found, found + rows, [](auto group) { return group == group_index::missing; });
  return all ? status() : status(held::foreign("spilled"));
}

status group_pass::take_in(const state_part& part) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (part.name != pairs_part + std::to_string(i)) continue;
    auto keys = part.rows->columns();
    if (keys.size() != what_.key_types.size() + 1) return held::foreign(part.name);
    const auto values = keys.back();
    keys.pop_back();
    const auto* const found = index_->find(keys, part.rows->num_rows());
    const std::vector<std::uint32_t> groups(found, found + part.rows->num_rows());
    if (std::find(groups.begin(), groups.end(), group_index::missing) != groups.end()) return held::foreign(part.name);
    return states_[i]->take_spilled(groups, values);
  }
  return held::foreign(part.name);
}

result<bool> group_pass::settle() {
  for (const auto& state : states_) {
    SLUICE_ASSIGN(const bool more, state->settle());
    if (more) return true;
  }
  return false;
}

std::int64_t group_pass::bytes() const {
  auto bytes = index_->bytes() + seen_.bytes() + order_.bytes() + static_cast<std::int64_t>(row_counts_.capacity() * 8);
  for (const auto& state : states_) bytes += state->bytes();
  return bytes;
}

}  // namespace sluice::aggregates
