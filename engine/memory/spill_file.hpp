#pragma once

#include "engine/component/run_context.hpp"
#include "engine/error/error.hpp"
#include "engine/memory/manager.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::memory {

/// Gives what operators have freed back to the system: called when much was, since the allocator would keep it.
void return_freed_memory();

/// Names a batch in a spill file, and holds what is needed to read it back and to know that it is what was written.
struct spilled_block {
  std::int64_t offset = 0;
  std::int64_t bytes = 0;  ///< on disk
  std::int64_t rows = 0;
  std::int64_t memory_bytes = 0;  ///< of the batch when it was written: about what it takes to read it back
  std::uint64_t checksum = 0;     ///< XXH3-64 of the bytes on disk
  std::shared_ptr<arrow::Schema> schema;
  bool has_positions = false;
  bool has_dictionaries = false;
  order_key order;
  std::uint64_t epoch = 0;
};

/// A file that an operator keeps batches in for which there is no memory. Batches are written one behind the other and
/// are read in any order, any number of times: an operator keeps the list of its blocks (one list for each partition or
/// run, all in one file). Not thread-safe; calls block.
///
/// The file lies in the run's spill folder and has no name, and the folder is removed again at once, before the first
/// byte is written: nothing is left behind however the run or the process ends. Blocks are Arrow IPC
/// messages, compressed with lz4, with all columns, the positions and the place of the batch.
class spill_file {
 public:
  /// Opens nothing yet: that is done by the first write.
  spill_file(const run_context& of, std::string unit);
  ~spill_file();
  spill_file(const spill_file&) = delete;
  spill_file& operator=(const spill_file&) = delete;

  /// Appends a batch. Errors: spill_failed (the folder can't be made, is full, or the disk fails; with its name).
  result<spilled_block> write(const batch& rows);
  /// Reads one back. Errors: spill_failed, spill_damaged (other bytes than were written). What it takes in memory is
  /// the caller's to reserve.
  [[nodiscard]] result<batch> read(const spilled_block& where) const;
  /// Gives the disk space of a block back that is needed no more.
  void drop(const spilled_block& where);

  /// Bytes written so far, dropped ones too.
  [[nodiscard]] std::int64_t bytes_written() const { return end_; }
  /// For tests that damage it; -1 before the first write.
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  status open();
  [[nodiscard]] error failed(int number, const std::string& doing, std::int64_t bytes) const;

  std::string folder_;
  std::string unit_;
  reservation buffers_;  ///< what a write needs beside the batch
  int descriptor_ = -1;
  std::int64_t end_ = 0;
};

}  // namespace sluice::memory
