#pragma once

#include <algorithm>
#include <string_view>

namespace sluice {

/// True if `name` is one of `names`, which have one blank between them.
inline bool is_word_of(std::string_view name, std::string_view names) {
  while (!names.empty()) {
    const auto end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

}  // namespace sluice
