#include "engine/operators/window_functions/stage.hpp"

#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace sluice::window_functions {

namespace {

std::vector<external_sort::key> all_keys(const std::vector<int>& partition, std::vector<external_sort::key> order) {
  std::vector<external_sort::key> keys;
  for (const int column : partition) keys.push_back({.column = column});
  keys.insert(keys.end(), order.begin(), order.end());
  return keys;
}

}  // namespace

stage::stage(const run_context& of, const std::string& unit, std::vector<int> partition,
             std::vector<external_sort::key> order, std::vector<placed_call> calls)
    : context_(of),
      unit_(unit),
      partition_(std::move(partition)),
      order_(std::move(order)),
      calls_(std::move(calls)),
      memory_(of.memory, unit),
      sorter_(of, unit, all_keys(partition_, order_)),
      peers_(order_.size() + 1),
      used_(order_.size() + 1),
      partition_changes_(partition_.size()),
      order_changes_(order_.size()) {
  running_ = std::all_of(calls_.begin(), calls_.end(),
                         [&](const auto& one) { return one.compute->runs() && one.order_keys == order_.size(); });
  for (const auto& one : calls_) used_[one.order_keys] = true;
  if (running_) used_.back() = true;  // rows are cut between peers
}

status stage::each(const std::function<status(const batch&)>& take) const {
  SLUICE_TRY(sorter_.each_on_disk(take));
  return sorter_.each_held(take);
}

// Peers change where the partition or one of their keys does: the flags only become more.
status stage::find_begins(const batch& rows) {
  const auto note = [&](std::vector<std::int64_t>& begins) {
    for (std::int64_t row = 0; row < rows.rows(); ++row)
      if (flags_[static_cast<std::size_t>(row)] != 0) begins.push_back(pending_rows_ + row);
  };
  flags_.assign(static_cast<std::size_t>(rows.rows()), 0);
  if (!any_row_) flags_[0] = 1;
  any_row_ = true;
  for (std::size_t key = 0; key < partition_.size(); ++key)
    SLUICE_TRY(partition_changes_[key].mark(rows.data->column(partition_[key]), flags_));
  note(partitions_);
  for (std::size_t n = 0; n < peers_.size(); ++n) {
    if (n > 0) SLUICE_TRY(order_changes_[n - 1].mark(rows.data->column(order_[n - 1].column), flags_));
    if (used_[n]) note(peers_[n]);
  }
  return {};
}

status stage::take(batch rows) {
  if (rows.rows() == 0) return {};
  SLUICE_TRY(find_begins(rows));
  pending_rows_ += rows.rows();
  pending_bytes_ += rows.bytes();
  pending_.push_back(std::move(rows));
  // A partition must be held: what its functions read is behind and before each row.
  if (memory_.try_resize(pending_bytes_)) return {};
  if (pending_bytes_ > context_.memory->limit() / 2)
    return external_error("memory_exceeded",
                          "a partition of its window functions has more than " + std::to_string(pending_rows_) +
                              " rows, which do not fit into run.memory",
                          "raise run.memory, or partition by more columns; row_number, rank and running sums alone "
                          "need no memory for their partitions");
  memory_.take(pending_bytes_);
  return {};
}

result<std::optional<stage::output>> stage::next() {
  if (ended_) return std::optional<output>();
  SLUICE_ASSIGN(auto rows, sorter_.next());
  if (rows.data) {
    rows.order = {};
    SLUICE_TRY(take(std::move(rows)));
    const auto& ends = running_ ? peers_.back() : partitions_;
    const auto cut = ends.empty() ? 0 : ends.back();
    if (cut <= 0) return std::optional(output{});
    SLUICE_ASSIGN(auto made, close(cut));
    return std::optional(std::move(made));
  }
  ended_ = true;
  if (pending_rows_ == 0) return std::optional<output>();
  SLUICE_ASSIGN(auto made, close(pending_rows_));
  return std::optional(std::move(made));
}

result<batch> stage::rows_until(std::int64_t cut) {
  std::vector<batch> parts;
  std::vector<batch> rest;
  std::int64_t at = 0;
  for (auto& one : pending_) {
    const auto rows = one.rows();
    if (at + rows <= cut) {
      parts.push_back(std::move(one));
    } else if (at >= cut) {
      rest.push_back(std::move(one));
    } else {
      parts.push_back(one.slice(0, cut - at));
      rest.push_back(one.slice(cut - at, rows - (cut - at)));
    }
    at += rows;
  }
  pending_ = std::move(rest);
  pending_rows_ -= cut;
  pending_bytes_ = 0;
  for (const auto& one : pending_) pending_bytes_ += one.bytes();
  if (parts.size() == 1) return std::move(parts.front());
  batch whole;
  std::vector<std::shared_ptr<arrow::RecordBatch>> data;
  arrow::ArrayVector positions;
  for (const auto& one : parts) {
    data.push_back(one.data);
    if (one.positions) positions.push_back(one.positions);
  }
  SLUICE_ASSIGN_ARROW(whole.data, arrow::ConcatenateRecordBatches(data), "collect partitions");
  if (positions.size() == data.size()) {
    SLUICE_ASSIGN_ARROW(const auto joined, arrow::Concatenate(positions), "collect partitions");
    whole.positions = as_positions(joined);
  }
  return whole;
}

// Begins below the cut become those of the segment; the others are counted from it.
result<stage::output> stage::close(std::int64_t cut) {
  const auto split = [cut](std::vector<std::int64_t>& begins) {
    const auto middle = std::lower_bound(begins.begin(), begins.end(), cut);
    std::vector<std::int64_t> first(begins.begin(), middle);
    begins.erase(begins.begin(), middle);
    for (auto& each : begins) each -= cut;
    return first;
  };
  segment whole{.rows = cut, .continues = false, .partitions = split(partitions_), .peers = {}};
  whole.continues = whole.partitions.empty() || whole.partitions.front() != 0;
  if (whole.continues) whole.partitions.insert(whole.partitions.begin(), 0);
  whole.partitions.push_back(cut);
  std::vector<std::vector<std::int64_t>> peers;
  for (auto& each : peers_) {
    peers.push_back(split(each));
    if (peers.back().empty() || peers.back().front() != 0) peers.back().insert(peers.back().begin(), 0);
    peers.back().push_back(cut);
  }
  output made;
  SLUICE_ASSIGN(made.rows, rows_until(cut));
  auto columns = made.rows.data->columns();
  auto fields = made.rows.data->schema()->fields();
  const auto column = [&](int at) { return at < 0 ? nullptr : columns[static_cast<std::size_t>(at)]; };
  for (const auto& one : calls_) {
    inputs in{.arguments = {},
              .filter = column(one.filter),
              .range_key = column(one.range_key),
              .start_limit = column(one.start_limit),
              .end_limit = column(one.end_limit)};
    for (const int at : one.arguments) in.arguments.push_back(column(at));
    whole.peers = peers[one.order_keys];
    row_errors errors;
    SLUICE_ASSIGN(auto values, one.compute->compute(whole, in, errors));
    for (auto& each : errors) {
      each.column = one.column;
      made.errors.push_back(std::move(each));
    }
    fields.push_back(arrow::field("", values->type()));
    columns.push_back(std::move(values));
  }
  made.rows.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), cut, std::move(columns));
  memory_.take(pending_bytes_);
  return made;
}

}  // namespace sluice::window_functions
