#include "engine/operators/sorting/sorted_runs.hpp"

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

sorted_run::prefix sorted_run::prefix_of_key(std::string_view key) {
  char bytes[prefix_bytes] = {};
  std::memcpy(bytes, key.data(), std::min(key.size(), prefix_bytes));
  return {big_endian(bytes), big_endian(bytes + 8)};
}

result<sorted_run> sorted_run::make(const batch& in, const encoded_keys& keys) {
  std::vector<item> items(static_cast<std::size_t>(in.rows()));
  bool longer = false;
  for (std::int64_t row = 0; row < in.rows(); ++row) {
    const auto key = keys[row];
    const auto first = prefix_of_key(key);
    items[row] = {first.high, first.low, static_cast<std::int32_t>(row)};
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
  run.row_bytes_ = in.bytes();
  return run;
}

std::string_view sorted_run::rest(std::int64_t place) const {
  if (rest_ends_.empty()) return {};
  const auto begin = place == 0 ? 0 : rest_ends_[place - 1];
  return {rests_.data() + begin, static_cast<std::size_t>(rest_ends_[place] - begin)};
}

std::int64_t sorted_run::bytes() const {
  return row_bytes_ +
         static_cast<std::int64_t>(order_.capacity() * sizeof(std::int32_t) + prefixes_.capacity() * sizeof(prefix) +
                                   rests_.capacity() + rest_ends_.capacity() * sizeof(std::int64_t));
}

run_merger::run_merger(std::vector<std::unique_ptr<run_source>> runs) : runs_(runs.size()), heads_(runs.size()) {
  for (std::size_t run = 0; run < runs.size(); ++run) runs_[run].from = std::move(runs[run]);
}

status run_merger::start() {
  started_ = true;
  const auto count = static_cast<std::int32_t>(runs_.size());
  losers_.assign(static_cast<std::size_t>(count) + 1, -1);
  for (std::int32_t run = 0; run < count; ++run) SLUICE_TRY(load(run));
  for (std::int32_t run = count - 1; run >= 0; --run) replay(run);
  return {};
}

status run_merger::load(std::int32_t run) {
  auto& its = runs_[run];
  SLUICE_ASSIGN(auto chunk, its.from->next());
  its.chunk = chunk ? std::make_shared<const sorted_run>(std::move(*chunk)) : nullptr;
  its.at = 0;
  if (its.chunk) {
    its.slot = static_cast<std::uint32_t>(read_.size());
    read_.push_back(its.chunk);
  }
  look_at(run);
  return {};
}

status run_merger::advance(std::int32_t run) {
  auto& its = runs_[run];
  if (++its.at < its.chunk->rows().rows()) {
    look_at(run);
    return {};
  }
  return load(run);
}

void run_merger::look_at(std::int32_t run) {
  const auto& its = runs_[run];
  heads_[run] = its.chunk ? head{its.chunk->prefix_of(its.at), false} : head{{}, true};
}

// A run that has ended loses against every other; -1 stands for a match not
// played yet and wins.
bool run_merger::wins(std::int32_t a, std::int32_t b) const {
  if (a < 0 || b < 0) return a < 0;
  const auto& x = heads_[a];
  const auto& y = heads_[b];
  if (x.ended || y.ended) return x.ended == y.ended ? a < b : y.ended;
  if (x.key.high != y.key.high) return x.key.high < y.key.high;
  if (x.key.low != y.key.low) return x.key.low < y.key.low;
  const int order = runs_[a].chunk->rest(runs_[a].at).compare(runs_[b].chunk->rest(runs_[b].at));
  return order != 0 ? order < 0 : a < b;
}

void run_merger::replay(std::int32_t run) {
  auto winner = run;
  const auto count = runs_.size();
  for (auto node = (static_cast<std::size_t>(run) + count) / 2; node > 0; node /= 2)
    if (!wins(winner, losers_[node])) std::swap(winner, losers_[node]);
  losers_[0] = winner;
}

// Rows that take about `bytes`, by what the rows at hand weigh.
std::int64_t run_merger::rows_for(std::int64_t bytes) const {
  std::int64_t held = 0, rows = 0;
  for (const auto& run : runs_) {
    if (!run.chunk) continue;
    held += run.chunk->row_bytes();
    rows += run.chunk->rows().rows();
  }
  return held == 0 ? rows : std::max<std::int64_t>(1, bytes * rows / held);
}

result<batch> run_merger::next(std::int64_t rows, std::int64_t bytes) {
  if (runs_.empty()) return batch{};
  if (!started_) SLUICE_TRY(start());
  read_.clear();
  for (auto& run : runs_) {
    run.slot = static_cast<std::uint32_t>(read_.size());
    if (run.chunk) read_.push_back(run.chunk);
  }
  places_.clear();
  const auto wanted = static_cast<std::size_t>(std::min(rows, rows_for(bytes)));
  while (places_.size() < wanted && !heads_[losers_[0]].ended) {
    const auto run = losers_[0];
    const auto& its = runs_[run];
    places_.push_back({its.slot, its.chunk->row_at(its.at)});
    SLUICE_TRY(advance(run));
    replay(run);
  }
  if (places_.empty()) return batch{};
  return gather();
}

result<batch> run_merger::gather() const {
  const auto& first = places_.front();
  bool one_slice = true;  // of one batch, in its order
  for (std::size_t i = 1; i < places_.size() && one_slice; ++i)
    one_slice = places_[i].batch == first.batch && places_[i].row == first.row + static_cast<std::int32_t>(i);
  if (one_slice) return read_[first.batch]->rows().slice(first.row, static_cast<std::int64_t>(places_.size()));
  std::vector<const batch*> batches;
  batches.reserve(read_.size());
  for (const auto& chunk : read_) batches.push_back(&chunk->rows());
  return gather_rows(batches, places_);
}

}  // namespace sluice
