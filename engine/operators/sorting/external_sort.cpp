#include "engine/operators/sorting/external_sort.hpp"

#include "engine/operators/sorting/numbered_rows.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <limits>

namespace sluice {

namespace {

// Bytes written in one call of `work`.
constexpr std::int64_t bytes_at_once = 8 * 1024 * 1024;
constexpr std::int64_t key_bytes = 24;  // about what a row's key takes beside the row
static_assert(key_bytes >= numbered_row_bytes);
constexpr std::int64_t fewest_waiting = 8 * 1024;  // rows of a batch that waits to be sorted

}  // namespace

// Reads a run back, block by block; what it has read is given back to the disk.
class external_sort::disk_source final : public run_source {
 public:
  disk_source(external_sort& of, run_on_disk blocks) : of_(of), blocks_(std::move(blocks)) {}

  result<std::optional<sorted_run>> next() override {
    if (blocks_.empty()) return std::optional<sorted_run>();
    SLUICE_ASSIGN(auto rows, of_.file_.read(blocks_.front()));
    of_.file_.drop(blocks_.front());
    blocks_.pop_front();
    SLUICE_TRY(of_.encode(rows));
    SLUICE_ASSIGN(auto chunk, sorted_run::make(rows, of_.encoded_));
    return std::optional(std::move(chunk));
  }

 private:
  external_sort& of_;
  run_on_disk blocks_;
};

// Rows that are in order already, as a run beside others.
class external_sort::stream_source final : public run_source {
 public:
  stream_source(external_sort& of, std::unique_ptr<row_stream> from) : of_(of), from_(std::move(from)) {}

  result<std::optional<sorted_run>> next() override {
    while (true) {
      SLUICE_ASSIGN(const bool more, from_->work());
      if (!more) break;
    }
    SLUICE_ASSIGN(const auto rows, from_->next(target_batch_rows, of_.block_bytes_));
    if (!rows.data) return std::optional<sorted_run>();
    SLUICE_TRY(of_.encode(rows));
    SLUICE_ASSIGN(auto chunk, sorted_run::make(rows, of_.encoded_));
    return std::optional(std::move(chunk));
  }

 private:
  external_sort& of_;
  std::unique_ptr<row_stream> from_;
};

external_sort::external_sort(const run_context& of, const std::string& unit, std::vector<key> keys)
    : manager_(of.memory),
      memory_(of.memory, unit),
      file_(of, unit),
      keys_(std::move(keys)),
      block_bytes_(std::clamp<std::int64_t>(manager_->limit() / 128, 4096, target_batch_bytes)) {
  for (const auto& one : keys_)
    encodings_.push_back({.value = nullptr, .text = {}, .descending = one.descending, .nulls_first = one.nulls_first});
}

status external_sort::encode(const batch& rows) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& one : keys_) columns.push_back(rows.data->column(one.column));
  return encoded_.encode(encodings_, std::move(columns), rows.rows());
}

// Where only the first rows are wanted, runs say early which rows are not among them.
bool external_sort::waits_unsorted(const batch& rows) const {
  return !wanted_ && std::all_of(keys_.begin(), keys_.end(), [&](const auto& one) {
    return key_numbers::can_hold(*rows.data->schema()->field(one.column)->type());
  });
}

// Small batches are put together to runs of a fair size, so that merging
// compares few.
status external_sort::add(batch rows) {
  if (rows.rows() == 0) return {};
  const auto enough = waits_unsorted(rows) ? fewest_waiting : target_batch_rows;
  pending_rows_ += rows.rows();
  pending_bytes_ += rows.bytes();
  pending_.push_back(std::move(rows));
  // A run takes its keys besides.
  const bool granted = memory_.try_resize(run_bytes_ + pending_bytes_ + pending_rows_ * key_bytes);
  if (granted && pending_rows_ < enough) return {};
  if (!granted) memory_.take(run_bytes_ + pending_bytes_ + pending_rows_ * key_bytes);
  if (!granted && run_bytes_ + pending_bytes_ < manager_->least() && pending_rows_ < target_batch_rows) return {};
  SLUICE_TRY(close_run());
  if (!granted && run_bytes_ >= manager_->least()) return spill();
  return {};
}

status external_sort::each_on_disk(const std::function<status(const batch&)>& take) const {
  for (const auto& run : on_disk_)
    for (const auto& block : run) {
      SLUICE_ASSIGN(const auto rows, file_.read(block));
      SLUICE_TRY(take(rows));
    }
  return {};
}

