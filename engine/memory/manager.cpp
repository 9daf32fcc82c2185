#include "engine/memory/manager.hpp"

#include <algorithm>

namespace sluice::memory {

bool manager::reserve(std::int64_t bytes) {
  const auto most = limit_ - std::min(queued(), queue_limit());
  auto now = reserved_.load(std::memory_order_relaxed);
  do {
    if (now + bytes > most) return false;
  } while (!reserved_.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed));
  note(now + bytes);
  return true;
}

std::int64_t manager::left() const { return limit_ - std::min(queued(), queue_limit()) - reserved(); }

void manager::take(std::int64_t bytes) { note(reserved_.fetch_add(bytes, std::memory_order_relaxed) + bytes); }

void manager::note(std::int64_t total) {
  auto highest = peak_.load(std::memory_order_relaxed);
  while (highest < total && !peak_.compare_exchange_weak(highest, total, std::memory_order_relaxed)) {
  }
}

void manager::release(std::int64_t bytes) { reserved_.fetch_sub(bytes, std::memory_order_relaxed); }

status reservation::resize(std::int64_t bytes) {
  if (bytes > bytes_) {
    if (!from_->reserve(bytes - bytes_)) {
      return user_error("memory_exceeded",
                        "unit " + unit_ + " needs " + std::to_string(bytes) + " bytes, and run.memory (" +
                            std::to_string(from_->limit()) + " bytes) has " + std::to_string(from_->left() + bytes_) +
                            " left for it",
                        "raise run.memory: this operation can't spill to disk");
    }
  } else {
    from_->release(bytes_ - bytes);
  }
  bytes_ = bytes;
  return {};
}

bool reservation::try_resize(std::int64_t bytes) {
  // Also where nothing is added: beyond the limit (by `take`) there is no memory for anybody.
  if (bytes >= bytes_ && !from_->reserve(bytes - bytes_)) return false;
  if (bytes < bytes_) from_->release(bytes_ - bytes);
  bytes_ = bytes;
  return true;
}

void reservation::take(std::int64_t bytes) {
  if (bytes > bytes_) {
    from_->take(bytes - bytes_);
  } else {
    from_->release(bytes_ - bytes);
  }
  bytes_ = bytes;
}

}  // namespace sluice::memory
