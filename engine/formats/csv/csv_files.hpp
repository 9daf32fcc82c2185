#pragma once

#include "engine/columns/source_columns.hpp"
#include "engine/component/component.hpp"
#include "engine/files/files.hpp"
#include "engine/formats/csv/reader.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// How many files are read when a source is made, for their columns and types.
inline constexpr std::size_t checked_csv_files = 100;
/// How many records of them the types are inferred from, where the pipeline does not say.
inline constexpr std::int64_t default_csv_sample = 20'480;

/// What a csv source reads, found out when it is made.
struct csv_table {
  std::string unit;
  file_search search;
  csv::file_rules rules;
  std::map<std::string, typed::column_plan> types;  ///< as given
  std::shared_ptr<arrow::Schema> records;           ///< all columns of a record, or those that `columns:` names
  source_columns columns;
  bool all_columns = true;   ///< `columns:` names none: files may have no others
  bool whole_files = false;  ///< not cut into splits: rows are numbered
  bool follow = false;       ///< its files grow: only what the plan has chosen of them is read
  std::uint32_t number = 0;
  std::int64_t split_bytes = 0;
  std::int64_t sample = default_csv_sample;
  bool want_positions = true;
  on_error policy = on_error::reject;
  std::string timezone = "UTC";
};

/// Says which of the wanted columns a file lacks and which others it has.
error different_csv_columns(const input_file& file, const std::vector<std::string>& found,
                            const std::vector<std::string>& wanted);

/// Makes the source that cuts the files into splits and reads them.
std::unique_ptr<source> make_csv_files(std::shared_ptr<const csv_table> what);

}  // namespace sluice
