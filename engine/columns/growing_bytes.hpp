#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <cstring>
#include <memory>

namespace sluice {

/// Bytes that grow at the end and become an Arrow buffer.
class growing_bytes {
 public:
  growing_bytes() = default;
  ~growing_bytes();
  growing_bytes(growing_bytes&&) noexcept;
  growing_bytes& operator=(growing_bytes&&) noexcept;

  /// Makes room for `more` bytes behind the end and gives it; the end moves by `advance_to`. Throws std::bad_alloc.
  std::uint8_t* room(std::int64_t more) {
    if (size_ + more > capacity_) grow(more);
    return data_ + size_;
  }
  void advance_to(const std::uint8_t* end) { size_ = end - data_; }
  template <class Value>
  void append(Value value) {
    auto* out = room(static_cast<std::int64_t>(sizeof(Value)));
    std::memcpy(out, &value, sizeof(Value));
    size_ += static_cast<std::int64_t>(sizeof(Value));
  }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::uint8_t* data() { return data_; }
  void truncate(std::int64_t size) { size_ = size; }
  /// Gives the bytes away and starts again; as much room will be made as they needed.
  std::shared_ptr<arrow::Buffer> take();

 private:
  void grow(std::int64_t more);

  std::shared_ptr<arrow::ResizableBuffer> buffer_;
  std::uint8_t* data_ = nullptr;
  std::int64_t size_ = 0;
  std::int64_t capacity_ = 0;
  std::int64_t expected_ = 0;  ///< what comes next is mostly as large as what was given away
};

}  // namespace sluice
