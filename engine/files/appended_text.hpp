#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"
#include "engine/formats/csv/writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// How the text of a target is written that is to be continued.
struct text_form {
  std::string line_end = {};      ///< of its last complete line; empty: it has none
  bool ends_within_line = false;  ///< what follows must begin with a line end
  bool has_header = false;        ///< CSV: names of columns, or records
};

/// Reads all of a CSV file that rows of `columns` are to follow, written by `rules`. Errors, each of which names the
/// file: invalid_utf8 (any other encoding), different_columns (other names or order, or records of another number of
/// fields, as another separator or quote gives), corrupt_file, and those of a quote that never closes.
result<text_form> form_of_csv(const input_file& old, const csv::writer_rules& rules,
                              const std::vector<std::string>& columns);

/// The same of NDJSON. Errors: invalid_utf8, different_format (an array, or objects over several lines), corrupt_file.
result<text_form> form_of_ndjson(const input_file& old);

/// Bytes as a packed stream of their own, which may stand before or behind others; nothing where there are none.
result<std::string> packed_whole(std::string_view bytes, compression kind);
/// The error of rows that are written already, behind an old content that has got other line ends since.
error other_line_ends(const std::string& target);

/// Validates UTF-8 that comes in pieces.
class utf8_check {
 public:
  /// False once something was none.
  bool add(std::string_view piece);
  /// False where the last character is not complete.
  [[nodiscard]] bool complete() const { return good_ && rest_.empty(); }
  /// How many bytes were good before.
  [[nodiscard]] std::int64_t checked() const { return checked_; }

 private:
  std::string rest_;  ///< the begin of a character
  std::int64_t checked_ = 0;
  bool good_ = true;
};

}  // namespace sluice
