#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ndjson {

/// Where the rows of a JSON document are: `items[*]`, `$.data.rows[*]`, `[0].parts[*]`.
struct row_path {
  struct step {
    enum class kind { member, element, elements } of = kind::member;
    std::string name = {};
    std::int64_t index = 0;  ///< of an element, from 0
  };
  std::vector<step> steps;
  /// Nothing was written: the document is a row, or each element where it is a list.
  bool automatic = true;
};

/// Parses the option `rows`: an optional `$`, then names behind dots, `["name"]`, `[0]` and `[*]`. The error is
/// invalid_option, with the offset in `text`.
result<row_path> parse_row_path(std::string_view text);
/// The first `count` steps as a path, "$.items[*]", for messages.
std::string path_text(const row_path& path, std::size_t count);

}  // namespace sluice::ndjson
