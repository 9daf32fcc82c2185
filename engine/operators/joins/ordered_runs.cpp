#include "engine/operators/joins/ordered_runs.hpp"

#include "engine/operators/gather.hpp"
#include "engine/operators/held_state.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <queue>
#include <utility>

namespace sluice::joins {

namespace {

// Small blocks: one of each run is in memory while they are merged.
constexpr std::int64_t run_block_rows = 8 * 1024;
constexpr std::int64_t run_block_bytes = 1 << 20;
constexpr std::size_t most_runs = 48;  // that are merged at once

batch with_numbers(const batch& rows, const std::shared_ptr<arrow::Array>& numbers) {
  auto columns = rows.data->columns();
  auto fields = rows.data->schema()->fields();
  columns.push_back(numbers);
  fields.push_back(arrow::field("number", arrow::uint64()));
  return rows.with(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.rows(), std::move(columns)));
}

}  // namespace

status ordered_runs::add(const batch& rows, const std::shared_ptr<arrow::Array>& numbers) {
  if (rows.rows() == 0) return {};
  pending_.push_back(with_numbers(rows, numbers));
  pending_rows_ += rows.rows();
  bytes_ += pending_.back().bytes();
  return pending_rows_ >= run_block_rows || bytes_ >= run_block_bytes ? write_pending() : status{};
}

// Writes what is pending, in blocks of equal size.
status ordered_runs::write_pending() {
  if (pending_.empty()) return {};
  std::vector<const batch*> from;
  std::vector<row_place> places;
  for (const auto& one : pending_) {
    for (std::int64_t row = 0; row < one.rows(); ++row)
      places.push_back({static_cast<std::uint32_t>(from.size()), static_cast<std::int32_t>(row)});
    from.push_back(&one);
  }
  const auto a_row = std::max<std::int64_t>(1, bytes_ / static_cast<std::int64_t>(places.size()));
  const auto rows = std::clamp<std::int64_t>(run_block_bytes / a_row, 1, run_block_rows);
  for (std::size_t begin = 0; begin < places.size(); begin += static_cast<std::size_t>(rows)) {
    const auto count = std::min(static_cast<std::size_t>(rows), places.size() - begin);
    SLUICE_ASSIGN(const auto block, gather_rows(from, std::span(places).subspan(begin, count)));
    SLUICE_ASSIGN(auto written, file_->write(block));
    runs_.back().blocks.push_back(std::move(written));
  }
  pending_.clear();
  pending_rows_ = bytes_ = 0;
  return {};
}

status ordered_runs::end_run() {
  SLUICE_TRY(write_pending());
  if (runs_.back().blocks.empty()) runs_.pop_back();
  return {};
}

// Brings the next block of a run into memory; false at its end.
result<bool> ordered_runs::load(run& of) {
  if (of.next == of.blocks.size()) {
    of.rows = {};
    of.numbers = nullptr;
    return false;
  }
  const auto& block = of.blocks[of.next++];
  SLUICE_ASSIGN(of.rows, file_->read(block));
  file_->drop(block);
  const auto last = of.rows.data->num_columns() - 1;
  of.numbers = std::static_pointer_cast<arrow::UInt64Array>(of.rows.data->column(last));
  SLUICE_ASSIGN_ARROW(auto columns, of.rows.data->RemoveColumn(last), "read rows of a join");
  of.rows = of.rows.with(std::move(columns));
  of.at = 0;
  return true;
}

status ordered_runs::load_all(std::size_t begin, std::size_t end) {
  bytes_ = 0;
  for (auto i = begin; i < end; ++i) {
    bytes_ += runs_[i].blocks.front().memory_bytes;
    SLUICE_ASSIGN(const bool any, load(runs_[i]));
    (void)any;
  }
  return {};
}

// Gathers about a batch of the next rows of some runs, of one place only where that is wanted; false where there are
// none.
result<bool> ordered_runs::gather_next(std::size_t begin, std::size_t end, bool one_place, batch& made,
                                       std::shared_ptr<arrow::UInt64Array>& numbers) {
  using entry = std::pair<std::uint64_t, std::size_t>;  // number, run
  std::priority_queue<entry, std::vector<entry>, std::greater<>> heads;
  std::vector<std::pair<batch, std::shared_ptr<arrow::UInt64Array>>> held;
  const auto hold = [&](std::size_t i) {
    runs_[i].held = static_cast<std::uint32_t>(held.size());
    held.emplace_back(runs_[i].rows, runs_[i].numbers);
    heads.emplace(runs_[i].numbers->Value(runs_[i].at), i);
  };
  for (auto i = begin; i < end; ++i)
    if (runs_[i].numbers) hold(i);
  std::vector<row_place> places;
  if (heads.empty()) return false;
  const auto until = one_place ? end_of_place(heads.top().first) : ~std::uint64_t{0};
  // A run that goes on to its next block ends the batch soon, so that few blocks are held beside those of the runs.
  const auto most_held = held.size() + 8;
  while (!heads.empty() && heads.top().first < until && static_cast<std::int64_t>(places.size()) < target_batch_rows &&
         held.size() < most_held) {
    const auto i = heads.top().second;
    heads.pop();
    auto& its = runs_[i];
    const auto limit = heads.empty() ? entry{~std::uint64_t{0}, i} : heads.top();
    while (its.at < its.numbers->length() && its.numbers->Value(its.at) < until &&
           entry{its.numbers->Value(its.at), i} <= limit)
      places.push_back({its.held, static_cast<std::int32_t>(its.at++)});
    if (its.at < its.numbers->length()) {
      heads.emplace(its.numbers->Value(its.at), i);
      continue;
    }
    SLUICE_ASSIGN(const bool more, load(its));
    if (more) hold(i);
  }
  std::vector<const batch*> from;
  std::vector<std::shared_ptr<arrow::Array>> number_columns;
  for (const auto& [rows, its] : held) {
    from.push_back(&rows);
    number_columns.push_back(its);
  }
  SLUICE_ASSIGN(made, gather_rows(from, places));
  SLUICE_ASSIGN(auto gathered, gather_column(number_columns, places, 0));
  numbers = std::static_pointer_cast<arrow::UInt64Array>(std::move(gathered));
  return true;
}

