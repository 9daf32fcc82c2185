#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace sluice::postgres {

/// Bytes that grow at their end. Numbers are written as the protocol has them: the highest byte first.
class byte_buffer {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view(std::size_t from = 0) const { return {bytes_.get() + from, size_ - from}; }
  void clear() { size_ = 0; }
  /// Takes back what was written behind `to`.
  void cut(std::size_t to) { size_ = to; }

  void reserve(std::size_t more) {
    if (room_ - size_ >= more) return;
    const auto room = std::max(room_ * 2, size_ + more);
    std::unique_ptr<char[]> larger(new char[room]);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    room_ = room;
  }

  // The caller has reserved the room.
  void put8(char byte) { bytes_[size_++] = byte; }
  void put16(std::uint16_t number) { put(number, __builtin_bswap16(number)); }
  void put32(std::uint32_t number) { put(number, __builtin_bswap32(number)); }
  void put64(std::uint64_t number) { put(number, __builtin_bswap64(number)); }
  void put_bytes(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(bytes_.get() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void put32_at(std::size_t at, std::uint32_t number) {
    const auto swapped = std::endian::native == std::endian::little ? __builtin_bswap32(number) : number;
    std::memcpy(bytes_.get() + at, &swapped, sizeof swapped);
  }

 private:
  template <class Number>
  void put(Number plain, Number swapped) {
    const Number number = std::endian::native == std::endian::little ? swapped : plain;
    std::memcpy(bytes_.get() + size_, &number, sizeof number);
    size_ += sizeof number;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

}  // namespace sluice::postgres
