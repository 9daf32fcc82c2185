#pragma once

#include "engine/formats/parquet/hybrid.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace sluice::parquet_writing {

/// Guesses how many different values a column has of which `drawn` had `seen` different ones, drawn evenly.
double guess_distinct(std::size_t seen, std::size_t drawn);

/// What is known of a dictionary while the first page of a row group fills.
struct dictionary_trial {
  std::size_t values = 0;       ///< different ones so far
  std::size_t value_bytes = 0;  ///< of these in a page
  std::size_t drawn = 0;        ///< values of the page, in all
  std::size_t plain_bytes = 0;  ///< of these without a dictionary
  bool page_complete = false;
};
/// True where it seems to stay within `most` bytes and to save some. Early on only clear cases are turned down.
bool dictionary_pays(const dictionary_trial& trial, std::size_t most);

__extension__ typedef unsigned __int128 uint128;

/// Folds the 128-bit product of two numbers (the step of wyhash).
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Numbers the values of a column in the order in which they first appear. Compares bits, so that NaN equals itself and
/// -0.0 is not 0.0.
template <class Value>
class value_dictionary {
 public:
  value_dictionary() { clear(); }

  std::uint32_t number_of(const Value& value) {
    for (auto slot = slot_of(value);; slot = (slot + 1) & mask_) {
      const auto held = slots_[slot];
      if (held == 0) return insert(slot, value);
      if (std::memcmp(&values_[held - 1], &value, sizeof(Value)) == 0) return held - 1;
    }
  }

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] const Value& operator[](std::uint32_t number) const { return values_[number]; }
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }
  /// Bytes of the values in a page.
  [[nodiscard]] std::size_t page_bytes() const { return values_.size() * sizeof(Value); }
  [[nodiscard]] std::size_t held_bytes() const { return values_.capacity() * sizeof(Value) + slots_.capacity() * 4; }

  /// Lets go of what finds values: no call of number_of follows until `clear`.
  void end_lookup() { let_go(slots_); }
  void clear() {
    let_go(values_);
    slots_ = std::vector<std::uint32_t>(first_slots);
    mask_ = first_slots - 1;
  }

 private:
  static constexpr std::size_t first_slots = 1024;

  [[nodiscard]] std::size_t slot_of(const Value& value) const {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::memcpy(&low, &value, sizeof(Value) < 8 ? sizeof(Value) : 8);
    if constexpr (sizeof(Value) > 8) std::memcpy(&high, reinterpret_cast<const char*>(&value) + 8, 8);
    // Both halves of the product count: doubles of few digits differ only in their highest bits.
    return static_cast<std::size_t>(fold(low ^ 0xa0761d6478bd642f, 0x9E3779B97F4A7C15 ^ high)) & mask_;
  }

  std::uint32_t insert(std::size_t slot, const Value& value) {
    values_.push_back(value);
    const auto held = static_cast<std::uint32_t>(values_.size());
    slots_[slot] = held;
    if (values_.size() * 2 > slots_.size()) grow();
    return held - 1;
  }

  void grow() {
    slots_.assign(slots_.size() * 2, 0);
    mask_ = slots_.size() - 1;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      auto slot = slot_of(values_[i]);
      while (slots_[slot] != 0) slot = (slot + 1) & mask_;
      slots_[slot] = static_cast<std::uint32_t>(i + 1);
    }
  }

  std::vector<Value> values_;
  std::vector<std::uint32_t> slots_;  ///< number + 1, or 0
  std::size_t mask_ = 0;
};

/// The same for texts, which it keeps as a page has them: length in four bytes, then the bytes.
class text_dictionary {
 public:
  text_dictionary() { clear(); }

  std::uint32_t number_of(std::string_view text) {
    const auto hash = hash_of(text);
    for (auto slot = hash & mask_;; slot = (slot + 1) & mask_) {
      const auto& held = slots_[slot];
      if (held.number == 0) return insert(slot, hash, text);
      if (held.tag == static_cast<std::uint32_t>(hash >> 32) && (*this)[held.number - 1] == text)
        return held.number - 1;
    }
  }

  [[nodiscard]] std::size_t size() const { return starts_.size(); }
  [[nodiscard]] std::string_view operator[](std::uint32_t number) const {
    const auto* at = page_.data() + starts_[number];
    std::uint32_t length = 0;
    std::memcpy(&length, at, 4);
    return {reinterpret_cast<const char*>(at) + 4, length};
  }
  /// The values as a page has them.
  [[nodiscard]] const bytes& page() const { return page_; }
  [[nodiscard]] std::size_t page_bytes() const { return page_.size(); }
  [[nodiscard]] std::size_t held_bytes() const {
    return page_.capacity() + starts_.capacity() * 4 + slots_.capacity() * sizeof(slot_entry);
  }

  /// Lets go of what finds texts: no call of number_of follows until `clear`.
  void end_lookup() { let_go(slots_); }
  void clear();

 private:
  static constexpr std::size_t first_slots = 256;
  struct slot_entry {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  ///< + 1, or 0 where free
  };

  static std::uint64_t hash_of(std::string_view text);
  std::uint32_t insert(std::size_t slot, std::uint64_t hash, std::string_view text);
  void grow();

  bytes page_;
  std::vector<std::uint32_t> starts_;
  std::vector<slot_entry> slots_;
  std::size_t mask_ = 0;
};

}  // namespace sluice::parquet_writing
