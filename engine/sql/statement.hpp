#pragma once

#include "engine/error/error.hpp"
#include "engine/expression/parse/lexer.hpp"
#include "engine/expression/parse/syntax.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// SQL statements: `select` and what belongs to it, as the transform `sql` and `sluice query` take it.
namespace sluice::sql {

struct query;
using query_ptr = std::shared_ptr<query>;

/// An expression and the bytes of the statement that it stands in.
struct clause {
  std::shared_ptr<const expression::syntax> tree = nullptr;  ///< null: there is none
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// An entry of SELECT.
struct select_item {
  clause value;       ///< without a tree: `*`, or `table.*`
  std::string table;  ///< of `table.*`
  std::string name;   ///< behind AS; empty: none
  std::size_t begin = 0;
};

struct order_item {
  clause value;
  bool descending = false;
  std::optional<bool> nulls_first;
};

enum class join_word { inner, left, right, full, cross };

/// What stands in FROM: a table, a query, or a join of two of these.
struct table_ref {
  std::size_t begin = 0;
  std::string name;                       ///< of a table; empty: none
  std::string file;                       ///< 'path' in the place of a table
  query_ptr of;                           ///< (select ...)
  std::string alias;                      ///< empty: none
  std::vector<std::string> column_names;  ///< behind the alias
  // A join has both sides.
  std::unique_ptr<table_ref> left, right;
  join_word how = join_word::inner;
  clause on;
  std::vector<std::string> shared;  ///< USING
};

/// GROUP BY: a list of these; the rows are grouped by each combination of one set of each.
struct grouping {
  std::vector<std::vector<std::size_t>> sets;  ///< numbers of keys
};

struct select_core {
  std::size_t begin = 0;
  bool distinct = false;
  std::vector<clause> distinct_on;
  std::vector<select_item> items;
  std::vector<std::unique_ptr<table_ref>> from;
  clause where;
  std::vector<clause> keys;         ///< expressions of GROUP BY
  std::vector<grouping> groupings;  ///< of them; empty: no GROUP BY
  bool has_sets = false;            ///< rollup, cube or grouping sets
  clause having;
};

enum class set_word { union_all, union_distinct, intersect, except };

struct common_table {
  std::string name;
  std::vector<std::string> column_names;
  query_ptr of;
  std::size_t begin = 0;
};

/// A whole query: a SELECT, or two queries and what is made of their rows; then order and limit.
struct query {
  std::size_t begin = 0;
  std::vector<common_table> with;
  std::unique_ptr<select_core> core;
  query_ptr left, right;
  set_word how = set_word::union_all;
  std::vector<order_item> order;
  std::optional<std::int64_t> limit;
  std::int64_t offset = 0;
};

struct statement {
  std::string text;
  std::vector<expression::token> tokens;
  query_ptr of;
};

/// Parses a statement; what it may not hold is refused by name. Faults carry their offset and `path`; null if there are
/// any.
std::shared_ptr<const statement> parse_statement(std::string_view text, const std::string& path, diagnostics& faults);

/// A table that a statement reads and does not define itself.
struct table_name {
  std::string name;  ///< or
  std::string file;  ///< 'path'
  std::size_t begin = 0;
};
/// All of them, each once.
std::vector<table_name> tables_of(const statement& of);

}  // namespace sluice::sql
