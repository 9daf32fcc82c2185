#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sluice {

/// A row: the number that its keys make, and which one it is. Rows are given ascending numbers as they come.
template <class Number>
struct __attribute__((packed)) numbered_row {
  Number number;
  std::uint32_t row;
};

/// Sorts rows by a number each; rows with equal numbers stay in their order.
///
/// Rows are spread into buckets by the upper bits of their numbers, which takes two passes: `count` over all numbers,
/// then `add` in the same order. A bucket fits into the cache and is sorted only when its rows are asked for. A bucket
/// that is too large, since numbers are not spread evenly, is split by the next bits in place.
template <class Number>
class number_sort {
 public:
  using item = numbered_row<Number>;

  /// `bits`: how many of a number are used; at least 1.
  number_sort(int bits, std::size_t rows)
      : shift_(bits - std::min(bits, std::clamp(static_cast<int>(std::bit_width(rows / bucket_rows)), 1, most_bits))),
        ends_((std::size_t{1} << (bits - shift_)) + 1) {}

  void count(std::span<const Number> numbers) {
    for (const auto number : numbers) ++ends_[bucket_of(number) + 1];
  }
  /// No `count` follows.
  void make_room() {
    for (std::size_t i = 1; i < ends_.size(); ++i) ends_[i] += ends_[i - 1];
    items_.resize(ends_.back());
  }
  void add(std::span<const Number> numbers, std::uint32_t first_row) {
    for (const auto number : numbers) items_[ends_[bucket_of(number)]++] = {number, first_row++};
  }

  /// The rows from place `begin` on, in order: at least `rows` of them where there are so many. Places before `begin`
  /// are not asked for again. No `add` follows.
  std::span<const item> in_order(std::size_t begin, std::size_t rows) {
    while (sorted_ < items_.size() && sorted_ < begin + rows) sort_some();
    return {items_.data() + begin, std::min(rows, sorted_ - begin)};
  }
  [[nodiscard]] std::size_t size() const { return items_.size(); }

 private:
  static constexpr std::size_t bucket_rows = 4096;
  static constexpr int most_bits = 11;
  static constexpr std::size_t most_in_cache = 32 * 1024;
  static constexpr int digit_bits = 8;
  static constexpr std::size_t digits = std::size_t{1} << digit_bits;

  /// Rows whose numbers differ in their lowest bits only; `stable`: equal numbers stand in the order of the rows.
  struct range {
    std::size_t begin, end;
    int bits;
    bool stable;
  };
  struct pair {
    Number number;
    std::uint32_t row;
  };

  [[nodiscard]] std::size_t bucket_of(Number number) const { return static_cast<std::size_t>(number >> shift_); }

  void sort_some() {
    if (waiting_.empty()) {
      // After `add`, a bucket's end is where it stood for the next one's begin.
      while (ends_[bucket_] == sorted_) ++bucket_;
      waiting_.push_back({sorted_, ends_[bucket_++], shift_, true});
    }
    const auto next = waiting_.back();
    waiting_.pop_back();
    if (next.end - next.begin > most_in_cache && next.bits > 0) return split(next);
    sort(next);
    sorted_ = next.end;
  }

  /// Exchanges rows until those with the same digit stand together.
  void split(const range& of) {
    const int bits = of.bits - std::min(of.bits, digit_bits);
    const auto digit = [&](const item& row) { return static_cast<std::size_t>(row.number >> bits) & (digits - 1); };
    const auto mask = (std::size_t{1} << (of.bits - bits)) - 1;
    std::array<std::size_t, digits> next = {}, ends = {};
    for (auto at = of.begin; at < of.end; ++at) ++ends[digit(items_[at]) & mask];
    auto place = of.begin;
    bool one = false;
    for (std::size_t i = 0; i < digits; ++i) {
      one = one || ends[i] == of.end - of.begin;
      next[i] = place;
      place += ends[i];
      ends[i] = place;
    }
    for (std::size_t i = 0; !one && i < digits; ++i) {
      while (next[i] < ends[i]) {
        const auto wanted = digit(items_[next[i]]) & mask;
        if (wanted == i) {
          ++next[i];
        } else {
          std::swap(items_[next[i]], items_[next[wanted]++]);
        }
      }
    }
    for (auto i = digits; i-- > 0;) {
      const auto begin = i == 0 ? of.begin : ends[i - 1];
      if (begin < ends[i]) waiting_.push_back({begin, ends[i], bits, of.stable && one});
    }
  }

  void sort(const range& of) {
    const auto rows = of.end - of.begin;
    const auto passes = static_cast<std::size_t>((of.bits + digit_bits - 1) / digit_bits);
    if (rows < 2 || (passes == 0 && of.stable)) return;
    from_.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) from_[i] = {items_[of.begin + i].number, items_[of.begin + i].row};
    if (!of.stable || rows < 32 * passes) {
      std::sort(from_.begin(), from_.end(), [](const pair& a, const pair& b) {
        return a.number != b.number ? a.number < b.number : a.row < b.row;
      });
    } else {
      sort_by_digits(passes);
    }
    for (std::size_t i = 0; i < rows; ++i) items_[of.begin + i] = {from_[i].number, from_[i].row};
  }

  void sort_by_digits(std::size_t passes) {
    std::array<std::array<std::uint32_t, digits>, sizeof(Number)> counts;
    for (std::size_t pass = 0; pass < passes; ++pass) counts[pass].fill(0);
    for (const auto& one : from_)
      for (std::size_t pass = 0; pass < passes; ++pass)
        ++counts[pass][static_cast<std::size_t>(one.number >> (pass * digit_bits)) & (digits - 1)];
    to_.resize(from_.size());
    for (std::size_t pass = 0; pass < passes; ++pass) {
      const auto digit = [&](const pair& one) {
        return static_cast<std::size_t>(one.number >> (pass * digit_bits)) & (digits - 1);
      };
      auto& places = counts[pass];
      if (places[digit(from_.front())] == from_.size()) continue;
      std::uint32_t before = 0;
      for (auto& place : places) before += std::exchange(place, before);
      for (const auto& one : from_) to_[places[digit(one)]++] = one;
      from_.swap(to_);
    }
  }

  int shift_;                      ///< what is below the bits that choose the bucket
  std::vector<std::size_t> ends_;  ///< of the buckets
  std::vector<item> items_;
  std::size_t sorted_ = 0;  ///< rows before this place are in order
  std::size_t bucket_ = 0;  ///< the next one
  std::vector<range> waiting_;
  std::vector<pair> from_, to_;
};

}  // namespace sluice
