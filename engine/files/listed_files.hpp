#pragma once

#include "engine/component/component.hpp"
#include "engine/files/files.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// The options of a component of files: `csv: a.csv` is short for `csv: { path: a.csv }`.
options file_options(const source_request& request);

/// What a request asks to be read: path, compression, the files that a plan has chosen. `encoding` is the one of text
/// where the options name none; empty: the files are no text.
file_search requested_files(const source_request& request, std::vector<std::string> extensions,
                            const std::string& encoding = {});

/// Finds the files of a source; faults stand at the option of `component` that they concern, "/csv/path".
std::optional<std::vector<input_file>> list_files(const file_search& search, const std::string& component,
                                                  diagnostics& faults);

/// True where all of them can be read a second time: no standard input, no pipe.
bool can_be_read_again(const std::vector<input_file>& files);
/// Refuses a position in what can't be read a second time.
status check_position(const input_file& file, const std::string& position);

/// Finds the file of a split among those that a source has listed, which must outlive what is given.
result<const input_file*> listed_file(const std::vector<input_file>& files, const split& piece);

}  // namespace sluice
