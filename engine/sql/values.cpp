// Subqueries as values: the one row of a query, or the aggregate of the rows that match.
#include "engine/sql/lowering.hpp"

#include <algorithm>

namespace sluice::sql {

using expression::syntax_kind;

namespace {

/// One aggregate over all rows: it has exactly one row.
bool is_one_aggregate(const query& of) {
  if (!of.core || !of.with.empty() || of.limit || of.offset > 0) return false;
  const auto& core = *of.core;
  return core.groupings.empty() && !core.having.tree && core.items.size() == 1 && core.items.front().value.tree &&
         has_aggregate(*core.items.front().value.tree) && !has_window(*core.items.front().value.tree);
}

constexpr const char* several_rows = "'more than one row returned by a subquery used as an expression'";

}  // namespace

bool lowering::attach_values(relation& rows, const node& of, const common_tables& known, const surroundings& around,
                             replacements& into) {
  std::vector<const node*> found;
  for_each_node(of, [&](const node& part) {
    if (part.kind == syntax_kind::subquery && (part.text.empty() || part.text == "exists")) found.push_back(&part);
  });
  return std::all_of(found.begin(), found.end(), [&](const node* one) {
    return one->text.empty() ? attach_value(rows, *one, known, around, into)
                             : attach_exists(rows, *one, known, around, into);
  });
}

bool lowering::attach_exists(relation& rows, const node& of, const common_tables& known, const surroundings& around,
                             replacements& into) {
  const auto& inner = *static_cast<const query*>(of.query.get());
  const auto columns = *around.here.columns;  // the rows' own ones may change
  const names here{&columns, around.here.outer};
  std::vector<const node*> outside;
  auto right = is_plain(inner) ? lower_rows(*inner.core, known, &here, &outside) : lower_query(inner, known, &here);
  if (!right || failed_) return false;
  const auto count = fresh_column("count");
  mapped_text on;
  std::vector<std::string> keys;
  std::vector<std::pair<std::string, std::string>> selected;
  if (outside.empty()) {
    right->operations.push_back({.name = "limit", .own = options(1)});
  } else if (!match_keys(*right, outside, around, keys, selected, on)) {
    return false;
  }
  aggregate(*right, keys, {{count, {"count(*)", of.begin}}});
  selected.emplace_back(count, count);
  only(*right, selected);
  rows = join(std::move(rows), *std::move(right), outside.empty() ? "cross" : "left", std::move(on), "exists");
  into.push_back(
      {extent_of(of, what_), std::string("(coalesce(") + count + ", 0) " + (of.negated ? "=" : ">") + " 0)"});
  return true;
}

void lowering::only(relation& rows, const std::vector<std::pair<std::string, std::string>>& selected) {
  auto own = options::array();
  rows.others.clear();
  for (const auto& [fresh, old] : selected) {
    auto one = options::object();
    one[fresh] = old;
    own.push_back(std::move(one));
    rows.others.push_back(fresh);
  }
  rows.columns.clear();
  rows.operations.push_back({.name = "select", .own = std::move(own)});
}

bool lowering::attach_value(relation& rows, const node& of, const common_tables& known, const surroundings& around,
                            replacements& into) {
  const auto& inner = *static_cast<const query*>(of.query.get());
  const auto columns = *around.here.columns;  // the rows' own ones may change
  const names here{&columns, around.here.outer};
  const bool one_row = is_one_aggregate(inner);
  std::optional<relation> value;
  if (one_row) {
    std::vector<const node*> outside;
    auto right = lower_rows(*inner.core, known, &here, &outside);
    if (!right || failed_) return false;
    if (!outside.empty()) return attach_matched_value(rows, of, inner, *std::move(right), outside, around, into);
    value = lower_select(inner, *std::move(right), known, nullptr);
  } else {
    value = lower_query(inner, known, &here);
  }
  if (!value || failed_) return false;
  if (value->columns.size() != 1)
    return fault(of.begin, "invalid_expression",
                 "a subquery as a value has one column, found " + std::to_string(value->columns.size()),
                 "select one column");
  const auto name = fresh_column("value");
  const auto column = name_text(value->columns.front().physical);
  if (!one_row) {
    const auto count = fresh_column("count");
    aggregate(*value, {}, {{name, {"any_value(" + column + ")", of.begin}}, {count, {"count(*)", of.begin}}});
    derive(*value, name,
           {"case when " + count + " > 1 then error(" + several_rows + ") else " + name + " end", of.begin});
    value->columns = {{.table = {}, .name = name, .physical = name}};
    only(*value);
  } else {
    rename(*value, {{value->columns.front().physical, name}});
  }
  value->columns.clear();
  value->others = {name};
  rows = join(std::move(rows), *std::move(value), "cross", {}, "value");
  into.push_back({extent_of(of, what_), name});
  return true;
}

bool lowering::match_keys(relation& right, const std::vector<const node*>& outside, const surroundings& around,
                          std::vector<std::string>& keys, std::vector<std::pair<std::string, std::string>>& selected,
                          mapped_text& on) {
  const auto scope = right.columns;
  const names in{&scope, nullptr};
  for (const auto* one : outside) {
    const bool equal = one->kind == syntax_kind::binary && one->text == "=";
    const node* mine = nullptr;
    const node* theirs = nullptr;
    for (const int side : {0, 1}) {
      if (!equal) break;
      const auto& a = *one->args[static_cast<std::size_t>(side)];
      const auto& b = *one->args[static_cast<std::size_t>(1 - side)];
      bool inner_only = true;
      bool outer_only = true;
      for_each_node(a, [&](const node& part) {
        inner_only = inner_only && (part.kind != syntax_kind::column || find_here(part, scope, false));
      });
      for_each_node(b, [&](const node& part) {
        outer_only = outer_only && (part.kind != syntax_kind::column || !find_here(part, scope, false));
      });
      if (inner_only && outer_only) {
        mine = &a;
        theirs = &b;
      }
    }
    if (mine == nullptr)
      return fault(one->begin, "not_supported_yet", "this condition of a subquery is not supported in sql here",
                   "compare a column of the subquery with = to one of the query around it, or write a join");
    auto key = fresh_column("key");
    derive(right, key, text_of(*mine, in));
    keys.push_back(key);
    const auto fresh = fresh_column("match");
    selected.emplace_back(fresh, key);
    if (!on.text().empty()) on.add(" and ", one->begin, false);
    on.add("(", one->begin, false);
    on.add(around.text(*theirs));
    on.add(") = " + fresh, one->begin, false);
    if (failed_) return false;
  }
  return true;
}

bool lowering::attach_matched_value(relation& rows, const node& of, const query& inner, relation right,
                                    const std::vector<const node*>& outside, const surroundings& around,
                                    replacements& into) {
  const auto scope = right.columns;
  const names in{&scope, nullptr};
  std::vector<std::string> keys;
  mapped_text on;
  std::vector<std::pair<std::string, std::string>> selected;  // new name, old name
  if (!match_keys(right, outside, around, keys, selected, on)) return false;
  const auto& item = inner.core->items.front().value;
  std::vector<std::pair<std::string, mapped_text>> compute;
  replacements calls;
  std::function<void(const node&)> collect = [&](const node& part) {
    if (is_aggregate_call(part)) {
      const auto name = fresh_column("value");
      compute.emplace_back(name, text_of(part, in));
      // Nothing counted is 0; without a match there is no row that says so.
      const bool counts = part.text.find("count") != std::string::npos;
      calls.push_back({extent_of(part, what_), counts ? "coalesce(" + name + ", 0)" : name});
      selected.emplace_back(name, name);
    } else if (part.kind == syntax_kind::column) {
      fault(part.begin, "invalid_expression",
            "the column " + part.names.back() + " must be inside of an aggregate here",
            "write for example max(" + part.names.back() + ")");
    } else {
      for_each_part(part, collect);
    }
  };
  collect(*item.tree);
  if (failed_) return false;
  aggregate(right, keys, compute);
  only(right, selected);
  const auto text = with({item.begin, item.end}, std::move(calls));
  rows = join(std::move(rows), std::move(right), "left", std::move(on), "value");
  into.push_back({extent_of(of, what_), "(" + text.text() + ")"});
  return true;
}

}  // namespace sluice::sql