status external_sort::each_held(const std::function<status(const batch&)>& take) const {
  for (const auto& one : waiting_) {
    SLUICE_ASSIGN(const auto rows, one.unpack());
    SLUICE_TRY(take(rows));
  }
  for (const auto& run : runs_) {
    std::vector<std::int32_t> order;
    for (std::int64_t place = 0; place < run.rows().rows(); ++place) order.push_back(run.row_at(place));
    SLUICE_TRY(take(take_rows(run.rows(), arrow::Int32Array(std::ssize(order), arrow::Buffer::Wrap(order)))));
  }
  for (const auto& rows : pending_) SLUICE_TRY(take(rows));
  return {};
}

status external_sort::close_run() {
  if (pending_rows_ == 0) return {};
  SLUICE_ASSIGN(auto whole, put_together());
  pending_.clear();
  pending_rows_ = pending_bytes_ = 0;
  if (waits_unsorted(whole)) {
    for (std::int64_t from = 0; from < whole.rows(); from += most_numbered_rows) {
      const auto rows = std::min(most_numbered_rows, whole.rows() - from);
      waiting_.emplace_back(whole.slice(from, rows));
      run_bytes_ += waiting_.back().bytes() + rows * key_bytes;
      run_rows_ += rows;
    }
    memory_.take(run_bytes_);
    return {};
  }
  SLUICE_TRY(encode(whole));
  if (cutoff_) SLUICE_TRY(drop_late_rows(whole));
  if (whole.rows() > 0) {
    SLUICE_ASSIGN(auto run, sorted_run::make(whole, encoded_));
    run_bytes_ += run.bytes();
    run_rows_ += whole.rows();
    runs_.push_back(std::move(run));
  }
  memory_.take(run_bytes_);
  if (wanted_ && run_rows_ >= std::max(2 * *wanted_, *wanted_ + target_batch_rows)) return keep_first_rows();
  return {};
}

result<batch> external_sort::put_together() {
  if (pending_.size() == 1) return std::move(pending_.front());
  batch whole;
  std::vector<std::shared_ptr<arrow::RecordBatch>> data;
  arrow::ArrayVector positions;
  for (const auto& one : pending_) {
    data.push_back(one.data);
    if (one.positions) positions.push_back(one.positions);
  }
  SLUICE_ASSIGN_ARROW(whole.data, arrow::ConcatenateRecordBatches(data), "collect rows to sort");
  if (positions.size() == data.size()) {
    SLUICE_ASSIGN_ARROW(const auto joined, arrow::Concatenate(positions), "collect rows to sort");
    whole.positions = as_positions(joined);
  }
  return whole;
}

status external_sort::drop_late_rows(batch& rows) {
  std::vector<std::int32_t> kept;
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    const auto prefix = sorted_run::prefix_of_key(encoded_[row]);
    if (prefix.high < cutoff_->high || (prefix.high == cutoff_->high && prefix.low <= cutoff_->low))
      kept.push_back(static_cast<std::int32_t>(row));
  }
  if (static_cast<std::int64_t>(kept.size()) == rows.rows()) return {};
  rows = take_rows(rows, arrow::Int32Array(static_cast<std::int64_t>(kept.size()), arrow::Buffer::Wrap(kept)));
  return encode(rows);
}

// All rows in memory become one run of no more than are wanted.
status external_sort::keep_first_rows() {
  std::vector<std::unique_ptr<run_source>> sources;
  for (auto& run : runs_) sources.push_back(std::make_unique<run_in_memory>(std::move(run)));
  runs_.clear();
  run_rows_ = run_bytes_ = 0;
  if (*wanted_ > 0) {
    run_merger merger(std::move(sources));
    SLUICE_ASSIGN(const auto first, merger.next(*wanted_, std::numeric_limits<std::int64_t>::max() / *wanted_));
    SLUICE_TRY(encode(first));
    SLUICE_ASSIGN(auto run, sorted_run::make(first, encoded_));
    run_bytes_ = run.bytes();
    run_rows_ = first.rows();
    if (run_rows_ == *wanted_) cutoff_ = run.prefix_of(run_rows_ - 1);
    runs_.push_back(std::move(run));
  }
  memory_.take(run_bytes_);
  return {};
}

result<std::unique_ptr<row_stream>> external_sort::order_waiting() {
  if (waiting_.empty()) return std::unique_ptr<row_stream>();
  SLUICE_ASSIGN(auto ordered, order_by_numbers(waiting_, keys_));
  if (ordered) return ordered;
  for (auto& packed : std::exchange(waiting_, {})) {
    SLUICE_ASSIGN(const auto rows, packed.unpack());
    run_bytes_ -= packed.bytes() + packed.rows() * key_bytes;
    SLUICE_TRY(encode(rows));
    SLUICE_ASSIGN(auto run, sorted_run::make(rows, encoded_));
    run_bytes_ += run.bytes();
    runs_.push_back(std::move(run));
  }
  memory_.take(run_bytes_);
  return ordered;
}

