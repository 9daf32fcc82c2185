#pragma once

#include "engine/error.hpp"
#include "engine/formats/csv/columns.hpp"
#include "engine/formats/csv/dialect.hpp"
#include "engine/formats/files.hpp"

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
  null_rules nulls;
};

/// What the begin of one file says.
struct file_layout {
  std::vector<std::string> names;  ///< of all its fields; empty ones and doubles are made unique
  std::int64_t data_begin = 0;     ///< byte of the first record behind the header, in the unpacked content
  bool quotes_in_header = false;
};

/// Reads byte order mark, preamble and header. Errors: empty_file, record_too_large.
result<file_layout> read_layout(const input_file& file, const file_rules& rules);

/// Gives names that are empty or taken another one: column_3, name_2.
std::vector<std::string> unique_names(std::vector<std::string> names);

}  // namespace sluice::csv
