#pragma once

#include "engine/component/options.hpp"
#include "engine/files/files.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Finds out how a CSV file is written from its first bytes. Each dialect that files are usually written in is tried: a
/// good one gives records of the same width, and cells that are numbers, dates or plain words (after van den Burg,
/// Nazabal and Sutton, "Wrangling messy CSV files by detecting row and type patterns", 2019).
namespace sluice::csv {

/// So many bytes are looked at.
inline constexpr std::int64_t sniffed_bytes = 128 * 1024;

/// What a file seems to be.
struct sniffed_file {
  options own = options::object();    ///< options of the source that differ from its defaults: separator, quote, ...
  options types = options::object();  ///< types that inference would not find: decimal commas, dates like 31.12.2024
  std::size_t width = 0;              ///< fields of a record
  double score = 0;                   ///< 0: nothing is known
  double share = 0;                   ///< of the records below the titles that have this width
  std::string first_line;             ///< of the table: its header, mostly
};

/// Looks at the first raw bytes (unpacked, not decoded); `whole`: the file has no others. `fixed` holds options that
/// are known: they are not looked for.
sniffed_file sniff(std::string_view raw, bool whole, const options& fixed = options::object());

/// Looks at the begin of a file, whatever encoding it is opened with.
result<sniffed_file> sniff_file(const input_file& file, const options& fixed = options::object());

/// `separator: ";", skip_rows: 2`, as a pipeline has it.
std::string options_text(const options& own);

}  // namespace sluice::csv
