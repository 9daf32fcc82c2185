#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Names of columns, units and options in messages.

/// `name` as SQL wants it written: quoted where it is not a plain lower-case identifier.
std::string quoted_identifier(std::string_view name);
/// The known name nearest to `name` (edit distance at most a third of its length), or empty.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);
/// The line of a pipeline that gives a column its type, to be pasted: types: { "a b": "decimal(12,2)" }.
std::string types_line(std::string_view column, std::string_view type);
/// At most `most` bytes of a text, cut between two characters, with "..." where something is missing.
std::string shortened(std::string_view text, std::size_t most);
/// "a, b, c".
std::string joined(const std::vector<std::string>& names);

}  // namespace sluice
