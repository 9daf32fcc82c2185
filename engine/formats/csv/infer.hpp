#pragma once

#include "engine/formats/csv/layout.hpp"
#include "engine/formats/csv/type_guess.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::csv {

/// A record over several lines that look like records of their own.
struct many_lines {
  std::size_t file = 0;
  std::int64_t offset = 0;   ///< of the record in the file
  std::uint64_t within = 0;  ///< lines behind its first one that are whole records when they are read by themselves
};

struct guessed_types {
  std::vector<std::shared_ptr<arrow::DataType>> types;  ///< of layout.names
  std::vector<std::optional<text_reason>> reasons;      ///< likewise
  std::int64_t rows = 0;                                ///< looked at
  std::int64_t other_width = 0;                         ///< records with another number of fields, beside those
  bool utf8 = true;                                     ///< all of what was looked at
  std::optional<many_lines> swallowed;                  ///< the first one
};

/// Looks at `rows` records over head, middle and tail of each file (the head of packed ones and of standard input).
/// Layouts are those of the files, all with the same number of fields.
result<guessed_types> guess_types(const std::vector<input_file>& files, const std::vector<file_layout>& layouts,
                                  const file_rules& rules, std::int64_t rows);

}  // namespace sluice::csv