status external_sort::spill() {
  SLUICE_ASSIGN(auto rows, order_waiting());
  if (!rows) {
    if (runs_.empty()) return {};
    std::vector<std::unique_ptr<run_source>> sources;
    for (auto& run : runs_) sources.push_back(std::make_unique<run_in_memory>(std::move(run)));
    runs_.clear();
    rows = std::make_unique<run_merger>(std::move(sources));
  }
  writing_.emplace(merge_to_disk{std::move(rows), {}, on_disk_.size()});
  return {};
}

void external_sort::merge_on_disk(std::size_t count) {
  std::vector<std::unique_ptr<run_source>> sources;
  for (std::size_t i = 0; i < count; ++i) {
    sources.push_back(std::make_unique<disk_source>(*this, std::move(on_disk_.front())));
    on_disk_.pop_front();
  }
  writing_.emplace(merge_to_disk{std::make_unique<run_merger>(std::move(sources)), {}, 0});
}

status external_sort::write_some() {
  SLUICE_ASSIGN(const bool more, writing_->from->work());
  if (more) return {};
  for (std::int64_t written = 0; written < bytes_at_once;) {
    SLUICE_ASSIGN(const auto rows, writing_->from->next(target_batch_rows, block_bytes_));
    if (!rows.data) {
      on_disk_.insert(on_disk_.begin() + static_cast<std::ptrdiff_t>(writing_->place), std::move(writing_->to));
      writing_.reset();
      run_rows_ = run_bytes_ = 0;
      memory_.take(pending_bytes_);
      memory::return_freed_memory();
      return {};
    }
    SLUICE_ASSIGN(auto block, file_.write(rows));
    written += block.memory_bytes;
    writing_->to.push_back(std::move(block));
  }
  return {};
}

status external_sort::finish() {
  finished_ = true;
  if (writing_) return {};  // `work` goes on first
  return close_run();
}

// What reading a run takes: a block compressed and plain, and its keys.
std::int64_t external_sort::cost_of(const run_on_disk& run) const {
  std::int64_t highest = 0;
  for (const auto& block : run)
    highest = std::max(highest, 2 * block.memory_bytes + block.bytes + block.rows * key_bytes);
  return highest;
}

status external_sort::prepare_output() {
  SLUICE_TRY(close_run());
  std::int64_t cost = run_bytes_;
  for (const auto& run : on_disk_) cost += cost_of(run);
  if (!on_disk_.empty() && !memory_.try_resize(cost)) {
    if (!runs_.empty() || !waiting_.empty()) return spill();
    // As many runs as there is memory for become one, until all the others fit.
    std::size_t count = 0;
    std::int64_t so_far = 0;
    for (; count < on_disk_.size(); ++count) {
      so_far += cost_of(on_disk_[count]);
      if (count < 2) {
        memory_.take(so_far);
      } else if (!memory_.try_resize(so_far)) {
        break;
      }
    }
    if (count < on_disk_.size()) {
      merge_on_disk(count);
      return {};
    }
  }
  SLUICE_ASSIGN(auto waiting, order_waiting());
  if (waiting && on_disk_.empty()) {
    output_ = std::move(waiting);
    return {};
  }
  std::vector<std::unique_ptr<run_source>> sources;
  for (auto& run : on_disk_) sources.push_back(std::make_unique<disk_source>(*this, std::move(run)));
  for (auto& run : runs_) sources.push_back(std::make_unique<run_in_memory>(std::move(run)));
  if (waiting) sources.push_back(std::make_unique<stream_source>(*this, std::move(waiting)));
  on_disk_.clear();
  runs_.clear();
  output_ = std::make_unique<run_merger>(std::move(sources));
  return {};
}

result<bool> external_sort::work() {
  if (writing_) {
    SLUICE_TRY(write_some());
    return writing_.has_value() || finished_;
  }
  if (!finished_) return false;
  if (output_) return output_->work();
  SLUICE_TRY(prepare_output());
  return true;
}

result<batch> external_sort::next() {
  const auto left = wanted_ ? *wanted_ - given_ : target_batch_rows;
  if (left <= 0) return batch{};
  SLUICE_ASSIGN(auto rows, output_->next(std::min(left, target_batch_rows), target_batch_bytes));
  if (rows.data) {
    given_ += rows.rows();
  } else {
    output_ = std::make_unique<run_merger>(std::vector<std::unique_ptr<run_source>>());
    memory_.take(0);
  }
  return rows;
}

}  // namespace sluice
