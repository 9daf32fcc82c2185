// WHERE, and the subqueries that are its conditions: semi and anti joins.
#include "engine/sql/lowering.hpp"

#include <algorithm>

namespace sluice::sql {

using expression::syntax_kind;

namespace {

bool has_subquery(const expression::syntax& of) {
  bool found = false;
  for_each_node(of, [&](const auto& part) { found = found || part.kind == syntax_kind::subquery; });
  return found;
}

/// The test of a condition that is in (select ...) or exists, with any `not` before it.
const expression::syntax* test_of(const expression::syntax& of, bool& negated) {
  if (of.kind == syntax_kind::unary && of.text == "not") {
    negated = !negated;
    return test_of(*of.args[0], negated);
  }
  if (of.kind != syntax_kind::subquery || of.text.empty()) return nullptr;
  if (of.negated) negated = !negated;
  return &of;
}

}  // namespace

bool is_plain(const query& of) {
  if (!of.core || of.limit || of.offset > 0 || !of.with.empty()) return false;
  const auto& core = *of.core;
  if (!core.groupings.empty() || core.having.tree || !core.distinct_on.empty()) return false;
  return std::none_of(core.items.begin(), core.items.end(), [](const auto& one) {
    return one.value.tree && (has_aggregate(*one.value.tree) || has_window(*one.value.tree));
  });
}

bool lowering::mentions_outside(const node& of, const std::vector<column>& here, const names* outer) {
  bool outside = false;
  for_each_node(of, [&](const node& part) {
    if (part.kind != syntax_kind::column || outer == nullptr || find_here(part, here, false)) return;
    outside = outside || find(part, *outer, false).has_value();
  });
  return outside;
}

std::optional<relation> lowering::lower_rows(const select_core& of, const common_tables& known, const names* outer,
                                             std::vector<const node*>* outside) {
  std::vector<condition> where;
  if (of.where.tree)
    for (const auto* one : conjuncts_of(*of.where.tree)) where.push_back({one, {}});
  auto rows = lower_from(of, known, where);
  if (!rows || failed_) return {};
  // Conditions on rows alone come first: what they drop need not be compared.
  mapped_text all;
  const auto add = [&](const mapped_text& text, std::size_t begin) {
    all.add(all.text().empty() ? "(" : " and (", begin, false);
    all.add(text);
    all.add(")", begin, false);
  };
  for (auto& one : where) {
    if (one.used || has_subquery(*one.tree)) continue;
    one.used = true;
    if (outside != nullptr && mentions_outside(*one.tree, rows->columns, outer)) {
      outside->push_back(one.tree);
    } else {
      add(text_of(*one.tree, {&rows->columns, outer}), one.tree->begin);
    }
  }
  if (failed_) return {};
  if (!all.text().empty()) filter(*rows, std::exchange(all, {}));
  for (auto& one : where) {
    if (one.used) continue;
    bool negated = false;
    if (const auto* test = test_of(*one.tree, negated)) {
      if (!keep_matching(*rows, *test, negated, known, outer)) return {};
      continue;
    }
    replacements values;
    const surroundings around{{&rows->columns, outer}, [&](const node& part) {
                                return text_of(part, {&rows->columns, nullptr});
                              }};
    if (!attach_values(*rows, *one.tree, known, around, values)) return {};
    filter(*rows, text_of(*one.tree, {&rows->columns, outer}, values));
    if (failed_) return {};
  }
  return rows;
}

bool lowering::keep_matching(relation& rows, const node& test, bool negated, const common_tables& known,
                             const names* outer) {
  const auto& inner = *static_cast<const query*>(test.query.get());
  // The columns may change their names with the rows; the names around them stay.
  const auto columns = rows.columns;
  const names here{&columns, outer};
  std::vector<const node*> outside;
  if (test.text == "in") {
    auto list = list_of(inner, known, here, outside, test.begin);
    return list && keep_listed(rows, test, *std::move(list), outside, negated);
  }
  auto found = is_plain(inner) ? lower_rows(*inner.core, known, &here, &outside) : lower_query(inner, known, &here);
  return found && !failed_ && keep_existing(rows, *std::move(found), outside, negated);
}

mapped_text lowering::conditions_over(const relation& rows, const relation& inner,
                                      const std::vector<const node*>& outside) {
  const names around{&rows.columns, nullptr};
  const names here{&inner.columns, &around};
  mapped_text made;
  outer_allowed_ = true;
  for (const auto* one : outside) {
    made.add(made.text().empty() ? "(" : " and (", one->begin, false);
    made.add(text_of(*one, here));
    made.add(")", one->begin, false);
  }
  outer_allowed_ = false;
  return made;
}

bool lowering::keep_existing(relation& rows, relation inner, const std::vector<const node*>& outside, bool negated) {
  mapped_text on;
  if (outside.empty()) {
    inner.operations.push_back({.name = "limit", .own = options(1)});
    on.add("true", 0, false);
  } else {
    set_apart(rows, inner, "inner");
    on = conditions_over(rows, inner, outside);
  }
  if (failed_) return false;
  rows = join(std::move(rows), std::move(inner), negated ? "anti" : "semi", std::move(on), "exists");
  return true;
}

std::optional<relation> lowering::list_of(const query& of, const common_tables& known, const names& here,
                                          std::vector<const node*>& outside, std::size_t begin) {
  const bool plain = is_plain(of) && of.core->items.size() == 1 && of.core->items.front().value.tree;
  auto rows = plain ? lower_rows(*of.core, known, &here, &outside) : lower_query(of, known, &here);
  if (!rows || failed_) return {};
  if (plain) {
    const auto key = fresh_column("in");
    const auto columns = rows->columns;
    const surroundings around{{&columns, nullptr}, [&](const node& part) {
                                return text_of(part, {&columns, nullptr});
                              }};
    replacements values;
    if (!attach_values(*rows, *of.core->items.front().value.tree, known, around, values)) return {};
    derive(*rows, key, text_of(of.core->items.front().value, {&rows->columns, nullptr}, values));
    rows->others.pop_back();
    rows->columns.push_back({.table = {}, .name = {}, .physical = key, .shown = false});
    return failed_ ? std::nullopt : rows;
  }
  if (rows->columns.size() != 1) {
    fault(begin, "invalid_expression",
          "in (select ...) compares with one column, found " + std::to_string(rows->columns.size()),
          "select one column; for several write exists (select ... where ...)");
    return {};
  }
  rename(*rows, {{rows->columns.front().physical, fresh_column("in")}});
  return rows;
}

bool lowering::keep_listed(relation& rows, const node& test, relation list, const std::vector<const node*>& outside,
                           bool negated) {
  set_apart(rows, list, "inner");
  const auto key = list.columns.back().physical;
  const auto value = text_of(*test.args[0], {&rows.columns, nullptr});
  if (failed_) return false;
  mapped_text equal("(", test.begin);
  equal.add(value);
  equal.add(") = " + key, test.begin, false);
  mapped_text value_is_null("(", test.begin);
  value_is_null.add(value);
  value_is_null.add(") is null", test.begin, false);
  auto on = conditions_over(rows, list, outside);
  if (failed_) return false;
  if (!negated) {
    if (!on.text().empty()) on.add(" and ", test.begin, false);
    on.add(equal);
    rows = join(std::move(rows), std::move(list), "semi", std::move(on), "in");
    return true;
  }
  // A row stays where the comparison is false for all of the list: not true, and not null.
  if (!outside.empty()) {
    on.add(" and (", test.begin, false);
    on.add(equal);
    on.add(" or ", test.begin, false);
    on.add(value_is_null);
    on.add(" or " + key + " is null)", test.begin, false);
    rows = join(std::move(rows), std::move(list), "anti", std::move(on), "in");
    return true;
  }
  // With keys for what is common, and two small joins for nulls on either side.
  settle(list, "in");
  auto any = list;
  any.operations.push_back({.name = "limit", .own = options(1)});
  auto null = list;
  filter(null, {key + " is null", test.begin});
  null.operations.push_back({.name = "limit", .own = options(1)});
  rows = join(std::move(rows), std::move(list), "anti", std::move(equal), "in");
  rows = join(std::move(rows), std::move(any), "anti", std::move(value_is_null), "in_any");
  rows = join(std::move(rows), std::move(null), "anti", {"true", test.begin}, "in_null");
  return true;
}

}  // namespace sluice::sql
