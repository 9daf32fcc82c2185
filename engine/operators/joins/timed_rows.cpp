#include "engine/operators/joins/timed_rows.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace sluice::joins {

namespace {

constexpr auto bytes_of_row =
    static_cast<std::int64_t>(sizeof(timed_rows::facts) + sizeof(std::int32_t) + sizeof(timed_row));

/// A time so far in the future that the sum does not fit never comes.
std::int64_t after(std::int64_t time, std::int64_t span) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  return time > most - span ? most : time + span;
}

}  // namespace

std::int64_t timed_rows::last_use(const kept& of) const {
  return after(of.about[static_cast<std::size_t>(of.by_time[of.expired])].time, within_);
}

std::uint64_t timed_rows::add(batch rows, std::vector<facts> about) {
  const auto number = next_++;
  kept one{.rows = std::move(rows), .about = std::move(about), .by_time = {}};
  if (one.about.empty()) return number;
  for (const auto& each : one.about) {
    ++alive_;
    unmatched_ += each.matched ? 0 : 1;
  }
  file(number, batches_.emplace(number, std::move(one)).first->second);
  return number;
}

/// Puts all rows of a batch, which are alive, where they are found.
void timed_rows::file(std::uint64_t number, kept& one) {
  one.by_time.resize(one.about.size());
  std::iota(one.by_time.begin(), one.by_time.end(), 0);
  std::stable_sort(one.by_time.begin(), one.by_time.end(), [&](auto a, auto b) {
    return one.about[static_cast<std::size_t>(a)].time < one.about[static_cast<std::size_t>(b)].time;
  });
  one.expired = 0;
  one.bytes = one.rows.bytes() + std::ssize(one.about) * bytes_of_row;
  bytes_ += one.bytes;
  for (const auto row : one.by_time) {
    const auto& [key, time, matched, alive] = one.about[static_cast<std::size_t>(row)];
    if (key == none) continue;
    if (of_key_.size() <= key) of_key_.resize(std::size_t{key} + 1);
    auto& rows = of_key_[key];
    // Mostly the latest one.
    auto at = rows.end();
    if (!rows.empty() && rows.back().time > time)
      at = std::upper_bound(rows.begin(), rows.end(), time, [](auto a, const auto& b) { return a < b.time; });
    rows.insert(at, {number, row, time});
  }
  ends_.emplace(last_use(one), number);
}

const std::vector<timed_row>& timed_rows::of(std::uint32_t key) const {
  static const std::vector<timed_row> nothing;
  return key < of_key_.size() ? of_key_[key] : nothing;
}

std::size_t timed_rows::first_match(std::uint32_t key, std::int64_t time) const {
  const auto& rows = of(key);
  const auto first =
      std::partition_point(rows.begin(), rows.end(), [&](const auto& row) { return after(row.time, within_) < time; });
  return static_cast<std::size_t>(first - rows.begin());
}

bool timed_rows::is_behind(const timed_row& row, std::int64_t time) const { return after(time, within_) < row.time; }

void timed_rows::match(const timed_row& row) {
  auto& one = about(row);
  if (std::exchange(one.matched, true)) return;
  --unmatched_;
}

void timed_rows::expire(std::int64_t watermark, const std::function<void(const timed_row&, const facts&)>& what) {
  while (!ends_.empty() && ends_.top().first < watermark) {
    const auto number = ends_.top().second;
    ends_.pop();
    const auto found = batches_.find(number);
    if (found == batches_.end()) continue;
    auto& one = found->second;
    while (one.expired < one.by_time.size() && last_use(one) < watermark) {
      const auto row = one.by_time[one.expired++];
      auto& about = one.about[static_cast<std::size_t>(row)];
      about.alive = false;
      --alive_;
      unmatched_ -= about.matched ? 0 : 1;
      what({number, row}, about);
    }
    touched_.push_back(number);
    if (one.expired < one.by_time.size()) ends_.emplace(last_use(one), number);
  }
}

/// Takes dead rows out of the list of a key.
void timed_rows::unfile(std::uint32_t key) {
  if (key == none) return;
  auto& rows = of_key_[key];
  std::erase_if(rows, [&](const auto& row) { return !about(row).alive; });
  if (rows.empty()) rows.shrink_to_fit();
}

void timed_rows::clear() {
  for (const auto number : std::exchange(touched_, {})) {
    const auto found = batches_.find(number);
    if (found == batches_.end()) continue;
    auto& one = found->second;
    const bool all = one.expired == one.by_time.size();
    // A row that is far ahead of its time must not keep all the others.
    if (!all && one.expired < one.by_time.size() / 2) continue;
    for (std::size_t at = 0; at < one.expired; ++at) unfile(one.about[static_cast<std::size_t>(one.by_time[at])].key);
    bytes_ -= one.bytes;
    if (all) {
      batches_.erase(found);
      continue;
    }
    std::vector<std::int32_t> living;
    for (std::size_t row = 0; row < one.about.size(); ++row)
      if (one.about[row].alive) living.push_back(static_cast<std::int32_t>(row));
    kept packed{.rows = take_rows(one.rows, arrow::Int32Array(std::ssize(living), arrow::Buffer::Wrap(living))),
                .about = {},
                .by_time = {}};
    for (const auto row : living) {
      packed.about.push_back(one.about[static_cast<std::size_t>(row)]);
      if (const auto key = packed.about.back().key; key != none)
        std::erase_if(of_key_[key], [&](const auto& known) { return known.batch == number && known.row == row; });
    }
    batches_.erase(found);
    const auto fresh = next_++;
    file(fresh, batches_.emplace(fresh, std::move(packed)).first->second);
  }
}

std::int64_t timed_rows::bytes() const {
  return bytes_ +
         static_cast<std::int64_t>(of_key_.capacity() * sizeof(of_key_[0]) + ends_.size() * sizeof(ends_.top()));
}

status timed_rows::each(const batch_taker& what) const {
  for (const auto& [number, one] : batches_) {
    std::vector<std::int32_t> living;
    for (std::size_t row = 0; row < one.about.size(); ++row)
      if (one.about[row].alive) living.push_back(static_cast<std::int32_t>(row));
    if (!living.empty()) SLUICE_TRY(what(one.rows, living, one.about));
  }
  return {};
}

void timed_rows::note_keys(std::vector<bool>& used) const {
  for (std::size_t key = 0; key < of_key_.size(); ++key)
    if (!of_key_[key].empty()) used[key] = true;
}

void timed_rows::renumber(const std::vector<std::uint32_t>& numbers, std::size_t count) {
  std::vector<std::vector<timed_row>> moved(count);
  for (std::size_t key = 0; key < of_key_.size(); ++key)
    if (!of_key_[key].empty()) moved[numbers[key]] = std::move(of_key_[key]);
  of_key_ = std::move(moved);
  for (auto& [number, one] : batches_)
    for (auto& about : one.about)
      if (about.key != none) about.key = numbers[about.key];
}

}  // namespace sluice::joins
