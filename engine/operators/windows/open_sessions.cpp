#include "engine/operators/windows/open_sessions.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace sluice::windows {

namespace {

/// Below these it does not pay to clear up.
constexpr std::size_t few_keys = 1024;
constexpr std::int64_t few_rows = 64 * 1024;

}  // namespace

status open_sessions::number_keys(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows,
                                  const std::uint32_t*& numbers) {
  if (!keys_) {
    SLUICE_ASSIGN(keys_, group_index::make(key_types_));
  }
  numbers = keys_->add(keys, rows);
  of_key_.resize(std::max<std::size_t>(of_key_.size(), keys_->size()));
  return {};
}

status open_sessions::add(const batch& rows, const std::vector<std::shared_ptr<arrow::Array>>& keys,
                          const event_times& times, std::int64_t watermark, std::vector<std::int32_t>& late,
                          const std::vector<bool>& given) {
  SLUICE_TRY(forget_keys());
  const std::uint32_t* numbers = nullptr;
  SLUICE_TRY(number_keys(keys, rows.rows(), numbers));
  const auto batch_number = next_batch_++;
  std::uint64_t fresh = 0;
  for (std::int32_t row = 0; row < rows.rows(); ++row) {
    const bool was_given = !given.empty() && given[static_cast<std::size_t>(row)];
    if (!put(numbers[row], times.at(row), {batch_number, row, was_given}, watermark, !given.empty()))
      late.push_back(row);
    else
      fresh += was_given ? 0 : 1;
  }
  const auto live = rows.rows() - std::ssize(late);
  if (live == 0) return {};
  held_ += fresh;
  live_ += live;
  rows_kept_ += rows.rows();
  bytes_ += rows.bytes();
  batches_.emplace(batch_number, kept_batch{rows, live, rows.bytes()});
  pack();
  return {};
}

std::vector<open_sessions::session_id> open_sessions::near(std::uint32_t key, std::int64_t time) {
  std::vector<session_id> found;
  for (const auto id : of_key_[key]) {
    const auto& one = open_.at(id);
    if (time - one.last < gap_ && one.first - time < gap_) found.push_back(id);
  }
  return found;
}

open_sessions::session_id open_sessions::connect(const std::vector<session_id>& some) {
  const auto given = std::find_if(some.begin(), some.end(), [&](auto id) { return open_.at(id).given; });
  const auto home_id = given == some.end() ? some.front() : *given;
  auto& home = open_.at(home_id);
  for (const auto id : some) {
    if (id == home_id) continue;
    auto& one = open_.at(id);
    home.first = std::min(home.first, one.first);
    home.last = std::max(home.last, one.last);
    home.changed = home.changed || one.changed;
    if (home.rows.size() < one.rows.size()) std::swap(home.rows, one.rows);
    home.rows.insert(home.rows.end(), one.rows.begin(), one.rows.end());
    std::erase(of_key_[home.key], id);
    open_.erase(id);
  }
  return home_id;
}

bool open_sessions::put(std::uint32_t key, std::int64_t time, row_ref row, std::int64_t watermark, bool taken_back) {
  const auto found = near(key, time);
  session_id home_id = 0;
  if (found.empty()) {
    if (!taken_back && time + gap_ + lateness_ <= watermark) return false;
    home_id = next_id_++;
    open_.emplace(home_id, session{.key = key, .first = time, .last = time, .rows = {}});
    keys_in_use_ += of_key_[key].empty() ? 1 : 0;
    of_key_[key].push_back(home_id);
    ends_.emplace(time + gap_, home_id);
  } else {
    auto first = time;
    const session* given = nullptr;
    for (const auto id : found) {
      const auto& one = open_.at(id);
      first = std::min(first, one.first);
      if (!one.given || taken_back) continue;
      if (given != nullptr) return false;
      given = &one;
    }
    if (given != nullptr && first != given->first) return false;
    home_id = connect(found);
  }
  auto& home = open_.at(home_id);
  home.first = std::min(home.first, time);
  home.last = std::max(home.last, time);
  home.given = home.given || row.given;
  // One that was given would be looked at only when it is over.
  if (home.given && !row.given && (!home.changed || found.size() > 1)) ends_.emplace(home.last + gap_, home_id);
  home.changed = home.changed || !row.given;
  home.rows.push_back(row);
  return true;
}

void open_sessions::give(session& one) {
  for (auto& ref : one.rows) {
    complete_[ref.batch].push_back({ref.row, one.first, one.last + gap_, ref.given});
    held_ -= ref.given ? 0 : 1;
    ref.given = true;
  }
  one.given = true;
  one.changed = false;
}

