#include "engine/columns/growing_bytes.hpp"

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <algorithm>
#include <new>

namespace sluice {

growing_bytes::~growing_bytes() = default;
growing_bytes::growing_bytes(growing_bytes&&) noexcept = default;
growing_bytes& growing_bytes::operator=(growing_bytes&&) noexcept = default;

void growing_bytes::grow(std::int64_t more) {
  const auto wanted = std::max({size_ + more, capacity_ * 2, expected_, std::int64_t{4096}});
  if (!buffer_) {
    auto made = arrow::AllocateResizableBuffer(wanted);
    if (!made.ok()) throw std::bad_alloc();
    buffer_ = std::move(made).ValueUnsafe();
  } else if (!buffer_->Resize(wanted, false).ok()) {
    throw std::bad_alloc();
  }
  data_ = buffer_->mutable_data();
  capacity_ = wanted;
}

std::shared_ptr<arrow::Buffer> growing_bytes::take() {
  if (!buffer_) grow(0);
  constexpr std::int64_t slack = 64;
  const bool wasteful = capacity_ > 2 * (size_ + slack);
  if (wasteful && !buffer_->Resize(size_ + slack, true).ok()) throw std::bad_alloc();
  auto full = std::shared_ptr<arrow::Buffer>(arrow::SliceBuffer(buffer_, 0, size_));
  expected_ = size_ + size_ / 8 + slack;
  buffer_.reset();
  data_ = nullptr;
  size_ = capacity_ = 0;
  return full;
}

}  // namespace sluice
