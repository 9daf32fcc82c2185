#pragma once

#include "engine/component/options.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What single cells of a table look like, for those who find out how it is written.
namespace sluice::csv {

enum class cell { empty, number, comma_number, time, word, odd };

/// Numbers with point or comma, dates and times, words; odd: text that a wrong separator or quote would leave.
cell cell_of(std::string_view text);

/// A table's records as texts, quotes taken off.
using sniffed_rows = std::vector<std::vector<std::string>>;

/// Whether the first row names the columns.
bool has_header(const sniffed_rows& rows);

/// `types:` of columns whose numbers have a decimal comma, and whose dates are written 31.12.2024. Words that stand for
/// null there are added to `nulls`.
options special_types(const sniffed_rows& rows, const std::vector<std::string>& names, bool header,
                      std::vector<std::string>& nulls);

}  // namespace sluice::csv
