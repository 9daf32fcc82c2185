#include "engine/operators/aggregates/exact_sum.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace sluice::aggregates {

namespace {

constexpr std::uint64_t magnitude_mask = 0x7fffffffffffffffULL;
constexpr std::uint64_t mantissa_mask = 0x000fffffffffffffULL;
constexpr int smallest_exponent = -1075;  // of the unit of bin 0

constexpr std::size_t bins_in_cache = 16 * 1024;
constexpr std::size_t bins_ahead = 16;
constexpr std::size_t few_bins = 64;
constexpr std::size_t copies = 4;
constexpr std::int64_t least_for_copies = 16 * terms_at_once;

enum special_bit : std::uint8_t { has_nan = 1, has_infinity = 2, has_minus_infinity = 4 };

// The bin of a magnitude's bits and the integer to add to it.
inline int bin_of(std::uint64_t magnitude) { return static_cast<int>(magnitude >> 57); }

inline int128 scaled(std::uint64_t bits) {
  const auto exponent = (bits >> 52) & 0x7ff;
  const std::uint64_t normal = exponent != 0;
  const auto unsigned_mantissa = (bits & mantissa_mask) | (normal << 52);
  const auto shift = (exponent & 31) + (normal ^ 1);  // subnormals have the exponent of the smallest normal
  const auto sign = static_cast<std::int64_t>(bits) >> 63;
  const auto mantissa = (static_cast<std::int64_t>(unsigned_mantissa) ^ sign) - sign;
  return static_cast<int128>(mantissa) << shift;
}

inline int128 term(const exact_terms& of, std::size_t i) {
  return (static_cast<int128>(of.high[i]) << 64) | static_cast<int128>(of.low[i]);
}

// Rounds the sum of bins, the first of which is number `low`.
double rounded(const int128* bins, int low, int width) {
  std::array<std::uint32_t, bins_in_all + 4> digits = {};
  int128 carry = 0;
  int count = 0;
  for (; count < width; ++count) {
    carry += bins[count];
    digits[count] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  for (int more = 0; more < 4; ++more) {
    digits[count++] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  const bool negative = carry < 0;
  if (negative) {
    std::uint64_t add = 1;
    for (int i = 0; i < count; ++i) {
      add += static_cast<std::uint32_t>(~digits[i]);
      digits[i] = static_cast<std::uint32_t>(add);
      add >>= 32;
    }
  }
  int top = count - 1;
  while (top >= 0 && digits[top] == 0) --top;
  if (top < 0) return 0.0;
  // The upper three digits hold at least 65 bits; a bit below them only says that there is more.
  __extension__ unsigned __int128 upper = 0;
  for (int i = top; i > top - 3; --i) upper = (upper << 32) | (i >= 0 ? digits[i] : 0U);
  bool below = false;
  for (int i = top - 3; i >= 0; --i) below = below || digits[i] != 0;
  const int drop = 32 - std::countl_zero(digits[top]);  // leaves exactly 64 bits
  auto mantissa = static_cast<std::uint64_t>(upper >> drop);
  below = below || (upper & ((static_cast<decltype(upper)>(1) << drop) - 1)) != 0;
  mantissa |= below ? 1 : 0;
  const double value = std::ldexp(static_cast<double>(mantissa), 32 * (low + top - 2) + drop + smallest_exponent);
  return negative ? -value : value;
}

}  // namespace

void exact_number::add(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  bins_[bin_of(bits & magnitude_mask)] += scaled(bits);
}

void exact_number::add_product(double a, double b) {
  const double product = a * b;
  add(product);
  add(std::fma(a, b, -product));
}

double exact_number::value() const { return rounded(bins_.data(), 0, bins_in_all); }

std::array<double, 3> exact_number::parts() const {
  auto rest = *this;
  std::array<double, 3> parts = {};
  for (auto& part : parts) {
    part = rest.value();
    if (part == 0.0 || std::isinf(part)) break;
    rest.add(-part);
  }
  return parts;
}

void exact_sums::resize(std::size_t groups) {
  if (groups <= groups_) return;
  groups_ = groups;
  bins_.resize(groups * static_cast<std::size_t>(width_));
  if (!special_.empty()) special_.resize(groups);
}

void exact_sums::widen(int low, int high) {
  if (width_ > 0 && low >= low_ && high < low_ + width_) return;
  const int new_low = width_ > 0 ? std::min(low, low_) : low;
  const int new_width = (width_ > 0 ? std::max(high, low_ + width_ - 1) : high) - new_low + 1;
  std::vector<int128> bins(groups_ * static_cast<std::size_t>(new_width));
  for (std::size_t group = 0; width_ > 0 && group < groups_; ++group)
    std::copy_n(bins_.data() + group * width_, width_, bins.data() + group * new_width + (low_ - new_low));
  bins_ = std::move(bins);
  low_ = new_low;
  width_ = new_width;
}

// A value outside of the window, or in the last bin, where NaN and infinities are.
void exact_sums::add_rare(double value, std::uint32_t group) {
  if (std::isfinite(value)) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const int bin = bin_of(bits & magnitude_mask);
    widen(bin, bin);
    bins_[group * static_cast<std::size_t>(width_) + static_cast<std::size_t>(bin - low_)] += scaled(bits);
    return;
  }
  if (special_.empty()) special_.resize(groups_);
  special_[group] |= std::isnan(value) ? has_nan : value > 0 ? has_infinity : has_minus_infinity;
}

void exact_sums::add_one(double value, std::uint32_t group) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto magnitude = bits & magnitude_mask;
  if (magnitude == 0) return;
  if (static_cast<std::uint32_t>(bin_of(magnitude) - low_) >= window().plain) return add_rare(value, group);
  bins_[group * static_cast<std::size_t>(width_) + static_cast<std::size_t>(bin_of(magnitude) - low_)] += scaled(bits);
}

