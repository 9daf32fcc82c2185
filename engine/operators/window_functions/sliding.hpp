#pragma once

#include "engine/operators/window_functions/call.hpp"

#include <arrow/array.h>

#include <vector>

namespace sluice::window_functions {

/// The rows that an aggregate over frames counts: not null, and let through by FILTER.
class counted_rows {
 public:
  explicit counted_rows(const inputs& in)
      : values_(in.arguments.empty() ? nullptr : in.arguments[0].get()),
        filter_(static_cast<const arrow::BooleanArray*>(in.filter.get())),
        all_((values_ == nullptr || values_->null_count() == 0) && filter_ == nullptr) {}
  [[nodiscard]] bool operator[](std::int64_t row) const {
    return all_ || ((values_ == nullptr || values_->IsValid(row)) &&
                    (filter_ == nullptr || (filter_->IsValid(row) && filter_->Value(row))));
  }

 private:
  const arrow::Array* values_;
  const arrow::BooleanArray* filter_;
  bool all_;
};

/// Goes through the rows of a segment with a state that rows enter and leave: `State` has reset(), add(row),
/// remove(row) and give(row), which reads the result. The state of the last partition stays, for its next piece.
template <class State>
void slide(const segment& of, const frame_rows& frames, const counted_rows& counted, State& state) {
  const auto move = [&](std::int64_t& low, std::int64_t& high, std::int64_t begin, std::int64_t end) {
    const auto leaves = begin < high ? begin : high;
    for (; low < leaves; ++low)
      if (counted[low]) state.remove(low);
    if (begin >= high) low = high = begin;
    for (; high < end; ++high)
      if (counted[high]) state.add(high);
  };
  const bool gap = !frames.second_begin.empty();
  for (std::size_t i = 0; i + 1 < of.partitions.size(); ++i) {
    if (i > 0 || !of.continues) state.reset();
    const auto first = of.partitions[i];
    auto low = first, high = first, second_low = first, second_high = first;
    for (auto row = first; row < of.partitions[i + 1]; ++row) {
      const auto at = static_cast<std::size_t>(row);
      move(low, high, frames.begin[at], frames.end[at]);
      if (gap) move(second_low, second_high, frames.second_begin[at], frames.second_end[at]);
      const bool self = !frames.self.empty() && frames.self[at] != 0 && counted[row];
      if (self) state.add(row);
      state.give(row);
      if (self) state.remove(row);
    }
  }
}

}  // namespace sluice::window_functions
