#pragma once

#include "engine/error/error.hpp"

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

/// A path of SQL/JSON in lax mode, as far as it is supported: `$`, `.key`, `."key"`, `.*`, `[0]`, `[0 to 2]`, `[last]`,
/// `[*]`, `.type()`, `.size()`, and filters `? (@.price > 10 && @.sku == "tea")` with == != <> < <= > >=, starts with,
/// exists(...), && || ! and parentheses.
class json_path {
 public:
  /// The error is invalid_pattern, or not_supported_yet for what the language has beyond this.
  static result<std::shared_ptr<const json_path>> parse(std::string_view text);
  ~json_path();

  /// Appends what the path leads to in a document; the views point into it or into `made`.
  void find(std::string_view document, std::vector<std::string_view>& out, std::deque<std::string>& made) const;

  struct step;

 private:
  json_path();
  std::vector<step> steps_;
};

}  // namespace sluice::expression
