#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

enum class token_kind {
  end,
  word,        ///< unquoted name or keyword: `text` in lower case
  identifier,  ///< "quoted": `text` without quotes
  number,      ///< `text` as written
  string,      ///< 'text' or E'text': `text` decoded
  parameter,   ///< $name: `text` is the name
  symbol,      ///< operator or punctuation
};

struct token {
  token_kind kind = token_kind::end;
  std::string text;
  std::size_t begin = 0;  ///< bytes into the expression
  std::size_t end = 0;
  std::string written = {};  ///< word: as the user wrote it
};

/// Cuts an expression into tokens, the last of which is `end`. Faults carry their offset and `path`; what can't be read
/// is left out, so that the parser may go on.
std::vector<token> lex(std::string_view text, const std::string& path, diagnostics& faults);

/// Makes a fault at `offset` of the expression behind `path`.
error fault_at(const std::string& path, std::size_t offset, std::string code, std::string message,
               std::string hint = {});

}  // namespace sluice::expression
