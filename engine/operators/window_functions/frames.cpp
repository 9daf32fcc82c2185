#include "engine/operators/window_functions/frames.hpp"

#include "engine/operators/sorting/sort_keys.hpp"

#include <arrow/array.h>

#include <algorithm>

namespace sluice::window_functions {

namespace {

using expression::frame_bound;
using expression::frame_exclusion;
using expression::frame_unit;
using expression::window_frame;
using places = std::vector<std::int64_t>;

// How far to go from `at`, without overflow for offsets of any size.
std::int64_t moved(std::int64_t at, std::int64_t by, std::int64_t low, std::int64_t high) {
  if (by >= 0) return by > high - at ? high : std::max(low, at + by);
  return -by > at - low ? low : std::min(high, at + by);
}

std::int64_t signed_count(frame_bound bound, std::int64_t count) {
  return bound == frame_bound::preceding ? -count : bound == frame_bound::following ? count : 0;
}

void rows_frames(const segment& of, const window_frame& frame, frame_rows& out) {
  const auto start = signed_count(frame.start, frame.start_count);
  const auto end = signed_count(frame.end, frame.end_count);
  for_each_part(of.partitions, [&](std::int64_t first, std::int64_t last) {
    for (auto row = first; row < last; ++row) {
      out.begin[row] = frame.start == frame_bound::unbounded_preceding ? first : moved(row, start, first, last);
      out.end[row] = frame.end == frame_bound::unbounded_following ? last : moved(row + 1, end, first, last);
    }
  });
}

// Peers instead of rows; also range without offsets.
void groups_frames(const segment& of, const window_frame& frame, frame_rows& out) {
  const auto start = signed_count(frame.start, frame.start_count);
  const auto end = signed_count(frame.end, frame.end_count);
  std::size_t group = 0;
  for_each_part(of.partitions, [&](std::int64_t first, std::int64_t last) {
    const auto first_group = static_cast<std::int64_t>(group);
    auto last_group = first_group;
    while (of.peers[static_cast<std::size_t>(last_group)] < last) ++last_group;
    for (; static_cast<std::int64_t>(group) < last_group; ++group) {
      const auto at = static_cast<std::int64_t>(group);
      const auto begin = frame.start == frame_bound::unbounded_preceding
                             ? first
                             : of.peers[static_cast<std::size_t>(moved(at, start, first_group, last_group))];
      const auto finish = frame.end == frame_bound::unbounded_following
                              ? last
                              : of.peers[static_cast<std::size_t>(moved(at + 1, end, first_group, last_group))];
      for (auto row = of.peers[group]; row < of.peers[group + 1]; ++row) {
        out.begin[row] = begin;
        out.end[row] = finish;
      }
    }
  });
}

// One end of a range with an offset: the first row whose key is not before the limit, or behind it.
status range_end(const segment& of, const expression::window_order& order, const inputs& in,
                 const std::shared_ptr<arrow::Array>& limit, bool behind, places& out) {
  const std::vector<sort_key> how = {
      {.value = nullptr, .text = {}, .descending = order.descending, .nulls_first = order.nulls_first}};
  encoded_keys keys, limits;
  SLUICE_TRY(keys.encode(how, {in.range_key}, of.rows));
  SLUICE_TRY(limits.encode(how, {limit}, of.rows));
  for_each_part(of.partitions, [&](std::int64_t first, std::int64_t last) {
    auto at = first;
    for (auto row = first; row < last; ++row) {
      while (at < last && (behind ? keys[at] <= limits[row] : keys[at] < limits[row])) ++at;
      out[static_cast<std::size_t>(row)] = at;
    }
  });
  return {};
}

void exclude(const segment& of, frame_exclusion what, frame_rows& out) {
  if (what == frame_exclusion::none) return;
  out.second_begin.resize(out.begin.size());
  out.second_end = out.end;
  if (what == frame_exclusion::ties) out.self.resize(out.begin.size());
  for_each_part(of.peers, [&](std::int64_t first, std::int64_t last) {
    for (auto row = first; row < last; ++row) {
      const auto from = what == frame_exclusion::current_row ? row : first;
      const auto to = what == frame_exclusion::current_row ? row + 1 : last;
      if (what == frame_exclusion::ties) out.self[row] = out.begin[row] <= row && row < out.end[row];
      out.second_begin[row] = std::max(out.begin[row], to);
      out.end[row] = std::min(out.end[row], from);
    }
  });
}

}  // namespace

result<frame_rows> find_frames(const segment& of, const window_frame& frame,
                               const std::vector<expression::window_order>& order, const inputs& in) {
  frame_rows out;
  out.begin.resize(static_cast<std::size_t>(of.rows));
  out.end.resize(static_cast<std::size_t>(of.rows));
  if (frame.unit == frame_unit::rows) {
    rows_frames(of, frame, out);
  } else {
    auto peers_only = frame;
    // Limits are found by the keys, below.
    if (in.start_limit) peers_only.start_count = 0;
    if (in.end_limit) peers_only.end_count = 0;
    groups_frames(of, peers_only, out);
    if (in.start_limit) SLUICE_TRY(range_end(of, order.front(), in, in.start_limit, false, out.begin));
    if (in.end_limit) SLUICE_TRY(range_end(of, order.front(), in, in.end_limit, true, out.end));
  }
  exclude(of, frame.exclusion, out);
  // Empty frames end where they begin.
  const auto settle = [](const places& begin, places& end) {
    for (std::size_t row = 0; row < begin.size(); ++row) end[row] = std::max(begin[row], end[row]);
  };
  settle(out.begin, out.end);
  settle(out.second_begin, out.second_end);
  return out;
}

}  // namespace sluice::window_functions
