// Queries: WITH, UNION and its kin, ORDER BY and LIMIT of these.
#include "engine/sql/lowering.hpp"

namespace sluice::sql {

std::optional<relation> lowering::lower_query(const query& of, const common_tables& known, const names* outer) {
  auto tables = known;
  for (const auto& one : of.with) tables.push_back(std::make_shared<common_rows>(common_rows{&one, tables, {}}));
  if (of.core) {
    auto rows = lower_rows(*of.core, tables, outer, nullptr);
    if (!rows) return {};
    return lower_select(of, *std::move(rows), tables, outer);
  }
  auto rows = of.right ? lower_set(of, tables, outer) : lower_query(*of.left, tables, outer);
  if (!rows || !sort_set(of, *rows)) return {};
  cut(*rows, of.limit, of.offset);
  return rows;
}

std::optional<relation> lowering::lower_set(const query& of, const common_tables& known, const names* outer) {
  auto left = lower_query(*of.left, known, outer);
  auto right = left ? lower_query(*of.right, known, outer) : std::nullopt;
  if (!right) return {};
  if (left->columns.size() != right->columns.size()) {
    fault(of.right->begin, "invalid_expression",
          "the queries have different numbers of columns: " + std::to_string(left->columns.size()) + " and " +
              std::to_string(right->columns.size()),
          "columns are matched by their order: select the same number in both");
    return {};
  }
  // The transforms match columns by name, SQL by their order.
  auto own = options::array();
  for (std::size_t i = 0; i < left->columns.size(); ++i) {
    auto one = options::object();
    one[left->columns[i].physical] = name_text(right->columns[i].physical);
    own.push_back(std::move(one));
  }
  right->operations.push_back({.name = "select", .own = std::move(own)});
  if (left->operations.empty()) only(*left);
  settle(*left, "left");
  settle(*right, "right");
  const auto* name = of.how == set_word::intersect ? "intersect" : of.how == set_word::except ? "except" : "union";
  std::vector<operation> operations;
  operations.push_back({.name = name, .own = options::object()});
  relation made;
  made.unit = add_unit(fresh_unit(name), {left->unit, right->unit}, std::move(operations));
  made.columns = std::move(left->columns);
  if (of.how == set_word::union_distinct) made.operations.push_back({.name = "deduplicate", .own = options::object()});
  return made;
}

bool lowering::sort_set(const query& of, relation& rows) {
  if (of.order.empty()) return true;
  operation made{.name = "sort", .own = options::array()};
  const names in{&rows.columns, nullptr};
  for (const auto& one : of.order) {
    mapped_text text;
    const auto& tree = *one.value.tree;
    const auto number = tree.kind == expression::syntax_kind::number ? std::atoll(tree.text.c_str()) : 0;
    if (number > 0 && static_cast<std::size_t>(number) <= rows.columns.size())
      text = mapped_text(name_text(rows.columns[static_cast<std::size_t>(number) - 1].physical), one.value.begin);
    else
      text = text_of(one.value, in);
    text.add(one.descending ? " desc" : " asc", one.value.begin, false);
    if (one.nulls_first) text.add(*one.nulls_first ? " nulls first" : " nulls last", one.value.begin, false);
    made.texts.emplace_back("/sort/" + std::to_string(made.own.size()), text);
    made.own.push_back(text.text());
  }
  rows.operations.push_back(std::move(made));
  return !failed_;
}

void lowering::cut(relation& rows, std::optional<std::int64_t> limit, std::int64_t offset) {
  if (offset > 0) {
    const auto number = fresh_column("row");
    derive(rows, number, {"row_number() over ()", 0});
    filter(rows, {number + " > " + std::to_string(offset), 0});
    only(rows);
  }
  if (limit) rows.operations.push_back({.name = "limit", .own = options(*limit)});
}

bool lowering::name_columns(relation& rows, const std::vector<std::string>& given, std::size_t begin) {
  if (given.size() > rows.columns.size())
    return fault(
        begin, "invalid_expression",
        "there are " + std::to_string(given.size()) + " names for " + std::to_string(rows.columns.size()) + " columns",
        "name at most as many columns as there are");
  for (std::size_t i = 0; i < given.size(); ++i) rows.columns[i].name = given[i];
  return true;
}

void lowering::call_table(relation& rows, const std::string& alias) {
  for (auto& one : rows.columns) one.table = alias;
}

}  // namespace sluice::sql
