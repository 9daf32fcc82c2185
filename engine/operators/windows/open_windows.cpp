#include "engine/operators/windows/open_windows.hpp"

#include "engine/component/flush_time.hpp"
#include "engine/operators/held_state.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <numeric>

namespace sluice::windows {

namespace {

/// Below these it does not pay to make a new pass of the groups that live on.
constexpr std::size_t few_groups = 1024;
constexpr std::size_t many_batches = 64 * 1024;

}  // namespace

bool open_windows::is_closed(std::int64_t end) const {
  return end <= watermark_ && (lateness_ == 0 || watermark_ == end_of_time || end <= watermark_ - lateness_);
}

status open_windows::prepare() {
  if (pass_) return {};
  SLUICE_ASSIGN(pass_, aggregates::group_pass::make(what_, context_, unit_));
  return {};
}

status open_windows::add(aggregates::group_pass::evaluated_rows rows) {
  SLUICE_TRY(prepare());
  const auto known = pass_->size();
  const auto count = rows.rows;
  SLUICE_TRY(pass_->add(std::move(rows)));
  SLUICE_TRY(file(known));
  if (given_.empty()) return {};
  const auto* groups = pass_->groups();
  for (std::int64_t row = 0; row < count; ++row)
    if (ends_[groups[row]] <= watermark_) note_changed(groups[row]);
  return {};
}

status open_windows::file(std::uint32_t first) {
  std::vector<std::uint32_t> fresh(pass_->size() - first);
  if (fresh.empty()) return {};
  std::iota(fresh.begin(), fresh.end(), first);
  SLUICE_ASSIGN(const auto keys, pass_->keys(fresh));
  const auto& ends = static_cast<const arrow::TimestampArray&>(*keys.back());
  ends_.resize(pass_->size());
  was_given_.resize(pass_->size());
  is_changed_.resize(pass_->size());
  auto* last = static_cast<std::vector<std::uint32_t>*>(nullptr);
  std::int64_t last_end = 0;
  for (std::size_t at = 0; at < fresh.size(); ++at) {
    const auto end = ends.Value(static_cast<std::int64_t>(at));
    ends_[fresh[at]] = end;
    if (last == nullptr || end != last_end) {
      last = &(end <= watermark_ ? given_ : open_)[end];
      last_end = end;
    }
    last->push_back(fresh[at]);
  }
  return {};
}

void open_windows::note_changed(std::uint32_t group) {
  if (is_changed_[group] != 0) return;
  is_changed_[group] = 1;
  changed_.push_back(group);
}

void open_windows::advance(std::int64_t watermark) {
  if (watermark == flush_of_time) watermark = open_.empty() ? watermark_ : open_.rbegin()->first;
  watermark_ = std::max(watermark_, watermark);
  give_changed();
  while (!open_.empty() && open_.begin()->first <= watermark_) {
    auto complete = open_.extract(open_.begin());
    make_due(complete.mapped());
    if (is_closed(complete.key())) {
      closed_ += complete.mapped().size();
    } else {
      given_.insert(std::move(complete));
    }
  }
  while (!given_.empty() && is_closed(given_.begin()->first)) {
    closed_ += given_.begin()->second.size();
    given_.erase(given_.begin());
  }
}

void open_windows::give_changed() {
  for (const auto group : changed_) is_changed_[group] = 0;
  std::sort(changed_.begin(), changed_.end(), [&](auto a, auto b) { return ends_[a] < ends_[b]; });
  for (std::size_t begin = 0, end = 0; begin < changed_.size(); begin = end) {
    while (end < changed_.size() && ends_[changed_[end]] == ends_[changed_[begin]]) ++end;
    make_due(
        {changed_.begin() + static_cast<std::ptrdiff_t>(begin), changed_.begin() + static_cast<std::ptrdiff_t>(end)});
  }
  changed_.clear();
}

void open_windows::make_due(std::vector<std::uint32_t> groups) {
  const auto& order = pass_->order();
  std::sort(groups.begin(), groups.end(), [&](auto a, auto b) {
    const auto x = pass_->place_of(a), y = pass_->place_of(b);
    return x.batch == y.batch ? std::pair(x.row, a) < std::pair(y.row, b) : order.before(x.batch, y.batch);
  });
  due_.insert(due_.end(), groups.begin(), groups.end());
}

std::span<const std::uint32_t> open_windows::next_due(std::size_t count) {
  count = std::min(count, due_.size() - due_at_);
  given_again_ = 0;
  const std::span<const std::uint32_t> some{due_.data() + due_at_, count};
  for (const auto group : some) {
    given_again_ += was_given_[group];
    was_given_[group] = 1;
  }
  due_at_ += count;
  return some;
}

std::vector<std::uint32_t> open_windows::living() const {
  std::vector<std::uint32_t> groups;
  for (const auto* some : {&given_, &open_})
    for (const auto& [end, of_window] : *some) groups.insert(groups.end(), of_window.begin(), of_window.end());
  std::sort(groups.begin(), groups.end());
  return groups;
}

status open_windows::forget_closed() {
  due_.clear();
  due_at_ = 0;
  if (!pass_) return {};
  const auto left = pass_->size() - closed_;
  const bool many_closed = closed_ > std::max(few_groups, left);
  if (left == 0 && closed_ > 0) {
    pass_.reset();
  } else if (many_closed || pass_->order().size() > many_batches + left) {
    SLUICE_ASSIGN(const auto saved, pass_->save(living()));
    pass_.reset();
    SLUICE_TRY(load(saved));
    return {};
  } else {
    return {};
  }
  ends_.clear();
  was_given_.clear();
  is_changed_.clear();
  closed_ = 0;
  return {};
}

status open_windows::load(const aggregates::group_pass::saved& from) {
  open_.clear();
  given_.clear();
  ends_.clear();
  was_given_.clear();
  is_changed_.clear();
  closed_ = 0;
  SLUICE_TRY(prepare());
  SLUICE_TRY(pass_->load(from));
  SLUICE_TRY(file(0));
  // Changed groups were given before: all that are complete have been given.
  for (const auto& [end, groups] : given_)
    for (const auto group : groups) was_given_[group] = 1;
  return {};
}

std::uint64_t open_windows::held() const {
  std::uint64_t groups = due_.size() - due_at_;
  for (const auto& [end, of_window] : open_) groups += of_window.size();
  for (const auto group : changed_) groups += was_given_[group] == 0 ? 1 : 0;
  return groups;
}

std::int64_t open_windows::bytes() const {
  const auto of_groups =
      static_cast<std::int64_t>(ends_.capacity() * (sizeof(std::int64_t) + 2 + sizeof(std::uint32_t)));
  const auto of_windows = static_cast<std::int64_t>((open_.size() + given_.size()) * 96);
  return (pass_ ? pass_->bytes() : 0) + of_groups + of_windows;
}

result<std::vector<state_part>> open_windows::state(key_groups of) {
  std::vector<state_part> parts;
  if (!pass_) return parts;
  auto groups = living();
  SLUICE_ASSIGN(auto keys, pass_->keys(groups));
  keys.resize(keys.size() - 2);
  SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, std::ssize(groups)));
  std::vector<std::uint32_t> wanted;
  for (const auto at : chosen) wanted.push_back(groups[static_cast<std::size_t>(at)]);
  if (wanted.empty()) return parts;
  SLUICE_ASSIGN(auto saved, pass_->save(wanted));
  parts.push_back({"groups", std::move(saved.groups)});
  for (std::size_t call = 0; call < saved.distinct.size(); ++call)
    if (saved.distinct[call]) parts.push_back({"distinct" + std::to_string(call), std::move(saved.distinct[call])});
  return parts;
}

status open_windows::restore(const std::vector<state_part>& parts, std::int64_t watermark) {
  watermark_ = std::max(watermark_, watermark);
  aggregates::group_pass::saved saved;
  saved.distinct.resize(what_.states.size());
  for (const auto& part : parts) {
    if (part.name == "groups") saved.groups = part.rows;
    for (std::size_t call = 0; call < saved.distinct.size(); ++call)
      if (part.name == "distinct" + std::to_string(call)) saved.distinct[call] = part.rows;
  }
  if (!saved.groups) return {};
  SLUICE_TRY(prepare());
  const auto known = pass_->size();
  SLUICE_TRY(pass_->load(saved));
  SLUICE_TRY(file(known));
  for (const auto& [end, groups] : given_)
    for (const auto group : groups) was_given_[group] = 1;
  return {};
}

}  // namespace sluice::windows
