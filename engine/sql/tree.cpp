#include "engine/sql/tree.hpp"

#include "engine/expression/expression.hpp"

#include <algorithm>
#include <set>

namespace sluice::sql {

using expression::syntax;
using expression::syntax_kind;

void for_each_part(const syntax& of, const std::function<void(const syntax&)>& visit) {
  const auto each = [&](const expression::syntax_ptr& one) {
    if (one) visit(*one);
  };
  for (const auto& one : of.args) each(one);
  each(of.filter);
  for (const auto& one : of.order) each(one.value);
  if (!of.window) return;
  for (const auto& one : of.window->partition) each(one);
  for (const auto& one : of.window->order) each(one.value);
  each(of.window->start_offset);
  each(of.window->end_offset);
}

void for_each_node(const syntax& of, const std::function<void(const syntax&)>& visit) {
  visit(of);
  for_each_part(of, [&](const syntax& part) { for_each_node(part, visit); });
}

namespace {

bool is(const expression::token& one, const char* symbol) {
  return one.kind == expression::token_kind::symbol && one.text == symbol;
}

}  // namespace

extent extent_of(const syntax& node, const statement& in) {
  extent found{node.begin, node.end};
  for_each_node(node, [&](const syntax& part) {
    found.begin = std::min(found.begin, part.begin);
    found.end = std::max(found.end, part.end);
  });
  const auto& tokens = in.tokens;
  std::size_t first = 0;
  while (first + 1 < tokens.size() && tokens[first].begin < found.begin) ++first;
  std::size_t last = first;  // behind the last
  int open = 0;
  int lacking = 0;
  for (; last < tokens.size() && tokens[last].begin < found.end && tokens[last].kind != expression::token_kind::end;
       ++last) {
    if (is(tokens[last], "(") || is(tokens[last], "[")) ++open;
    if (is(tokens[last], ")") || is(tokens[last], "]")) --open;
    lacking = std::min(lacking, open);
  }
  open -= lacking;
  for (; lacking < 0 && first > 0; ++lacking) --first;
  for (; open > 0 && last + 1 < tokens.size(); --open) ++last;
  if (last == 0 || last > tokens.size()) return found;
  return {tokens[first].begin, tokens[last - 1].end};
}

std::vector<const syntax*> conjuncts_of(const syntax& condition) {
  if (condition.kind != syntax_kind::binary || condition.text != "and") return {&condition};
  auto parts = conjuncts_of(*condition.args[0]);
  const auto more = conjuncts_of(*condition.args[1]);
  parts.insert(parts.end(), more.begin(), more.end());
  return parts;
}

bool is_aggregate_call(const syntax& node) {
  if (node.kind != syntax_kind::call || node.window) return false;
  if (node.star || node.filter || node.within_group) return true;
  static const auto names = [] {
    std::set<std::string> all;
    for (const auto& one : expression::functions())
      if (one.kind == "aggregate") all.insert(one.name);
    return all;
  }();
  return names.contains(node.text);
}

bool has_aggregate(const syntax& node) {
  bool found = false;
  for_each_node(node, [&](const syntax& part) { found = found || is_aggregate_call(part); });
  return found;
}

bool has_window(const syntax& node) {
  bool found = false;
  for_each_node(node, [&](const syntax& part) { found = found || part.window != nullptr; });
  return found;
}

}  // namespace sluice::sql
