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
  try_cast,     ///< text: the type; args: value
  call,         ///< text: the function in lower case; args
  field,        ///< text: name of a struct's field; args: value
  element,      ///< args: list, index
  list,         ///< ARRAY[...]; args
  quantified,   ///< text: the operator; args: value, list; = any(list), negated: = all(list)
  slice,        ///< args: list, low, high
  subquery,     ///< text: in, exists, or empty for a value; args: value of in; query. Only in statements
};

struct syntax;
using syntax_ptr = std::unique_ptr<syntax>;

struct window_syntax;

/// One key of an ORDER BY inside an expression. Nulls come last, or first where it is descending, unless it says so.
struct order_syntax {
  syntax_ptr value = nullptr;
  bool descending = false;
  bool nulls_first = false;
};

/// A node of the parsed, not yet typed expression.
struct syntax {
  syntax_kind kind = syntax_kind::null;
  std::size_t begin = 0;  ///< where a fault of it points: its operator, or its first byte
  std::string text = {};
  std::vector<syntax_ptr> args = {};
  std::vector<std::string> names = {};  ///< column; call: the names of the arguments where they have some, a => 1
  std::size_t name_offset = 0;          ///< cast: offset of the type
  bool negated = false;
  bool has_operand = false;
  bool has_else = false;
  bool quoted = false;                              ///< column: its last part stood in double quotes
  bool star = false;                                ///< call: count(*)
  bool distinct = false;                            ///< call: sum(distinct x)
  syntax_ptr filter = nullptr;                      ///< call: FILTER (WHERE ...)
  std::vector<order_syntax> order = {};             ///< call: ORDER BY among its arguments, or WITHIN GROUP
  bool within_group = false;                        ///< call: the order is that of WITHIN GROUP (ORDER BY ...)
  std::shared_ptr<window_syntax> window = nullptr;  ///< call: OVER (...)
  std::shared_ptr<const void> query = nullptr;      ///< subquery: a sql::query
  std::size_t end = 0;                              ///< behind its last token, closing parentheses left out
  int depth = 1;
};

enum class frame_unit { rows, range, groups };
enum class frame_bound { unbounded_preceding, preceding, current_row, following, unbounded_following };
enum class frame_exclusion { none, current_row, group, ties };

/// What stands in the parentheses behind OVER.
struct window_syntax {
  std::vector<syntax_ptr> partition = {};
  std::vector<order_syntax> order = {};
  frame_unit unit = frame_unit::range;
  frame_bound start = frame_bound::unbounded_preceding;
  frame_bound end = frame_bound::current_row;
  syntax_ptr start_offset = nullptr;  ///< preceding, following
  syntax_ptr end_offset = nullptr;
  frame_exclusion exclusion = frame_exclusion::none;
  std::size_t begin = 0;        ///< where `over` stands
  std::size_t frame_begin = 0;  ///< where the frame begins, if one is written
};

}  // namespace sluice::expression
