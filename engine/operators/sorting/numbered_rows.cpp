#include "engine/operators/sorting/numbered_rows.hpp"

#include "engine/operators/sorting/number_sort.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sluice {

namespace {

// A row is known by the number of its batch and its place in it.
constexpr int place_bits = 17;
static_assert(most_numbered_rows == std::int64_t{1} << place_bits);
constexpr std::int64_t rows_at_once = 512 * 1024;
constexpr std::size_t most_batches = std::size_t{1} << (32 - place_bits);

template <class Number>
class numbered_rows final : public row_stream {
 public:
  numbered_rows(std::vector<packed_rows> rows, key_numbers keys, std::vector<int> key_columns)
      : keys_(std::move(keys)),
        key_columns_(std::move(key_columns)),
        schema_(rows.front().schema()),
        rows_(std::move(rows)),
        sort_(keys_.bits(), rows_in(rows_)) {
    contained_ = keys_.contained();
    for (int column = 0; column < schema_->num_fields(); ++column)
      if (!is_contained(column)) others_.push_back(column);
    for (const auto& each : rows_) bytes_ += each.plain_bytes();
    positions_ = std::all_of(rows_.begin(), rows_.end(), [](const auto& each) { return each.has_positions(); });
  }

  result<bool> work() override {
    for (std::int64_t done = 0; done < rows_at_once && phase_ != phase::ready;) {
      if (at_ == rows_.size()) {
        next_phase();
        continue;
      }
      done += rows_[at_].rows();
      SLUICE_TRY(phase_ == phase::counting ? count(rows_[at_]) : add(at_));
      ++at_;
    }
    return phase_ != phase::ready;
  }

  result<batch> next(std::int64_t rows, std::int64_t bytes) override {
    const auto all = static_cast<std::int64_t>(sort_.size());
    if (given_ == all) {
      rows_.clear();
      return batch{};
    }
    const auto wanted = std::min({rows, all - given_, std::max<std::int64_t>(1, bytes * all / std::max(bytes_, all))});
    const auto items = sort_.in_order(static_cast<std::size_t>(given_), static_cast<std::size_t>(wanted));
    given_ += wanted;
    numbers_.clear();
    places_.clear();
    for (const auto& one : items) {
      numbers_.push_back(one.number);
      places_.push_back({one.row >> place_bits, static_cast<std::int32_t>(one.row & (most_numbered_rows - 1))});
    }
    arrow::ArrayVector columns(static_cast<std::size_t>(schema_->num_fields()));
    for (const int column : others_) {
      SLUICE_ASSIGN(columns[static_cast<std::size_t>(column)], packed_rows::gather(rows_, column, places_));
    }
    for (const int column : contained_) {
      SLUICE_ASSIGN(columns[static_cast<std::size_t>(column)], keys_.decode(column, numbers_));
    }
    batch made;
    made.data = arrow::RecordBatch::Make(schema_, wanted, std::move(columns));
    if (positions_) {
      SLUICE_ASSIGN(made.positions, make_positions(wanted, [&](std::int64_t row) {
                      const auto& place = places_[static_cast<std::size_t>(row)];
                      return rows_[place.batch].position_of(place.row);
                    }));
    }
    return made;
  }

 private:
  enum class phase { counting, adding, ready };

  void next_phase() {
    at_ = 0;
    phase_ = phase_ == phase::counting ? phase::adding : phase::ready;
    if (phase_ == phase::adding) sort_.make_room();
  }

  status count(const packed_rows& rows) {
    return for_pieces(rows, [&](std::span<const Number> numbers, std::int64_t) { sort_.count(numbers); });
  }
  /// Columns that are in the numbers are freed.
  status add(std::size_t number) {
    auto& rows = rows_[number];
    SLUICE_TRY(for_pieces(rows, [&](std::span<const Number> numbers, std::int64_t from) {
      sort_.add(numbers, static_cast<std::uint32_t>((number << place_bits) + static_cast<std::size_t>(from)));
    }));
    for (const int column : contained_) rows.drop(column);
    return {};
  }

  static std::size_t rows_in(const std::vector<packed_rows>& batches) {
    std::size_t all = 0;
    for (const auto& each : batches) all += static_cast<std::size_t>(each.rows());
    return all;
  }
  [[nodiscard]] bool is_contained(int column) const {
    return std::find(contained_.begin(), contained_.end(), column) != contained_.end();
  }

  /// Calls use(numbers, first row) for pieces that stay in the cache.
  template <class Use>
  status for_pieces(const packed_rows& rows, Use&& use) {
    arrow::ArrayVector columns;
    for (const int key : key_columns_) {
      SLUICE_ASSIGN(auto column, rows.plain(key));
      columns.push_back(std::move(column));
    }
    std::array<Number, 1024> numbers;
    for (std::int64_t from = 0; from < rows.rows(); from += std::ssize(numbers)) {
      const auto piece =
          std::span(numbers).first(static_cast<std::size_t>(std::min(rows.rows() - from, std::ssize(numbers))));
      keys_.encode(columns, from, piece);
      use(piece, from);
    }
    return {};
  }

  key_numbers keys_;
  std::vector<int> key_columns_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<packed_rows> rows_;
  std::vector<int> contained_, others_;  ///< columns that the numbers hold as they were, and the others
  bool positions_ = false;
  std::int64_t bytes_ = 0;  ///< of all rows, unpacked
  number_sort<Number> sort_;
  phase phase_ = phase::counting;
  std::size_t at_ = 0;  ///< the next batch of the phase
  std::int64_t given_ = 0;
  std::vector<Number> numbers_;    ///< of the rows that are given
  std::vector<row_place> places_;  ///< theirs
};

}  // namespace

result<std::unique_ptr<row_stream>> order_by_numbers(std::vector<packed_rows>& rows,
                                                     const std::vector<sort_column>& keys) {
  using made = std::unique_ptr<row_stream>;
  if (rows.empty() || rows.size() > most_batches) return made();
  SLUICE_ASSIGN(const auto numbers, key_numbers::make(rows, keys));
  if (!numbers) return made();
  std::vector<int> columns;
  columns.reserve(keys.size());
  for (const auto& key : keys) columns.push_back(key.column);
  auto all = std::exchange(rows, {});
  if (numbers->bits() <= 64)
    return made(std::make_unique<numbered_rows<std::uint64_t>>(std::move(all), *numbers, std::move(columns)));
  return made(std::make_unique<numbered_rows<wide_number>>(std::move(all), *numbers, std::move(columns)));
}

}  // namespace sluice
