#pragma once

#include "engine/formats/csv/chunk_reader.hpp"
#include "engine/formats/csv/reader.hpp"

#include <memory>
#include <vector>

namespace sluice::csv {

/// Turns the records of a chunk into batches: counts fields, converts columns, sorts out what does not fit.
class batch_maker {
 public:
  batch_maker(read_plan plan, split piece, reader_questions ask);
  /// Makes the builders; the error is not_supported_yet.
  status prepare();
  /// Starts over: what comes next starts the split.
  void restart(std::int64_t records) { records_ = records; }
  /// Records of the split seen so far.
  [[nodiscard]] std::int64_t records() const { return records_; }

  /// Makes a batch of the chunk's records from number `record` on (it moves on), as far as they start before `end`.
  /// Errors: those of records under on_error: fail, contradicts_type, runaway_quote, out_of_memory.
  result<read_step> make(const chunk_reader& chunk, std::size_t& record, std::int64_t end);

  /// The error of a record that can't be read to its end.
  [[nodiscard]] error runaway(const record_extent& what) const;

 private:
  result<read_step> make_rows(const chunk_reader& chunk, std::size_t& record, std::int64_t end);
  [[nodiscard]] status check_swallowed(const rejected_record& record) const;
  void choose_rows(const chunk_reader& chunk, std::size_t& record, std::int64_t end, read_step& step);
  [[nodiscard]] bool ignored(const chunk_reader& chunk, std::size_t first, std::size_t last) const;
  bool reject_stray_quote(const chunk_reader& chunk, std::size_t first, std::size_t last, read_step& step) const;
  void reject_count(const chunk_reader& chunk, std::size_t first, std::size_t last, read_step& step);
  [[nodiscard]] record_block block_of(const chunk_reader& chunk, const std::vector<std::uint32_t>& rows,
                                      std::size_t begin, std::size_t end) const;
  status convert(const chunk_reader& chunk);
  result<bool> make_kept(const chunk_reader& chunk, read_step& step);
  result<bool> choose_kept(const chunk_reader& chunk);
  result<bool> convert_kept(const chunk_reader& chunk);
  [[nodiscard]] bool valid_utf8(const chunk_reader& chunk) const;
  result<std::shared_ptr<arrow::RecordBatch>> finish();
  result<std::shared_ptr<arrow::Array>> metadata_column(const std::string& kind) const;
  result<std::shared_ptr<arrow::FixedSizeBinaryArray>> positions(const chunk_reader& chunk) const;
  status settle_faults(const chunk_reader& chunk, read_step& step);
  [[nodiscard]] rejected_record rejected(const chunk_reader& chunk, std::size_t first, std::size_t last) const;
  [[nodiscard]] error contradiction(const typed::column_plan& column, const std::string& value,
                                    std::uint64_t offset) const;
  [[nodiscard]] error failure(const rejected_record& record) const;

  read_plan plan_;
  split piece_;
  reader_questions ask_;
  std::vector<std::unique_ptr<column_builder>> builders_;
  std::vector<std::uint32_t> first_;   ///< of each row: its first field in the index
  std::vector<std::int64_t> numbers_;  ///< of each row: its number in the file, where `row` is wanted
  // With a filter
  std::vector<bool> in_filter_;                         ///< of each builder: the condition reads its column
  std::vector<std::shared_ptr<arrow::Array>> decided_;  ///< columns of the condition, the rows that stay
  std::vector<std::uint32_t> kept_;                     ///< rows that stay
  std::vector<std::uint32_t> kept_first_;               ///< of each: its first field
  std::vector<std::uint32_t> dropped_first_;            ///< of the others
  bool number_rows_ = false;
  bool judge_all_ = false;    ///< a value did not fit: rows are judged before they are filtered, from here on
  std::int64_t records_ = 0;  ///< seen so far in this split
};

}  // namespace sluice::csv