bin_window exact_sums::window() const {
  return {.first = static_cast<std::uint32_t>(low_),
          .width = static_cast<std::uint32_t>(width_),
          .plain = static_cast<std::uint32_t>(std::clamp(bins_in_all - 1 - low_, 0, width_))};
}

// Rows that follow each other often belong to one group, and an addition to a bin waits for the one before it: so
// they go to four copies of the bins in turn.
std::int64_t exact_sums::add_to_copies(const double* values, const std::uint32_t* groups, std::int64_t rows) {
  std::array<int128, copies* few_bins> bins = {};
  exact_terms terms;
  std::int64_t done = 0;
  for (; done + terms_at_once <= rows; done += terms_at_once) {
    if (!make_terms_(values + done, groups + done, terms_at_once, window(), terms)) break;
    for (std::size_t i = 0; i < terms_at_once; i += copies) {
      for (std::size_t copy = 0; copy < copies; ++copy)
        bins[copy * few_bins + terms.bin[i + copy]] += term(terms, i + copy);
    }
  }
  for (std::size_t copy = 0; copy < copies; ++copy) {
    for (std::size_t bin = 0; bin < bins_.size(); ++bin) bins_[bin] += bins[copy * few_bins + bin];
  }
  return done;
}

void exact_sums::add_terms(const exact_terms& terms, std::size_t count) {
  const bool far = bins_.size() > bins_in_cache;
  for (std::size_t i = 0; far && i < std::min(bins_ahead, count); ++i)
    __builtin_prefetch(bins_.data() + terms.bin[i], 1);
  for (std::size_t i = 0; i < count; ++i) {
    if (far && i + bins_ahead < count) __builtin_prefetch(bins_.data() + terms.bin[i + bins_ahead], 1);
    bins_[terms.bin[i]] += term(terms, i);
  }
}

void exact_sums::add(const double* values, const std::uint32_t* groups, std::int64_t rows) {
  exact_terms terms;
  for (std::int64_t done = 0; done < rows;) {
    if (bins_.size() <= few_bins && rows - done >= least_for_copies)
      done += add_to_copies(values + done, groups + done, rows - done);
    const auto count = std::min<std::int64_t>(terms_at_once, rows - done);
    if (make_terms_(values + done, groups + done, count, window(), terms)) {
      add_terms(terms, static_cast<std::size_t>(count));
    } else {
      for (auto i = done; i < done + count; ++i) add_one(values[i], groups[i]);
    }
    done += count;
  }
}

