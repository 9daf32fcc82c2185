#include "engine/operators/sorting/numbered_rows.hpp"

#include "engine/operators/gather.hpp"
#include "engine/operators/sorting/number_sort.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <optional>

namespace sluice {

namespace {

// A row is known by the number of its batch and its place in it.
constexpr int place_bits = 17;
constexpr std::int64_t most_in_batch = std::int64_t{1} << place_bits;
constexpr std::int64_t rows_at_once = 512 * 1024;
constexpr std::size_t most_batches = std::size_t{1} << (32 - place_bits);

// The first position of rows that follow each other in one split, as a reader gives them: those of the others need not
// be kept.
std::optional<position> first_of_stretch(const batch& rows) {
  const auto first = position_at(*rows.positions, 0);
  for (std::int64_t row = 1; row < rows.rows(); ++row)
    if (position_at(*rows.positions, row) != position{first.source, first.split, first.offset + row})
      return std::nullopt;
  return first;
}

template <class Number>
class numbered_rows final : public row_stream {
 public:
  numbered_rows(std::vector<batch> rows, key_numbers keys)
      : keys_(std::move(keys)),
        schema_(rows.front().data->schema()),
        rows_(std::move(rows)),
        sort_(keys_.bits(), rows_in(rows_)) {
    contained_ = keys_.contained();
    for (int column = 0; column < schema_->num_fields(); ++column)
      if (!is_contained(column)) others_.push_back(column);
    for (const auto& each : rows_) bytes_ += each.bytes();
    arrow::FieldVector fields;
    for (const int column : others_) fields.push_back(schema_->field(column));
    other_schema_ = arrow::schema(std::move(fields));
    find_stretches();
  }

  result<bool> work() override {
    for (std::int64_t done = 0; done < rows_at_once && phase_ != phase::ready;) {
      if (at_ == rows_.size()) {
        next_phase();
        continue;
      }
      done += rows_[at_].rows();
      phase_ == phase::counting ? count(rows_[at_]) : add(at_);
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
      places_.push_back({one.row >> place_bits, static_cast<std::int32_t>(one.row & (most_in_batch - 1))});
    }
    SLUICE_ASSIGN(auto made, gather());
    arrow::ArrayVector columns(static_cast<std::size_t>(schema_->num_fields()));
    for (std::size_t i = 0; i < others_.size(); ++i)
      columns[static_cast<std::size_t>(others_[i])] = made.data->column(static_cast<int>(i));
    for (const int column : contained_) {
      SLUICE_ASSIGN(columns[static_cast<std::size_t>(column)], keys_.decode(column, numbers_));
    }
    made.data = arrow::RecordBatch::Make(schema_, wanted, std::move(columns));
    if (!firsts_.empty()) {
      SLUICE_ASSIGN(made.positions, make_positions(wanted, [&](std::int64_t row) {
                      const auto& place = places_[static_cast<std::size_t>(row)];
                      const auto& first = firsts_[place.batch];
                      return position{first.source, first.split, first.offset + place.row};
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

  void count(const batch& rows) {
    for_pieces(rows, [&](std::span<const Number> numbers, std::int64_t) { sort_.count(numbers); });
  }
  /// Columns that are in the numbers are freed.
  void add(std::size_t number) {
    auto& rows = rows_[number];
    for_pieces(rows, [&](std::span<const Number> numbers, std::int64_t from) {
      sort_.add(numbers, static_cast<std::uint32_t>((number << place_bits) + static_cast<std::size_t>(from)));
    });
    arrow::ArrayVector columns;
    for (const int column : others_) columns.push_back(rows.data->column(column));
    rows = rows.with(arrow::RecordBatch::Make(other_schema_, rows.rows(), std::move(columns)));
  }

  void find_stretches() {
    for (const auto& each : rows_) {
      auto first = each.positions && each.rows() > 0 ? first_of_stretch(each) : std::nullopt;
      if (!first) return firsts_.clear();
      firsts_.push_back(*first);
    }
    for (auto& each : rows_) each.positions = nullptr;
  }

  static std::size_t rows_in(const std::vector<batch>& batches) {
    std::size_t all = 0;
    for (const auto& each : batches) all += static_cast<std::size_t>(each.rows());
    return all;
  }
  [[nodiscard]] bool is_contained(int column) const {
    return std::find(contained_.begin(), contained_.end(), column) != contained_.end();
  }

  /// Calls use(numbers, first row) for pieces that stay in the cache.
  template <class Use>
  void for_pieces(const batch& rows, Use&& use) {
    std::array<Number, 1024> numbers;
    for (std::int64_t from = 0; from < rows.rows(); from += std::ssize(numbers)) {
      const auto piece =
          std::span(numbers).first(static_cast<std::size_t>(std::min(rows.rows() - from, std::ssize(numbers))));
      keys_.encode(rows, from, piece);
      use(piece, from);
    }
  }

  result<batch> gather() const {
    const auto& first = places_.front();
    bool one_slice = true;  // of one batch, in its order
    for (std::size_t i = 1; i < places_.size() && one_slice; ++i)
      one_slice = places_[i].batch == first.batch && places_[i].row == first.row + static_cast<std::int32_t>(i);
    if (one_slice) return rows_[first.batch].slice(first.row, std::ssize(places_));
    std::vector<const batch*> from;
    from.reserve(rows_.size());
    for (const auto& each : rows_) from.push_back(&each);
    return gather_rows(from, places_);
  }

  key_numbers keys_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<batch> rows_;  ///< columns that are not in the numbers
  std::vector<int> contained_, others_;
  std::shared_ptr<arrow::Schema> other_schema_;  ///< of those columns
  std::vector<position> firsts_;  ///< of each batch, where positions follow each other in all; else empty
  std::int64_t bytes_ = 0;        ///< of all rows
  number_sort<Number> sort_;
  phase phase_ = phase::counting;
  std::size_t at_ = 0;  ///< the next batch of the phase
  std::int64_t given_ = 0;
  std::vector<Number> numbers_;    ///< of the rows that are given
  std::vector<row_place> places_;  ///< theirs
};

}  // namespace

result<std::unique_ptr<row_stream>> order_by_numbers(std::vector<batch>& rows, const std::vector<sort_column>& keys) {
  using made = std::unique_ptr<row_stream>;
  if (rows.empty()) return made();
  std::size_t batches = 0;
  for (const auto& each : rows) batches += static_cast<std::size_t>((each.rows() + most_in_batch - 1) / most_in_batch);
  if (batches > most_batches) return made();
  auto numbers = key_numbers::make(rows, keys);
  if (!numbers) return made();
  std::vector<batch> pieces;
  pieces.reserve(batches);
  for (auto& each : rows) {
    if (each.rows() <= most_in_batch) {
      pieces.push_back(std::move(each));
      continue;
    }
    for (std::int64_t from = 0; from < each.rows(); from += most_in_batch)
      pieces.push_back(each.slice(from, std::min(most_in_batch, each.rows() - from)));
    each = {};
  }
  rows.clear();
  if (numbers->bits() <= 64) return made(std::make_unique<numbered_rows<std::uint64_t>>(std::move(pieces), *numbers));
  return made(std::make_unique<numbered_rows<wide_number>>(std::move(pieces), *numbers));
}

}  // namespace sluice
