#pragma once

#include "engine/memory/spill_file.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_encoding.hpp"
#include "engine/values/batch.hpp"

#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace sluice::validation {

/// Stands for a value on disk: XXH3-128 of its canonical encoding. That two of a billion values have the same one is
/// less likely than an error of the disk.
struct value_hash {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const value_hash&, const value_hash&) = default;
};

/// A value that is looked for, and where the answer goes.
struct wanted_value {
  value_hash hash;
  std::uint32_t batch = 0;
  std::int32_t row = 0;
  bool found = false;
};

/// Hashes the columns of a key.
class value_hasher {
 public:
  /// Calls `take` with the hash of each row, in order.
  status each(const std::vector<std::shared_ptr<arrow::Array>>& columns,
              const std::function<void(std::int64_t, value_hash)>& take);

 private:
  flow::block_encoder encoder_;
};

/// Values for which there is no memory, as hashes in sorted blocks of a spill file. Whoever looks for some reads all
/// blocks once, front to back: so many rows are looked up together.
class spilled_values {
 public:
  /// Moves the values of an index here and frees it; null or an empty one changes nothing.
  status add(std::unique_ptr<group_index>& from, memory::spill_file& file);
  /// Rows of each of `batches` batches whose value is here (or is not, where `here` is false), ascending.
  result<std::deque<std::vector<std::int32_t>>> rows_of(std::vector<wanted_value> wanted, std::size_t batches,
                                                        bool here, const memory::spill_file& file) const;

  /// Calls `take` with each block, for the unit's state; and takes one back.
  status each(const memory::spill_file& file, const std::function<status(const batch&)>& take) const;
  status take_back(const arrow::RecordBatch& block, memory::spill_file& file);
  [[nodiscard]] bool any() const { return !blocks_.empty(); }

 private:
  status add(std::vector<value_hash> hashes, memory::spill_file& file);
  /// Says of each value whether it is here; `wanted` is sorted by hash.
  status find(std::vector<wanted_value>& wanted, const memory::spill_file& file) const;

  std::vector<memory::spilled_block> blocks_;
  value_hasher hasher_;
};

/// All values of an index as columns, for the unit's state; null for no index.
result<std::shared_ptr<arrow::RecordBatch>> values_of(const group_index* index);

}  // namespace sluice::validation
