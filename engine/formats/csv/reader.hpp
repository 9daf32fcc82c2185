#pragma once

#include "engine/columns/row_filter.hpp"
#include "engine/component/component.hpp"
#include "engine/files/line_counter.hpp"
#include "engine/formats/csv/columns.hpp"
#include "engine/formats/csv/layout.hpp"
#include "engine/formats/csv/split_chain.hpp"

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace sluice::csv {

/// What a reader makes of the records of one file.
struct read_plan {
  std::string unit;
  std::uint32_t source = 0;  ///< position::source
  file_rules rules;
  std::size_t fields = 0;                   ///< of every record
  std::vector<typed::column_plan> columns;  ///< to convert
  std::vector<int> field_of;                ///< of each column: its place in the record
  std::vector<std::string> metadata;        ///< behind the columns: "path" or "row"
  std::shared_ptr<arrow::Schema> schema;
  on_error policy = on_error::reject;
  bool want_positions = true;
  std::string timezone = "UTC";
  std::shared_ptr<const row_filter> filter = nullptr;  ///< over the first columns; may be null
};

/// What a reader asks its source when something is wrong.
struct reader_questions {
  std::function<std::uint64_t(std::uint64_t offset)> line_of;
  std::function<std::int64_t()> sampled_rows;  ///< that inference looked at
  /// Nothing is read from here on: a file may grow, and what is behind may be half a record.
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

/// Reads a split of a plain file; `index` is its number among the splits of that file. A position that is not empty is
/// that of an earlier reader's step.
std::unique_ptr<split_reader> read_split(read_plan plan, split piece, std::shared_ptr<split_chain> chain,
                                         std::size_t index, reader_questions ask, const std::string& position);
/// Opens a stream once more from its begin.
using open_again = std::function<result<std::unique_ptr<byte_stream>>()>;
/// Reads a file from begin to end: packed ones and standard input. `again`: null where that can't be. `lines`, where
/// given, are those of what can't be read again: the lines of rejects are kept in it.
std::unique_ptr<split_reader> read_whole(read_plan plan, split piece, std::unique_ptr<byte_stream> from,
                                         open_again again, std::int64_t data_begin, reader_questions ask,
                                         std::shared_ptr<passing_lines> lines, const std::string& position);

}  // namespace sluice::csv
