#include "engine/operators/windows/open_sessions.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

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
                          const event_times& times, std::int64_t watermark, std::vector<std::int32_t>& late) {
  SLUICE_TRY(forget_keys());
  const std::uint32_t* numbers = nullptr;
  SLUICE_TRY(number_keys(keys, rows.rows(), numbers));
  const auto batch_number = next_batch_++;
  for (std::int32_t row = 0; row < rows.rows(); ++row)
    if (!put(numbers[row], times.at(row), {batch_number, row}, watermark)) late.push_back(row);
  const auto live = rows.rows() - std::ssize(late);
  if (live == 0) return {};
  held_ += static_cast<std::uint64_t>(live);
  rows_kept_ += rows.rows();
  bytes_ += rows.bytes();
  batches_.emplace(batch_number, kept_batch{rows, live, rows.bytes()});
  pack();
  return {};
}

bool open_sessions::put(std::uint32_t key, std::int64_t time, row_ref row, std::int64_t watermark) {
  auto& of_key = of_key_[key];
  session* home = nullptr;
  session_id home_id = 0;
  for (std::size_t at = 0; at < of_key.size();) {
    const auto found = open_.find(of_key[at]);
    auto& one = found->second;
    if (time - one.last >= gap_ || one.first - time >= gap_) {
      ++at;
      continue;
    }
    if (home == nullptr) {
      home = &one;
      home_id = of_key[at++];
      continue;
    }
    // The row connects the two.
    home->first = std::min(home->first, one.first);
    home->last = std::max(home->last, one.last);
    if (home->rows.size() < one.rows.size()) std::swap(home->rows, one.rows);
    home->rows.insert(home->rows.end(), one.rows.begin(), one.rows.end());
    open_.erase(found);
    of_key.erase(of_key.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (home == nullptr) {
    if (time + gap_ <= watermark) return false;
    home_id = next_id_++;
    home = &open_.emplace(home_id, session{.key = key, .first = time, .last = time, .rows = {}}).first->second;
    keys_in_use_ += of_key.empty() ? 1 : 0;
    of_key.push_back(home_id);
    ends_.emplace(time + gap_, home_id);
  }
  home->first = std::min(home->first, time);
  home->last = std::max(home->last, time);
  home->rows.push_back(row);
  return true;
}

void open_sessions::advance(std::int64_t watermark) {
  while (!ends_.empty() && ends_.top().first <= watermark) {
    const auto id = ends_.top().second;
    ends_.pop();
    const auto found = open_.find(id);
    if (found == open_.end()) continue;  // became part of another
    auto& one = found->second;
    const auto end = one.last + gap_;
    if (end > watermark) {
      ends_.emplace(end, id);
      continue;
    }
    for (const auto& ref : one.rows) complete_[ref.batch].push_back({ref.row, one.first, end});
    held_ -= one.rows.size();
    auto& of_key = of_key_[one.key];
    std::erase(of_key, id);
    keys_in_use_ -= of_key.empty() ? 1 : 0;
    open_.erase(found);
  }
}

bool open_sessions::next_complete(batch& rows, placed_rows& places) {
  places.clear();
  if (complete_.empty()) return false;
  const auto number = complete_.begin()->first;
  auto chosen = std::move(complete_.begin()->second);
  complete_.erase(complete_.begin());
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  for (const auto& one : chosen) {
    places.rows.push_back(one.row);
    places.begins.push_back(one.begin);
    places.ends.push_back(one.end);
  }
  places.distinct = chosen.size();
  rows = batches_.at(number).rows;
  let_go(number, std::ssize(chosen));
  return true;
}

void open_sessions::let_go(std::uint32_t number, std::int64_t rows) {
  const auto found = batches_.find(number);
  found->second.live -= rows;
  if (found->second.live > 0) return;
  bytes_ -= found->second.bytes;
  rows_kept_ -= found->second.rows.rows();
  batches_.erase(found);
}

void open_sessions::pack() {
  if (!complete_.empty() || rows_kept_ < 2 * static_cast<std::int64_t>(held_) + few_rows) return;
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
  std::map<std::uint32_t, std::vector<std::int32_t>> live;
  for (const auto& [id, one] : open_)
    for (const auto& ref : one.rows) live[ref.batch].push_back(ref.row);
  std::vector<kept_rows> all;
  for (const auto& [number, one] : batches_) {
    auto& rows = live[number];
    std::sort(rows.begin(), rows.end());
    all.push_back({one.rows, std::move(rows)});
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
  const auto of_rows = static_cast<std::int64_t>(held_ * sizeof(row_ref));
  const auto of_keys = static_cast<std::int64_t>(of_key_.capacity() * sizeof(of_key_[0]));
  return bytes_ + of_sessions + of_rows + of_keys + (keys_ ? keys_->bytes() : 0);
}

}  // namespace sluice::windows
