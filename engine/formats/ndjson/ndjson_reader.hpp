#pragma once

#include "engine/columns/row_filter.hpp"
#include "engine/columns/source_columns.hpp"
#include "engine/component/component.hpp"
#include "engine/files/files.hpp"
#include "engine/files/line_counter.hpp"
#include "engine/formats/ndjson/record_shape.hpp"
#include "engine/formats/ndjson/row_path.hpp"
#include "engine/values/time_zone.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// What a source of JSON reads, found out when it is made.
struct ndjson_table : ndjson::record_shape {
  std::string unit;
  std::vector<input_file> files;
  std::uint32_t number = 0;
  std::int64_t split_bytes = 0;
  bool want_positions = true;
  std::optional<std::int64_t> sample;
  std::optional<ndjson::row_path> rows;  ///< of JSON documents; without it, each line is a record
  bool whole_files = false;              ///< not cut into splits: rows are numbered
  on_error policy = on_error::reject;
  zone_clock zone;
  std::shared_ptr<line_counter> lines = std::make_shared<line_counter>(line_break::newline);
  /// Of standard input.
  std::shared_ptr<passing_lines> once = std::make_shared<passing_lines>(line_break::newline);

  /// Number of the line, from 1, that a record begins in, by its byte in the unpacked file; 0 where it is not known.
  [[nodiscard]] std::uint64_t line_at(const input_file& file, std::int64_t offset) const;
};

/// Reads the records of a split; `file` must outlive the reader, as the table's files do. `filter` may be null. A
/// position that is not empty is that of an earlier reader's step.
result<std::unique_ptr<split_reader>> read_ndjson(std::shared_ptr<const ndjson_table> what, const split& piece,
                                                  const input_file& file, std::shared_ptr<const row_filter> filter,
                                                  const std::string& position);

}  // namespace sluice
