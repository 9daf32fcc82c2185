#include "engine/transforms/sorted_runs.hpp"

#include "engine/transforms/gather.hpp"

#include <arrow/record_batch.h>

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

constexpr std::size_t prefix_bytes = 16;

std::uint64_t big_endian(const char* bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

struct item {
  std::uint64_t high, low;
  std::int32_t row;
};

}  // namespace

result<sorted_run> sorted_run::make(const batch& in, const encoded_keys& keys) {
  std::vector<item> items(static_cast<std::size_t>(in.rows()));
  bool longer = false;
  for (std::int64_t row = 0; row < in.rows(); ++row) {
    const auto key = keys[row];
    char bytes[prefix_bytes] = {};
    std::memcpy(bytes, key.data(), std::min(key.size(), prefix_bytes));
    items[row] = {big_endian(bytes), big_endian(bytes + 8), static_cast<std::int32_t>(row)};
    longer = longer || key.size() > prefix_bytes;
  }
  const auto tail = [&](std::int32_t row) {
    const auto key = keys[row];
    return key.size() > prefix_bytes ? key.substr(prefix_bytes) : std::string_view{};
  };
  const auto less = [&](const item& a, const item& b) {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    if (longer) {
      if (const int order = tail(a.row).compare(tail(b.row)); order != 0) return order < 0;
    }
    return a.row < b.row;
  };
  const bool sorted = std::is_sorted(items.begin(), items.end(), less);
  if (!sorted) std::sort(items.begin(), items.end(), less);

  sorted_run run;
  run.prefixes_.reserve(items.size());
  for (const auto& one : items) {
    run.prefixes_.push_back({one.high, one.low});
    if (!sorted) run.order_.push_back(one.row);
    if (!longer) continue;
    run.rests_ += tail(one.row);
    run.rest_ends_.push_back(static_cast<std::int64_t>(run.rests_.size()));
  }
  run.rows_ = in;
  return run;
}

std::string_view sorted_run::rest(std::int64_t place) const {
  if (rest_ends_.empty()) return {};
  const auto begin = place == 0 ? 0 : rest_ends_[place - 1];
  return {rests_.data() + begin, static_cast<std::size_t>(rest_ends_[place] - begin)};
}

std::int64_t sorted_run::bytes() const {
  return rows_.bytes() +
         static_cast<std::int64_t>(order_.capacity() * sizeof(std::int32_t) + prefixes_.capacity() * sizeof(prefix) +
                                   rests_.capacity() + rest_ends_.capacity() * sizeof(std::int64_t));
}

run_merger::run_merger(std::vector<sorted_run> runs) : runs_(std::move(runs)), at_(runs_.size()) {
  const auto count = static_cast<std::int32_t>(runs_.size());
  losers_.assign(static_cast<std::size_t>(count) + 1, -1);
  heads_.resize(runs_.size());
  for (std::int32_t run = 0; run < count; ++run) look_at(run);
  for (std::int32_t run = count - 1; run >= 0; --run) replay(run);
}

void run_merger::look_at(std::int32_t run) {
  const bool ended = at_[run] >= runs_[run].rows().rows();
  heads_[run] = {ended ? sorted_run::prefix{} : runs_[run].prefix_of(at_[run]), ended};
}

// A run that has ended loses against every other; -1 stands for a match not played yet and wins.
bool run_merger::wins(std::int32_t a, std::int32_t b) const {
  if (a < 0 || b < 0) return a < 0;
  const auto& x = heads_[a];
  const auto& y = heads_[b];
  if (x.ended || y.ended) return x.ended == y.ended ? a < b : y.ended;
  if (x.key.high != y.key.high) return x.key.high < y.key.high;
  if (x.key.low != y.key.low) return x.key.low < y.key.low;
  const int order = runs_[a].rest(at_[a]).compare(runs_[b].rest(at_[b]));
  return order != 0 ? order < 0 : a < b;
}

void run_merger::replay(std::int32_t run) {
  auto winner = run;
  const auto count = runs_.size();
  for (auto node = (static_cast<std::size_t>(run) + count) / 2; node > 0; node /= 2)
    if (!wins(winner, losers_[node])) std::swap(winner, losers_[node]);
  losers_[0] = winner;
}

result<batch> run_merger::next(std::int64_t rows) {
  std::vector<row_place> places;
  places.reserve(static_cast<std::size_t>(rows));
  bool one_slice = true;  // of one batch, in its order
  while (!runs_.empty() && static_cast<std::int64_t>(places.size()) < rows) {
    const auto run = losers_[0];
    if (heads_[run].ended) break;
    const row_place place{static_cast<std::uint32_t>(run), runs_[run].row_at(at_[run])};
    one_slice =
        one_slice && (places.empty() || (place.batch == places.back().batch && place.row == places.back().row + 1));
    places.push_back(place);
    ++at_[run];
    look_at(run);
    replay(run);
  }
  if (places.empty()) return batch{};
  if (one_slice)
    return runs_[places.front().batch].rows().slice(places.front().row, static_cast<std::int64_t>(places.size()));
  std::vector<const batch*> batches;
  batches.reserve(runs_.size());
  for (const auto& run : runs_) batches.push_back(&run.rows());
  return gather_rows(batches, places);
}

}  // namespace sluice
