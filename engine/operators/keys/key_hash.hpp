#pragma once

#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::flow {

/// Keyed state lives in this many groups, fixed when a run is created; an instance owns a range of them.
inline constexpr std::uint32_t key_groups = 1024;

/// The group of a key's hash.
constexpr std::uint32_t group_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash % key_groups); }
/// The instance out of `instances` (1 to 1,024) that owns a group: contiguous ranges whose sizes differ by at most one.
constexpr std::uint32_t instance_of(std::uint32_t group, std::uint32_t instances) {
  return group * instances / key_groups;
}

/// Says why a type cannot be a key (lists, structs), or nothing where it can.
status check_key_type(const arrow::DataType& type, const std::string& column);

/// Hashes rows of keys: XXH3-64 (seed 0) over the canonical encoding of the columns, one after the other.
///
/// Each value is a tag byte and its payload, little-endian throughout; columns of different widths that hold equal
/// values encode alike, so that keys need a cast only between families (integer to decimal, date to timestamp):
///   00 null, no payload
///   01 boolean: 1 byte, 0 or 1
///   02 integer that fits a bigint: 8 bytes, two's complement; 03 greater ones: 8 bytes, unsigned
///   04 real and double: 8 bytes IEEE 754 as a double, -0 as 0, every NaN as 7ff8000000000000
///   05 decimal without trailing zeros: its scale in 1 byte (signed), then 16 bytes two's complement; 06: 32 bytes,
///   where
///      16 do not suffice. Zero has scale 0.
///   07 text, 08 bytea and fixed-size binary (uuid): length in 4 bytes, then the bytes
///   09 date: 8 bytes, days since 1970; 0a time: 8 bytes, nanoseconds since midnight
///   0b timestamp, 0c timestamptz: 8 bytes, microseconds since 1970 (nanoseconds are cut by floor)
///   0d interval: months and days in 4 bytes each, nanoseconds in 8, of the canonical interval of its length
///   0e duration: 8 bytes, nanoseconds
result<std::vector<std::uint64_t>> hash_keys(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                                             std::int64_t rows);

/// Splits a batch into one part for each of `instances`, by the hash of `keys` cast to `key_types` (empty: not cast).
/// Rows keep their order within a part; every part has the batch's order key and epoch, and parts may have no rows.
result<std::vector<batch>> partition_by_keys(const batch& in, const std::vector<std::string>& keys,
                                             const std::vector<std::shared_ptr<arrow::DataType>>& key_types,
                                             std::uint32_t instances);

}  // namespace sluice::flow
