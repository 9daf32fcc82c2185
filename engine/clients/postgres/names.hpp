#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <vector>

namespace sluice::postgres {

/// A name or a text as PostgreSQL's language writes it (texts with standard_conforming_strings, which we set).
std::string quoted_name(const std::string& name);
std::string quoted_text(const std::string& text);
/// "a", "b": each quoted.
std::string quoted_names(const std::vector<std::string>& names);

/// A table as a pipeline names it: mart.revenue, "My Schema"."T". Names without quotes are folded to small letters, as
/// PostgreSQL does.
struct table_name {
  std::string schema;  ///< empty: the first schema of the connection's search_path that has it
  std::string table;

  [[nodiscard]] std::string quoted() const;
  /// As in a message: mart.revenue.
  [[nodiscard]] std::string shown() const;
};

/// Errors: invalid_name.
result<table_name> parse_table_name(const std::string& text);

/// Bytes of a name that PostgreSQL keeps; it cuts longer ones off without a word.
inline constexpr std::size_t longest_name = 63;

}  // namespace sluice::postgres
