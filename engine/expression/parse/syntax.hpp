#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sluice::expression {

enum class syntax_kind {
  null,
  boolean,      ///< text: true or false
  number,       ///< text as written
  string,       ///< text decoded
  column,       ///< names: one or more parts
  parameter,    ///< text: its name
  unary,        ///< text: - + not
  binary,       ///< text: the operator; args: left, right
  is_null,      ///< args: value; negated
  is_boolean,   ///< text: true, false; args: value; negated
  is_distinct,  ///< args: left, right; negated: IS NOT DISTINCT FROM
  between,      ///< args: value, low, high; negated
  in,           ///< args: value, items...; negated
  like,         ///< text: like, ilike; args: value, pattern [, escape]; negated
  branches,     ///< CASE; args: [operand], condition, value, ..., [else]; has_operand, has_else
  cast,         ///< text: the type; args: value
  call,         ///< text: the function in lower case; args
  field,        ///< text: name of a struct's field; args: value
  element,      ///< args: list, index
  list,         ///< ARRAY[...]; args
  equals_any,   ///< = any(list); args: value, list
};

struct syntax;
using syntax_ptr = std::unique_ptr<syntax>;

/// A node of the parsed, not yet typed expression.
struct syntax {
  syntax_kind kind = syntax_kind::null;
  std::size_t begin = 0;  ///< where a fault of it points: its operator, or its first byte
  std::string text = {};
  std::vector<syntax_ptr> args = {};
  std::vector<std::string> names = {};  ///< column
  std::size_t name_offset = 0;          ///< cast: offset of the type
  bool negated = false;
  bool has_operand = false;
  bool has_else = false;
  bool quoted = false;          ///< column: its last part stood in double quotes
  bool star = false;            ///< call: count(*)
  bool distinct = false;        ///< call: sum(distinct x)
  syntax_ptr filter = nullptr;  ///< call: FILTER (WHERE ...)
  int depth = 1;
};

}  // namespace sluice::expression
