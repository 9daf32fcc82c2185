#include "engine/operators/partitioned_spill.hpp"

#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr int bits = 4;  // of the hash for each spreading, from the top: tables
                         // use those at the bottom
constexpr std::int64_t most_buffered = 8 * 1024 * 1024;

std::size_t partition_of(std::uint64_t hash, int depth) {
  return static_cast<std::size_t>(hash >> std::max(0, 64 - bits * (depth + 1))) & ((1U << bits) - 1);
}

result<batch> put_together(std::vector<batch> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  batch whole = parts.front();
  std::vector<std::shared_ptr<arrow::RecordBatch>> data;
  arrow::ArrayVector positions;
  for (const auto& part : parts) {
    data.push_back(part.data);
    if (part.positions) positions.push_back(part.positions);
  }
  SLUICE_ASSIGN_ARROW(whole.data, arrow::ConcatenateRecordBatches(data), "collect rows to spill");
  if (positions.size() == data.size()) {
    SLUICE_ASSIGN_ARROW(const auto joined, arrow::Concatenate(positions), "collect rows to spill");
    whole.positions = as_positions(joined);
  }
  return whole;
}

}  // namespace

partitioned_spill::partitioned_spill(const run_context& of, const std::string& unit)
    : file_(of, unit), memory_(of.memory, unit), most_buffered_(std::min(most_buffered, of.memory->least())) {}

status partitioned_spill::add(const batch& rows, std::span<const std::uint64_t> hashes) {
  rows_ += hashes.size();
  std::array<std::vector<std::int32_t>, fan_out> chosen;
  for (std::size_t row = 0; row < hashes.size(); ++row)
    chosen[partition_of(hashes[row], depth_)].push_back(static_cast<std::int32_t>(row));
  std::vector<std::int32_t> order;
  order.reserve(hashes.size());
  for (const auto& part : chosen) order.insert(order.end(), part.begin(), part.end());
  const auto spread =
      take_rows(rows, arrow::Int32Array(static_cast<std::int64_t>(order.size()), arrow::Buffer::Wrap(order)));
  std::int64_t begin = 0;
  for (std::size_t number = 0; number < fan_out; ++number) {
    const auto count = static_cast<std::int64_t>(chosen[number].size());
    if (count > 0) buffered_[number].push_back(spread.slice(begin, count));
    begin += count;
  }
  buffered_bytes_ += spread.bytes();
  memory_.take(buffered_bytes_);
  return buffered_bytes_ < most_buffered_ ? status() : write_buffered();
}

status partitioned_spill::each(const std::function<status(const batch&)>& take) const {
  for (std::size_t number = 0; number < fan_out; ++number) {
    for (const auto& block : written_[number]) {
      SLUICE_ASSIGN(const auto rows, file_.read(block));
      SLUICE_TRY(take(rows));
    }
    for (const auto& rows : buffered_[number]) SLUICE_TRY(take(rows));
  }
  return {};
}

status partitioned_spill::write_buffered() {
  for (std::size_t number = 0; number < fan_out; ++number) {
    auto& parts = buffered_[number];
    if (parts.empty()) continue;
    SLUICE_ASSIGN(const auto rows, put_together(std::move(parts)));
    parts.clear();
    SLUICE_ASSIGN(auto block, file_.write(rows));
    written_[number].push_back(std::move(block));
  }
  buffered_bytes_ = 0;
  memory_.take(0);
  return {};
}

status partitioned_spill::close() {
  SLUICE_TRY(write_buffered());
  for (auto number = fan_out; number-- > 0;) {
    if (written_[number].empty()) continue;
    waiting_.push_back({std::move(written_[number]), depth_ + 1});
    written_[number].clear();
  }
  return {};
}

bool partitioned_spill::next_partition() {
  if (waiting_.empty()) return false;
  present_ = std::move(waiting_.back());
  waiting_.pop_back();
  depth_ = present_.depth;
  return true;
}

result<std::optional<batch>> partitioned_spill::next_block() {
  if (present_.rows.empty()) return std::optional<batch>();
  SLUICE_ASSIGN(auto rows, file_.read(present_.rows.front()));
  file_.drop(present_.rows.front());
  present_.rows.pop_front();
  return std::optional(std::move(rows));
}

}  // namespace sluice
