#pragma once

#include <arrow/type_fwd.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

/// Says where a row entered the run. It travels in a hidden column of 16 bytes a row: these fields, little-endian
/// (engine/values/positions.hpp).
///
/// `source` numbers the extract units of the plan, `split` the source's splits, `offset` is the byte offset inside the
/// split's object (relative to the split's begin), the record's number in its log (Kafka) or, for formats without
/// either, the row inside the split.
struct position {
  std::uint32_t source = 0;
  std::uint32_t split = 0;
  std::int64_t offset = 0;

  /// What a row without a known position carries (made by an aggregate, for example): all bits are set.
  static const position unknown;

  friend constexpr auto operator<=>(const position&, const position&) = default;
};
inline constexpr position position::unknown = {.source = ~std::uint32_t{0}, .split = ~std::uint32_t{0}, .offset = -1};

/// Places a batch in the order of its stream, so that a receiver can restore it after parallel reading.
///
/// Batches of a stream follow each other by (split, sequence, chunk). A row-wise unit passes the key on; one that makes
/// several batches of one numbers them as chunks. Empty batches travel too: they keep the numbering gapless.
struct order_key {
  std::uint32_t split = 0;
  std::uint64_t sequence = 0;  ///< counts the split's batches, however long it is read
  std::uint32_t chunk = 0;
  bool last_chunk = true;      ///< the next batch has sequence + 1
  bool last_in_split = false;  ///< after its last chunk the next batch has split + 1, sequence 0

  friend bool operator==(const order_key&, const order_key&) = default;
};

/// Is what flows: columns, where their rows came from, and their place in the stream. Immutable; copying copies
/// pointers.
struct batch {
  std::shared_ptr<arrow::RecordBatch> data;                ///< never null; may have no rows
  std::shared_ptr<arrow::FixedSizeBinaryArray> positions;  ///< `position` a row; null where no unit below can reject
  order_key order;
  std::uint64_t epoch = 0;  ///< the checkpoint that the batch belongs to

  [[nodiscard]] std::int64_t rows() const;
  /// Bytes of the column buffers that the rows use (slices count their share).
  [[nodiscard]] std::int64_t bytes() const;
  /// The rows [offset, offset + length) of data and positions, without copying.
  [[nodiscard]] batch slice(std::int64_t offset, std::int64_t length) const;
  /// The same rows, positions and place with other columns.
  [[nodiscard]] batch with(std::shared_ptr<arrow::RecordBatch> columns) const;
};

/// Target size of a batch: sources, aggregates and sorts cut their output near these.
inline constexpr std::int64_t target_batch_rows = 64 * 1024;
inline constexpr std::int64_t target_batch_bytes = 1024 * 1024;

/// Keeps the rows where `keep` is true (null counts as false), with their positions.
batch filter_rows(const batch& in, const arrow::BooleanArray& keep);
/// Takes the rows at `indices` (Int32 or Int64, no nulls), with their positions.
batch take_rows(const batch& in, const arrow::Array& indices);

}  // namespace sluice
