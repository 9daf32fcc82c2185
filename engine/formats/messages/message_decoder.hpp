#pragma once

#include "engine/columns/typed/rows.hpp"
#include "engine/formats/messages/message_table.hpp"
#include "engine/formats/ndjson/record_parser.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::messages {

/// Reads values of messages into typed columns. Some hundred values are joined into one block of text first, so that
/// JSON takes the same way as lines of a file, and UTF-8 is checked for all at once.
class message_decoder {
 public:
  static result<std::unique_ptr<message_decoder>> make(std::shared_ptr<const message_table> what);

  /// Forgets the block.
  void start_block();
  /// Adds a value to it.
  void join(std::string_view value);
  /// Says that the block is complete.
  void end_block();

  /// The columns, for metadata: they are appended to the open row before its value is read.
  [[nodiscard]] typed::rows& rows() { return rows_; }
  /// Reads a value of the block, by its number, and ends the row; null: it has become one. Else the row was taken back.
  const typed::record_fault* read(std::size_t number);
  /// Ends a row whose message has no value.
  void keep_without_value() { rows_.keep(); }
  /// Drops the open row.
  void take_back() { rows_.take_back(); }
  /// Gives the complete rows and starts again.
  result<std::shared_ptr<arrow::RecordBatch>> finish();

 private:
  message_decoder(std::shared_ptr<const message_table> what, std::vector<typed::column> columns);
  const typed::record_fault* read_json(std::size_t number);
  const typed::record_fault* read_csv(std::string_view record);
  const typed::record_fault* fail(std::string code, std::string message);
  void make_room(std::size_t bytes);
  [[nodiscard]] std::string_view value(std::size_t number) const;

  std::shared_ptr<const message_table> what_;
  typed::rows rows_;
  ndjson::key_table keys_;
  ndjson::record_parser parser_;
  std::vector<int> column_of_field_;  ///< of CSV: in the columns that are read into; -1: nobody reads it
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::vector<std::size_t> begins_;  ///< of the values in the block
  bool valid_utf8_ = true;
  typed::record_fault fault_;
  std::string field_;
};

}  // namespace sluice::messages
