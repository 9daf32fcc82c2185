#include "engine/flow/split_assignment.hpp"

#include <algorithm>

namespace sluice::flow {

namespace {

/// Granted at once where there is room, so that a reader of splits of the usual size need not ask.
constexpr std::int64_t usual_room = 16 * 1024 * 1024;

}  // namespace

result<split_assignment> split_assignment::make(std::vector<split> splits, rules by) {
  split_assignment made(by);
  SLUICE_ASSIGN(const auto count, made.extend(std::move(splits)));
  (void)count;
  return made;
}

result<std::size_t> split_assignment::extend(std::vector<split> splits) {
  const auto known = splits_.size();
  for (std::size_t index = 0; index < splits.size(); ++index) {
    if (splits[index].id != index)
      return internal_error("split_numbering", "split " + std::to_string(index) + " (" + splits[index].object +
                                                   ") has the number " + std::to_string(splits[index].id));
    if (index < known && splits[index].object != splits_[index].object)
      return internal_error("split_numbering", "split " + std::to_string(index) + " was " + splits_[index].object +
                                                   " and is " + splits[index].object + " now");
  }
  if (splits.size() < known)
    return internal_error("split_numbering", "of " + std::to_string(known) + " splits only " +
                                                 std::to_string(splits.size()) + " are left");
  for (auto index = known; index < splits.size(); ++index) {
    unassigned_.insert(unassigned_.end(), splits[index].id);
    splits_.push_back(std::move(splits[index]));
  }
  return splits_.size() - known;
}

status split_assignment::go_on(const source_progress& from) {
  for (const auto& [id, one] : from) {
    if (id >= splits_.size())
      return external_error("split_numbering",
                            "of the splits that were read before, number " + std::to_string(id) + " is missing",
                            "--fresh reads everything again");
    if (!one.ended) {
      begun_[id] = one;
      continue;
    }
    unassigned_.erase(id);
    behind_ended_ = std::max(behind_ended_, id + 1);
    ended_.push_back({.split = id, .position = one.position, .ended = true});
  }
  return {};
}

bool split_assignment::at_boundary() const {
  if (assigned_.empty()) return true;
  return assigned_.size() == 1 && assigned_.begin()->first >= behind_ended_;
}

std::size_t split_assignment::share() const {
  const auto even = (splits_.size() + by_.readers - 1) / std::max<std::size_t>(by_.readers, 1);
  return std::clamp<std::size_t>(even, 1, std::max<std::size_t>(by_.per_reader, 1));
}

split_assignment::reply split_assignment::next(std::uint32_t reader) {
  if (unassigned_.empty()) {
    // Another reader may yet be lost and its splits come back.
    return {.what = assigned_.empty() && by_.bounded ? answer::none_left : answer::wait};
  }
  const auto held =
      std::count_if(assigned_.begin(), assigned_.end(), [&](const auto& one) { return one.second == reader; });
  if (static_cast<std::size_t>(held) >= share()) return {.what = answer::wait};
  const auto lowest = *unassigned_.begin();
  const auto floor = assigned_.empty() ? lowest : std::min(lowest, assigned_.begin()->first);
  const auto window = std::max<std::size_t>(by_.readers * share() + by_.ahead, 1);
  if (by_.bounded && lowest >= floor + window) return {.what = answer::wait};
  unassigned_.erase(unassigned_.begin());
  assigned_.emplace(lowest, reader);
  reply made{.what = answer::take, .piece = splits_[lowest], .room = room(reader, lowest, 0).value_or(0)};
  if (const auto begun = begun_.find(lowest); begun != begun_.end()) made.from = begun->second;
  return made;
}

std::int64_t split_assignment::early_left(std::uint32_t id) const {
  auto left = by_.early_bytes;
  for (const auto& [split, bytes] : early_)
    if (split != id) left -= bytes;
  return std::max<std::int64_t>(left, 0);
}

std::optional<std::int64_t> split_assignment::room(std::uint32_t reader, std::uint32_t id, std::int64_t bytes) {
  const auto found = assigned_.find(id);
  if (found == assigned_.end() || found->second != reader) return std::nullopt;
  if (by_.early_bytes == no_limit || leads(id)) return no_limit;
  const auto left = early_left(id);
  if (bytes > left) return std::nullopt;
  // Half of the rest, so that something is left for the others.
  return early_[id] = std::min(bytes + std::min(usual_room, (left - bytes) / 2), left);
}

void split_assignment::settle() {
  auto turn = splits_.size();
  if (!unassigned_.empty()) turn = std::min<std::size_t>(turn, *unassigned_.begin());
  if (!assigned_.empty()) turn = std::min<std::size_t>(turn, assigned_.begin()->first);
  while (!early_.empty() && early_.begin()->first <= turn) early_.erase(early_.begin());
}

bool split_assignment::finished(std::uint32_t reader, std::uint32_t id, std::string position, std::int64_t bytes) {
  const auto found = assigned_.find(id);
  if (found == assigned_.end() || found->second != reader) return false;
  assigned_.erase(found);
  if (const auto early = early_.find(id); early != early_.end()) early->second = bytes;
  settle();
  behind_ended_ = std::max(behind_ended_, id + 1);
  ended_.push_back({.split = id, .position = std::move(position), .ended = true});
  return true;
}

std::size_t split_assignment::give_back(std::uint32_t reader) {
  std::size_t given = 0;
  for (auto at = assigned_.begin(); at != assigned_.end();) {
    if (at->second != reader) {
      ++at;
      continue;
    }
    unassigned_.insert(at->first);
    early_.erase(at->first);
    at = assigned_.erase(at);
    ++given;
  }
  return given;
}

std::uint64_t split_assignment::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& piece : splits_) sum += static_cast<std::uint64_t>(std::max<std::int64_t>(piece.bytes, 0));
  return sum;
}

}  // namespace sluice::flow