void exact_sums::merge(const exact_sums& other, const std::uint32_t* to) {
  if (other.width_ > 0) widen(other.low_, other.low_ + other.width_ - 1);
  for (std::size_t group = 0; group < other.groups_; ++group) {
    for (int bin = 0; bin < other.width_; ++bin)
      bins_[to[group] * static_cast<std::size_t>(width_) + static_cast<std::size_t>(other.low_ - low_ + bin)] +=
          other.bins_[group * static_cast<std::size_t>(other.width_) + static_cast<std::size_t>(bin)];
    if (other.special(group)) {
      if (special_.empty()) special_.resize(groups_);
      special_[to[group]] |= other.special_[group];
    }
  }
}

double exact_sums::value(std::size_t group) const {
  if (special(group)) {
    const auto bits = special_[group];
    if (bits == has_infinity) return std::numeric_limits<double>::infinity();
    if (bits == has_minus_infinity) return -std::numeric_limits<double>::infinity();
    return std::numeric_limits<double>::quiet_NaN();
  }
  return width_ == 0 ? 0.0 : rounded(bins_.data() + group * static_cast<std::size_t>(width_), low_, width_);
}

exact_number exact_sums::number(std::size_t group) const {
  exact_number all;
  std::copy_n(bins_.data() + group * static_cast<std::size_t>(width_), width_, all.bins_.begin() + low_);
  return all;
}

// Of each group: the first bin kept, how many, the special bits; then the bins.
status exact_sums::save(std::span<const std::uint32_t> groups, arrow::ArrayVector& to) const {
  constexpr auto doing = "hand out sums";
  arrow::LargeBinaryBuilder texts;
  const auto bins = static_cast<std::size_t>(width_) * sizeof(int128);
  SLUICE_TRY_ARROW(texts.Reserve(std::ssize(groups)), doing);
  SLUICE_TRY_ARROW(texts.ReserveData(static_cast<std::int64_t>(groups.size() * (3 + bins))), doing);
  std::vector<std::uint8_t> text(3 + bins);
  for (const auto group : groups) {
    const bool has = group < groups_ && width_ > 0;
    text[0] = static_cast<std::uint8_t>(low_);
    text[1] = static_cast<std::uint8_t>(has ? width_ : 0);
    text[2] = group < special_.size() ? special_[group] : 0;
    if (has) std::memcpy(text.data() + 3, bins_.data() + group * static_cast<std::size_t>(width_), bins);
    texts.UnsafeAppend(text.data(), static_cast<std::int64_t>(has ? text.size() : 3));
  }
  SLUICE_ASSIGN_ARROW(auto column, texts.Finish(), doing);
  to.push_back(std::move(column));
  return {};
}

status exact_sums::load(saved_columns& from, const grouped_rows& to) {
  SLUICE_ASSIGN(const auto column, from.next());
  resize(to.group_count);
  if (column->length() != to.rows) return held::foreign("sums");
  for (std::int64_t row = 0; row < to.rows; ++row) {
    SLUICE_ASSIGN(const auto text, held::text_at(*column, row));
    const auto low = text.empty() ? 0 : static_cast<std::uint8_t>(text[0]);
    const auto width = text.size() < 3 ? 0U : static_cast<std::uint8_t>(text[1]);
    if (text.size() != 3 + width * sizeof(int128) || low + width > bins_in_all) return held::foreign("sums");
    const auto group = to.groups[row];
    if (text[2] != 0) {
      if (special_.empty()) special_.resize(groups_);
      special_[group] = static_cast<std::uint8_t>(text[2]);
    }
    if (width == 0) continue;
    widen(low, low + static_cast<int>(width) - 1);
    std::memcpy(static_cast<void*>(bins_.data() + group * static_cast<std::size_t>(width_) +
                                   static_cast<std::size_t>(low - low_)),
                text.data() + 3, width * sizeof(int128));
  }
  return {};
}

std::int64_t exact_sums::bytes() const {
  return static_cast<std::int64_t>(bins_.capacity() * sizeof(int128) + special_.capacity());
}

}  // namespace sluice::aggregates
