// approx_count_distinct: HyperLogLog.
//
// Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm" (2007); the estimate
// is that of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6, which needs no
// table of corrections. 4,096 registers: the standard error is 1.04 / sqrt(4096) = 1.6 %. Up to 256 different values
// are counted by their hashes, so that small counts are exact. The result depends on the set of values alone, not on
// how they are spread over batches, states and nodes: registers are joined by their maximum.
#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

namespace sluice::aggregates {

namespace {

constexpr int index_bits = 12;
constexpr std::size_t register_count = std::size_t{1} << index_bits;
constexpr int rank_bits = 64 - index_bits;
constexpr std::size_t most_hashes = 256;

double sigma(double x) {
  if (x == 1) return INFINITY;
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    before = z;
    x *= x;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    before = z;
    x = std::sqrt(x);
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

/// The different values of one group: their hashes, sorted, or registers once there are many.
class sketch {
 public:
  void add(std::uint64_t hash) {
    if (!registers_.empty()) return raise(hash);
    const auto place = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
    if (place != hashes_.end() && *place == hash) return;
    hashes_.insert(place, hash);
    if (hashes_.size() <= most_hashes) return;
    registers_.assign(register_count, 0);
    for (const auto one : hashes_) raise(one);
    hashes_ = {};
  }

  [[nodiscard]] std::int64_t count() const {
    if (registers_.empty()) return std::ssize(hashes_);
    std::array<int, rank_bits + 2> ranks = {};
    for (const auto rank : registers_) ++ranks[rank];
    constexpr double m = register_count;
    double z = m * tau(1 - ranks[rank_bits + 1] / m);
    for (int rank = rank_bits; rank >= 1; --rank) z = 0.5 * (z + ranks[static_cast<std::size_t>(rank)]);
    z += m * sigma(ranks[0] / m);
    return std::llround(m * m / (2 * std::log(2.0)) / z);
  }

  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>(hashes_.capacity() * 8 + registers_.capacity());
  }

  /// Registers as they are, or hashes of 8 bytes: never as many bytes.
  [[nodiscard]] std::string saved() const {
    if (!registers_.empty()) return {reinterpret_cast<const char*>(registers_.data()), registers_.size()};
    return {reinterpret_cast<const char*>(hashes_.data()), hashes_.size() * 8};
  }
  /// False for bytes that `saved` can't have given.
  bool load(std::string_view bytes) {
    if (bytes.size() == register_count) {
      registers_.assign(bytes.begin(), bytes.end());
      return std::all_of(registers_.begin(), registers_.end(), [](auto rank) { return rank <= rank_bits + 1; });
    }
    if (bytes.size() % 8 != 0 || bytes.size() > most_hashes * 8) return false;
    hashes_.resize(bytes.size() / 8);
    std::memcpy(hashes_.data(), bytes.data(), bytes.size());
    return std::is_sorted(hashes_.begin(), hashes_.end());
  }

 private:
  void raise(std::uint64_t hash) {
    const auto index = hash >> rank_bits;
    const auto rest = hash << index_bits;
    const auto rank = static_cast<std::uint8_t>(std::min(std::countl_zero(rest), rank_bits) + 1);
    registers_[index] = std::max(registers_[index], rank);
  }

  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint8_t> registers_;
};

class approximate_count final : public accumulator {
 public:
  status add(const grouped_rows& in) override {
    sketches_.resize(in.group_count);
    if (in.values->null_count() == in.rows || in.values->type_id() == arrow::Type::NA) return {};
    SLUICE_ASSIGN(auto canonical, canonical_key(in.values));
    SLUICE_ASSIGN(const auto hashes, flow::hash_keys({std::move(canonical)}, in.rows));
    for (std::int64_t row = 0; row < in.rows; ++row) {
      if (in.values->IsNull(row)) continue;
      auto& one = sketches_[in.groups[row]];
      bytes_ -= one.bytes();
      one.add(hashes[static_cast<std::size_t>(row)]);
      bytes_ += one.bytes();
    }
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups, const expression::aggregate_call&,
                                               row_errors&) override {
    arrow::Int64Builder made;
    for (const auto group : groups)
      SLUICE_TRY_ARROW(made.Append(group < sketches_.size() ? sketches_[group].count() : 0), "read counts");
    SLUICE_ASSIGN_ARROW(auto counts, made.Finish(), "read counts");
    return counts;
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return bytes_ + static_cast<std::int64_t>(sketches_.capacity() * sizeof(sketch));
  }

  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    arrow::BinaryBuilder made;
    for (const auto group : groups)
      SLUICE_TRY_ARROW(made.Append(group < sketches_.size() ? sketches_[group].saved() : std::string()), "save counts");
    SLUICE_ASSIGN_ARROW(auto column, made.Finish(), "save counts");
    to.push_back(std::move(column));
    return {};
  }

  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_ASSIGN(const auto column, from.next());
    if (column->type_id() != arrow::Type::BINARY || column->length() != to.rows) return held::foreign("groups");
    sketches_.resize(to.group_count);
    const auto& saved = static_cast<const arrow::BinaryArray&>(*column);
    for (std::int64_t row = 0; row < to.rows; ++row) {
      auto& one = sketches_[to.groups[row]];
      if (!one.load(saved.GetView(row))) return held::foreign("groups");
      bytes_ += one.bytes();
    }
    return {};
  }

 private:
  std::vector<sketch> sketches_;
  std::int64_t bytes_ = 0;  ///< of what the sketches hold
};

}  // namespace

accumulator_ptr make_approximate_count() { return std::make_unique<approximate_count>(); }

}  // namespace sluice::aggregates
