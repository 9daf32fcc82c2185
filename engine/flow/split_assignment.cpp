#include "engine/flow/split_assignment.hpp"

#include <algorithm>

namespace sluice::flow {

result<split_assignment> split_assignment::make(std::vector<split> splits, std::uint32_t window) {
  for (std::size_t index = 0; index < splits.size(); ++index)
    if (splits[index].id != index)
      return internal_error("split_numbering", "split " + std::to_string(index) + " (" + splits[index].object +
                                                   ") has the number " + std::to_string(splits[index].id));
  return split_assignment(std::move(splits), window);
}

split_assignment::split_assignment(std::vector<split> splits, std::uint32_t window)
    : splits_(std::move(splits)), window_(std::max<std::uint32_t>(window, 1)) {
  for (const auto& piece : splits_) unassigned_.insert(unassigned_.end(), piece.id);
}

split_assignment::reply split_assignment::next(std::uint32_t reader) {
  if (unassigned_.empty()) {
    // Another reader may yet be lost and its splits come back.
    return {.what = assigned_.empty() ? answer::none_left : answer::wait};
  }
  const auto lowest = *unassigned_.begin();
  const auto floor = assigned_.empty() ? lowest : std::min(lowest, assigned_.begin()->first);
  if (lowest >= floor + window_) return {.what = answer::wait};
  unassigned_.erase(unassigned_.begin());
  assigned_.emplace(lowest, reader);
  return {.what = answer::take, .piece = splits_[lowest]};
}

bool split_assignment::finished(std::uint32_t reader, std::uint32_t id) {
  const auto found = assigned_.find(id);
  if (found == assigned_.end() || found->second != reader) return false;
  assigned_.erase(found);
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