// Finds the place of a row of the left; gives the first number of the next one.
std::uint64_t ordered_runs::end_of_place(std::uint64_t number) {
  while (next_place_ + 1 < places_.size() && places_[next_place_ + 1].number <= number) ++next_place_;
  return next_place_ + 1 < places_.size() ? places_[next_place_ + 1].number : ~std::uint64_t{0};
}

// Makes one run of the first ones, where there are too many for one merge. It takes their place, so that the order of
// the runs stays.
status ordered_runs::merge_first() {
  ordered_runs merged(*file_);
  merged.begin_run();
  SLUICE_TRY(load_all(0, most_runs));
  while (true) {
    batch rows;
    std::shared_ptr<arrow::UInt64Array> numbers;
    SLUICE_ASSIGN(const bool any, gather_next(0, most_runs, false, rows, numbers));
    if (!any) break;
    SLUICE_TRY(merged.add(rows, numbers));
  }
  SLUICE_TRY(merged.end_run());
  runs_.erase(runs_.begin() + 1, runs_.begin() + most_runs);
  runs_.front() = std::move(merged.runs_.front());
  return {};
}

result<bool> ordered_runs::merge(emitter& out) {
  if (runs_.size() > most_runs) {
    SLUICE_TRY(merge_first());
    return true;
  }
  if (!loaded_) {
    SLUICE_TRY(load_all(0, runs_.size()));
    loaded_ = true;
  }
  batch made;
  std::shared_ptr<arrow::UInt64Array> numbers;
  SLUICE_ASSIGN(const bool any, gather_next(0, runs_.size(), true, made, numbers));
  if (!any) return false;
  made.order = places_[next_place_].place;
  out.emit(0, std::move(made));
  return true;
}

batch ordered_runs::places() const {
  std::vector<std::uint64_t> numbers;
  held::place_columns places;
  for (const auto& one : places_) {
    numbers.push_back(one.number);
    places.add(one.place, 0);
  }
  const auto count = std::ssize(numbers);
  arrow::ArrayVector columns{
      std::make_shared<arrow::UInt64Array>(count, arrow::Buffer::FromVector(std::move(numbers)))};
  (void)places.append_to(columns);
  batch made;
  made.data = held::unnamed(count, std::move(columns));
  return made;
}

status ordered_runs::take_places(const arrow::RecordBatch& rows) {
  if (rows.num_columns() != 5 || rows.column(0)->type_id() != arrow::Type::UINT64) return held::foreign("places");
  const auto& numbers = static_cast<const arrow::UInt64Array&>(*rows.column(0));
  const held::places_read places(rows, 1);
  for (std::int64_t row = 0; row < rows.num_rows(); ++row) note_place(numbers.Value(row), places.key(row));
  return {};
}

status ordered_runs::each(const std::function<status(const batch&)>& take) const {
  for (const auto& one : runs_)
    for (const auto& block : one.blocks) {
      SLUICE_ASSIGN(const auto rows, file_->read(block));
      SLUICE_TRY(take(rows));
    }
  for (const auto& rows : pending_) {
    const auto taken = take(rows);
    if (!taken.ok()) return taken;
  }
  return {};
}

// Each part is a run of its own: rows of equal number keep the order of their runs.
status ordered_runs::take_rows(const batch& rows) {
  const auto last = rows.data->num_columns() - 1;
  if (last < 0 || rows.data->column(last)->type_id() != arrow::Type::UINT64) return held::foreign("run");
  SLUICE_ASSIGN_ARROW(auto columns, rows.data->RemoveColumn(last), "take rows back");
  begin_run();
  SLUICE_TRY(add(rows.with(std::move(columns)), rows.data->column(last)));
  return end_run();
}

std::uint64_t ordered_runs::rows() const {
  auto rows = pending_rows_;
  for (const auto& one : runs_)
    for (const auto& block : one.blocks) rows += block.rows;
  return static_cast<std::uint64_t>(rows);
}

}  // namespace sluice::joins
