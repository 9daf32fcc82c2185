#include "engine/flow/credit.hpp"

#include <algorithm>

namespace sluice::flow {

credit_limits share_credit(credit_limits of_each, std::int64_t bytes, std::size_t channels) {
  constexpr std::int64_t least = 256 * 1024;
  const auto share = bytes / static_cast<std::int64_t>(std::max<std::size_t>(channels, 1));
  of_each.bytes = std::min(of_each.bytes, std::max(share, least));
  return of_each;
}

bool credit_window::accepts(std::int64_t rows, std::int64_t bytes) const {
  if (rows == 0) return markers_ < limits_.markers;
  if (batches_.empty()) return true;
  return rows_ + rows <= limits_.rows && bytes_ + bytes <= limits_.bytes;
}

void credit_window::sent(std::int64_t rows, std::int64_t bytes) {
  if (rows == 0) {
    ++markers_;
    return;
  }
  batches_.push_back({rows, bytes});
  rows_ += rows;
  bytes_ += bytes;
}

bool credit_window::returned(std::int64_t rows, std::int64_t markers) {
  if (rows < 0 || markers < 0 || rows > rows_ || markers > markers_) return false;
  markers_ -= markers;
  rows_ -= rows;
  while (rows > 0) {
    auto& oldest = batches_.front();
    const auto part = std::min(rows, oldest.rows);
    oldest.rows -= part;
    rows -= part;
    if (oldest.rows == 0) {
      bytes_ -= oldest.bytes;
      batches_.pop_front();
    }
  }
  return true;
}

}  // namespace sluice::flow
