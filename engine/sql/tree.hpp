#pragma once

#include "engine/expression/parse/syntax.hpp"
#include "engine/sql/statement.hpp"

#include <functional>
#include <string>
#include <vector>

/// Looking at the trees of expressions.
namespace sluice::sql {

/// Calls `visit` for each direct part of a node: arguments, FILTER, ORDER BY and OVER.
void for_each_part(const expression::syntax& of, const std::function<void(const expression::syntax&)>& visit);
/// Calls `visit` for a node and all that it holds; not for what stands in its subqueries.
void for_each_node(const expression::syntax& of, const std::function<void(const expression::syntax&)>& visit);

/// The bytes of the statement that a node stands in, its parentheses balanced.
struct extent {
  std::size_t begin = 0;
  std::size_t end = 0;
};
extent extent_of(const expression::syntax& node, const statement& in);

/// The parts of a condition that `and` combines.
std::vector<const expression::syntax*> conjuncts_of(const expression::syntax& condition);

/// True for count(*), sum(x) and the like without OVER.
bool is_aggregate_call(const expression::syntax& node);
/// True where such a call stands in it, be it as an argument of a window function.
bool has_aggregate(const expression::syntax& node);
bool has_window(const expression::syntax& node);

}  // namespace sluice::sql
