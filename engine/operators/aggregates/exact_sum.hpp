#pragma once

#include "engine/expression/loops/loops.hpp"
#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/aggregates/exact_terms/exact_terms.hpp"
#include "engine/values/value_text.hpp"

#include <array>
#include <cstdint>
#include <vector>

/// Sums of doubles that are exact, and so the same bits whatever the order of rows, batches, merges and nodes.
///
/// A double is an integer of 53 bits times a power of two. It is added, as an integer, to a bin of 128 bits chosen by
/// the upper bits of its exponent: bin i holds multiples of 2^(32 i - 1075). Integer addition is associative, nothing
/// is ever rounded, and the one rounding (to nearest, ties to even) happens when the result is read. So |result -
/// exact| is at most half a unit in the last place, and an exact sum beyond the range of doubles reads as infinity. A
/// bin has room for 2^43 values before it could overflow.
///
/// The idea of a long accumulator is Kulisch's; the split by upper exponent bits follows R. M. Neal, "Fast exact
/// summation using small and large superaccumulators" (2015). Binned sums as in Demmel and Nguyen's ReproBLAS are
/// reproducible too, but only approximate. Wider bins than Neal's make carries unnecessary.
namespace sluice::aggregates {

inline constexpr int bins_in_all = 64;  ///< 2,048 exponents, 32 to a bin

/// One exact sum with all bins, for the arithmetic at the end (variances).
class exact_number {
 public:
  void add(double value);
  /// Adds a * b, exactly as long as the product neither over- nor underflows.
  void add_product(double a, double b);
  [[nodiscard]] double value() const;
  /// The sum as leading parts, each the rounding of what the ones before leave over.
  [[nodiscard]] std::array<double, 3> parts() const;

 private:
  friend class exact_sums;
  std::array<int128, bins_in_all> bins_ = {};
};

/// Exact sums of many groups. Only the window of bins that any value touched is kept: 16 to 48 bytes a group for most
/// data.
class exact_sums {
 public:
  /// `generation`: whose machines' code adds; tests compare them.
  explicit exact_sums(int generation = expression::machine_generation()) : make_terms_(find_make_terms(generation)) {}
  void resize(std::size_t groups);
  /// Adds values[i] to the sum of groups[i].
  void add(const double* values, const std::uint32_t* groups, std::int64_t rows);
  /// Adds the sums of `other`, its group i to our group to[i].
  void merge(const exact_sums& other, const std::uint32_t* to);

  /// The sum rounded to the nearest double; NaN or infinite as IEEE addition would have it.
  [[nodiscard]] double value(std::size_t group) const;
  /// True where a NaN or an infinity was added: value() is then all there is to know.
  [[nodiscard]] bool special(std::size_t group) const { return !special_.empty() && special_[group] != 0; }
  [[nodiscard]] exact_number number(std::size_t group) const;
  [[nodiscard]] std::int64_t bytes() const;
  /// As those of accumulator; what is saved is the exact sum.
  status save(std::span<const std::uint32_t> groups, arrow::ArrayVector& to) const;
  status load(saved_columns& from, const grouped_rows& to);

 private:
  [[nodiscard]] bin_window window() const;
  std::int64_t add_to_copies(const double* values, const std::uint32_t* groups, std::int64_t rows);
  void add_terms(const exact_terms& terms, std::size_t count);
  void add_one(double value, std::uint32_t group);
  void widen(int low, int high);
  void add_rare(double value, std::uint32_t group);

  make_terms make_terms_;
  std::size_t groups_ = 0;
  int low_ = 0;                        ///< number of the first bin kept
  int width_ = 0;                      ///< bins kept
  std::vector<int128> bins_;           ///< width_ for each group
  std::vector<std::uint8_t> special_;  ///< bits: NaN, +infinity, -infinity; empty while there are none
};

}  // namespace sluice::aggregates
