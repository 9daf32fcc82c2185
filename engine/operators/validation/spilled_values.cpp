#include "engine/operators/validation/spilled_values.hpp"

#include "engine/operators/held_state.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>
#include <numeric>

namespace sluice::validation {

namespace {

constexpr std::size_t hashes_in_block = 64 * 1024;
constexpr std::int64_t encoded_rows = 4096;

batch block_of(const value_hash* begin, std::size_t count) {
  std::vector<std::uint64_t> high(count), low(count);
  for (std::size_t i = 0; i < count; ++i) {
    high[i] = begin[i].high;
    low[i] = begin[i].low;
  }
  const auto column = [&](std::vector<std::uint64_t> values) -> std::shared_ptr<arrow::Array> {
    return std::make_shared<arrow::UInt64Array>(static_cast<std::int64_t>(count),
                                                arrow::Buffer::FromVector(std::move(values)));
  };
  batch made;
  made.data = held::unnamed(static_cast<std::int64_t>(count), {column(std::move(high)), column(std::move(low))});
  return made;
}

bool is_block(const arrow::RecordBatch& rows) {
  return rows.num_columns() == 2 && rows.column(0)->type_id() == arrow::Type::UINT64 &&
         rows.column(1)->type_id() == arrow::Type::UINT64 && rows.column(0)->null_count() == 0 &&
         rows.column(1)->null_count() == 0;
}

const std::uint64_t* numbers_of(const arrow::RecordBatch& rows, int column) {
  return static_cast<const arrow::UInt64Array&>(*rows.column(column)).raw_values();
}

}  // namespace

status value_hasher::each(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                          const std::function<void(std::int64_t, value_hash)>& take) {
  for (std::int64_t begin = 0; begin < columns.front()->length(); begin += encoded_rows) {
    const auto rows = std::min(encoded_rows, columns.front()->length() - begin);
    SLUICE_TRY(encoder_.encode(columns, begin, rows));
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto bytes = encoder_.row(row);
      const auto hash = XXH3_128bits(bytes.data(), bytes.size());
      take(begin + row, {hash.high64, hash.low64});
    }
  }
  return {};
}

status spilled_values::add(std::unique_ptr<group_index>& from, memory::spill_file& file) {
  if (!from || from->size() == 0) return {};
  constexpr std::uint32_t at_once = 64 * 1024;
  std::vector<value_hash> hashes;
  hashes.reserve(from->size());
  std::vector<std::uint32_t> groups;
  for (std::uint32_t begin = 0; begin < from->size(); begin += at_once) {
    groups.resize(std::min(at_once, from->size() - begin));
    std::iota(groups.begin(), groups.end(), begin);
    SLUICE_ASSIGN(const auto keys, from->keys(groups));
    SLUICE_TRY(hasher_.each(keys, [&](std::int64_t, value_hash hash) { hashes.push_back(hash); }));
  }
  from.reset();
  return add(std::move(hashes), file);
}

result<std::deque<std::vector<std::int32_t>>> spilled_values::rows_of(std::vector<wanted_value> wanted,
                                                                      std::size_t batches, bool here,
                                                                      const memory::spill_file& file) const {
  std::sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) { return a.hash < b.hash; });
  SLUICE_TRY(find(wanted, file));
  std::deque<std::vector<std::int32_t>> found(batches);
  for (const auto& one : wanted)
    if (one.found == here) found[one.batch].push_back(one.row);
  for (auto& rows : found) std::sort(rows.begin(), rows.end());
  return found;
}

status spilled_values::add(std::vector<value_hash> hashes, memory::spill_file& file) {
  // Sorted as a whole, so that each block is a range of its own.
  std::sort(hashes.begin(), hashes.end());
  for (std::size_t at = 0; at < hashes.size(); at += hashes_in_block) {
    SLUICE_ASSIGN(auto block, file.write(block_of(hashes.data() + at, std::min(hashes_in_block, hashes.size() - at))));
    blocks_.push_back(std::move(block));
  }
  return {};
}

status spilled_values::find(std::vector<wanted_value>& wanted, const memory::spill_file& file) const {
  if (wanted.empty()) return {};
  for (const auto& block : blocks_) {
    SLUICE_ASSIGN(const auto rows, file.read(block));
    const auto* const high = numbers_of(*rows.data, 0);
    const auto* const low = numbers_of(*rows.data, 1);
    auto one = std::lower_bound(wanted.begin(), wanted.end(), value_hash{high[0], low[0]},
                                [](const wanted_value& value, const value_hash& least) { return value.hash < least; });
    for (std::int64_t row = 0; row < rows.rows() && one != wanted.end();) {
      const value_hash here{high[row], low[row]};
      if (here < one->hash) {
        ++row;
      } else {
        one->found = one->found || here == one->hash;
        ++one;
      }
    }
  }
  return {};
}

status spilled_values::each(const memory::spill_file& file, const std::function<status(const batch&)>& take) const {
  for (const auto& block : blocks_) {
    SLUICE_ASSIGN(const auto rows, file.read(block));
    SLUICE_TRY(take(rows));
  }
  return {};
}

status spilled_values::take_back(const arrow::RecordBatch& block, memory::spill_file& file) {
  if (!is_block(block) || block.num_rows() == 0) return held::foreign("spilled");
  std::vector<value_hash> hashes;
  hashes.reserve(static_cast<std::size_t>(block.num_rows()));
  for (std::int64_t row = 0; row < block.num_rows(); ++row)
    hashes.push_back({numbers_of(block, 0)[row], numbers_of(block, 1)[row]});
  return add(std::move(hashes), file);
}

result<std::shared_ptr<arrow::RecordBatch>> values_of(const group_index* index) {
  if (index == nullptr) return std::shared_ptr<arrow::RecordBatch>();
  std::vector<std::uint32_t> all(index->size());
  std::iota(all.begin(), all.end(), 0U);
  SLUICE_ASSIGN(auto columns, index->keys(all));
  return held::unnamed(std::ssize(all), std::move(columns));
}

}  // namespace sluice::validation