void open_sessions::advance(std::int64_t watermark) {
  while (!ends_.empty() && ends_.top().first <= watermark) {
    const auto id = ends_.top().second;
    ends_.pop();
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.over) continue;  // became part of another; or is here twice
    auto& one = found->second;
    const auto end = one.last + gap_;
    if (end > watermark) {
      ends_.emplace(end, id);
      continue;
    }
    if (one.changed) give(one);
    if (end + lateness_ > watermark) {
      ends_.emplace(end + lateness_, id);
      continue;
    }
    one.over = true;
    over_.push_back(id);
    auto& of_key = of_key_[one.key];
    std::erase(of_key, id);
    keys_in_use_ -= of_key.empty() ? 1 : 0;
  }
  if (complete_.empty()) forget_over();
}

void open_sessions::give_changed(std::int64_t watermark) {
  for (auto& [id, one] : open_)
    if (one.changed && one.last + gap_ <= watermark) give(one);
}

bool open_sessions::next_complete(batch& rows, placed_rows& places, std::uint64_t& again) {
  places.clear();
  again = 0;
  if (complete_.empty()) return false;
  const auto number = complete_.begin()->first;
  auto chosen = std::move(complete_.begin()->second);
  complete_.erase(complete_.begin());
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  for (const auto& one : chosen) {
    places.rows.push_back(one.row);
    places.begins.push_back(one.begin);
    places.ends.push_back(one.end);
    again += one.again ? 1 : 0;
  }
  places.distinct = chosen.size();
  rows = batches_.at(number).rows;
  if (complete_.empty()) forget_over();
  return true;
}

/// Sessions that no row can change any more, once all of their rows were given.
void open_sessions::forget_over() {
  for (const auto id : std::exchange(over_, {})) {
    for (const auto& ref : open_.at(id).rows) let_go(ref.batch, 1);
    open_.erase(id);
  }
}

void open_sessions::let_go(std::uint32_t number, std::int64_t rows) {
  const auto found = batches_.find(number);
  found->second.live -= rows;
  live_ -= rows;
  if (found->second.live > 0) return;
  bytes_ -= found->second.bytes;
  rows_kept_ -= found->second.rows.rows();
  batches_.erase(found);
}

void open_sessions::pack() {
  if (!complete_.empty() || rows_kept_ < 2 * live_ + few_rows) return;
  const auto packed = kept();
  std::map<std::uint32_t, std::vector<std::int32_t>> new_row;
  bytes_ = rows_kept_ = 0;
  auto from = packed.begin();
  for (auto& [number, one] : batches_) {
    auto& moved = new_row[number];
    moved.assign(static_cast<std::size_t>(one.rows.rows()), -1);
    for (std::size_t at = 0; at < from->live.size(); ++at)
      moved[static_cast<std::size_t>(from->live[at])] = static_cast<std::int32_t>(at);
    one.rows = take_rows(one.rows, arrow::Int32Array(std::ssize(from->live), arrow::Buffer::Wrap(from->live)));
    one.bytes = one.rows.bytes();
    bytes_ += one.bytes;
    rows_kept_ += one.rows.rows();
    ++from;
  }
  for (auto& [id, one] : open_)
    for (auto& ref : one.rows) ref.row = new_row.at(ref.batch)[static_cast<std::size_t>(ref.row)];
}

std::vector<open_sessions::kept_rows> open_sessions::kept() const {
  std::map<std::uint32_t, std::vector<std::pair<std::int32_t, bool>>> live;
  for (const auto& [id, one] : open_)
    for (const auto& ref : one.rows) live[ref.batch].emplace_back(ref.row, ref.given);
  std::vector<kept_rows> all;
  for (const auto& [number, one] : batches_) {
    auto& rows = live[number];
    std::sort(rows.begin(), rows.end());
    auto& made = all.emplace_back(kept_rows{.rows = one.rows, .live = {}, .given = {}});
    for (const auto& [row, given] : rows) {
      made.live.push_back(row);
      made.given.push_back(given);
    }
  }
  return all;
}

status open_sessions::forget_keys() {
  if (!keys_ || keys_->size() < few_keys + 2 * keys_in_use_) return {};
  std::vector<std::uint32_t> used;
  for (std::uint32_t key = 0; key < of_key_.size(); ++key)
    if (!of_key_[key].empty()) used.push_back(key);
  SLUICE_ASSIGN(const auto values, keys_->keys(used));
  keys_.reset();
  auto sessions = std::move(of_key_);
  of_key_.clear();
  const std::uint32_t* numbers = nullptr;
  SLUICE_TRY(number_keys(values, std::ssize(used), numbers));
  for (std::size_t at = 0; at < used.size(); ++at) {
    for (const auto id : sessions[used[at]]) open_.at(id).key = numbers[at];
    of_key_[numbers[at]] = std::move(sessions[used[at]]);
  }
  return {};
}

std::int64_t open_sessions::bytes() const {
  const auto of_sessions = static_cast<std::int64_t>(open_.size() * (sizeof(session) + 64 + 16));
  const auto of_rows = live_ * static_cast<std::int64_t>(sizeof(row_ref));
  const auto of_keys = static_cast<std::int64_t>(of_key_.capacity() * sizeof(std::vector<session_id>));
  return bytes_ + of_sessions + of_rows + of_keys + (keys_ ? keys_->bytes() : 0);
}

}  // namespace sluice::windows
