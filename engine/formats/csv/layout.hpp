#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"
#include "engine/formats/csv/columns.hpp"
#include "engine/formats/csv/dialect.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::csv {

/// What the options of a CSV source say about its files.
struct file_rules {
  dialect rules;
  bool header = true;
  std::vector<std::string> names;  ///< `header:` as a list: files have none
  std::int64_t skip_rows = 0;
  typed::null_rules nulls;
  bool all_text = false;  ///< columns without a given type are text
};

/// What the begin of one file says.
struct file_layout {
  /// Of all its fields; empty ones and doubles are made unique. None where the file has no record, not even a header.
  std::vector<std::string> names;
  std::int64_t data_begin = 0;  ///< byte of the first record behind the header, in the unpacked content
  bool quotes_in_header = false;
};

/// Reads byte order mark, preamble and header. Errors: empty_file (fewer lines than skip_rows), foreign_file,
/// invalid_header (no text), unclosed_quote, runaway_quote, record_too_large.
result<file_layout> read_layout(const input_file& file, const file_rules& rules);

/// The error of a file without the line or record that its columns would be known by.
error empty_file(const input_file& file, const file_rules& rules, const std::string& what);

/// Gives files of no records, which have no names, those of the others. The error is empty_file: all are such.
status name_empty_files(const std::vector<input_file>& files, std::vector<file_layout>& layouts,
                        const file_rules& rules);

/// Gives names that are empty or taken another one: column_3, name_2.
std::vector<std::string> unique_names(std::vector<std::string> names);

}  // namespace sluice::csv
