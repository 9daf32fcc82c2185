// SELECT: what comes out of the rows, DISTINCT, and ORDER BY and LIMIT of these.
#include "engine/component/json_pointer.hpp"
#include "engine/error/names.hpp"
#include "engine/sql/lowering.hpp"

#include <algorithm>

namespace sluice::sql {

using expression::syntax_kind;

std::vector<const clause*> lowering::clauses_of(const query& of) const {
  std::vector<const clause*> all;
  for (const auto& one : of.core->items)
    if (one.value.tree) all.push_back(&one.value);
  if (of.core->having.tree) all.push_back(&of.core->having);
  for (const auto& one : of.order) all.push_back(&one.value);
  return all;
}

std::optional<relation> lowering::lower_select(const query& of, relation rows, const common_tables& known,
                                               const names* outer) {
  const auto& core = *of.core;
  const auto clauses = clauses_of(of);
  const bool grouped =
      !core.groupings.empty() || core.having.tree ||
      std::any_of(clauses.begin(), clauses.end(), [](const auto* one) { return has_aggregate(*one->tree); });
  const auto scope = rows.columns;
  const names in{&scope, outer};
  grouped_names groups;
  if (grouped && !group(of, rows, in, groups)) return {};
  replacements values;
  surroundings around{
      in, [&](const node& part) { return grouped ? grouped_text(part, in, groups, {}) : text_of(part, in); }};
  if (core.having.tree) {
    if (!attach_values(rows, *core.having.tree, known, around, values)) return {};
    filter(rows, grouped_text(*core.having.tree, in, groups, values));
  }
  for (const auto* one : clauses)
    if (one != &core.having && !attach_values(rows, *one->tree, known, around, values)) return {};
  if (failed_) return {};
  const text_maker text = [&](const clause& part) {
    return grouped ? grouped_text(*part.tree, in, groups, values) : text_of(part, in, values);
  };
  auto outputs = outputs_of(core, scope, grouped, text);
  if (!outputs || failed_ || !project(of, rows, *std::move(outputs), text)) return {};
  cut(rows, of.limit, of.offset);
  return failed_ ? std::nullopt : std::optional(std::move(rows));
}

std::string lowering::output_name(const select_item& of, std::size_t number) const {
  if (!of.name.empty()) return of.name;
  const auto* at = of.value.tree.get();
  while (at->kind == syntax_kind::cast && !at->args.empty()) at = at->args[0].get();
  if (at->kind == syntax_kind::column) return at->names.back();
  if (at->kind == syntax_kind::field) return at->text;
  if (at->kind == syntax_kind::call) return at->text;
  if (at->kind == syntax_kind::branches) return "case";
  return "column_" + std::to_string(number);
}

std::optional<std::vector<lowering::output>> lowering::outputs_of(const select_core& of,
                                                                  const std::vector<column>& columns, bool grouped,
                                                                  const text_maker& text) {
  std::vector<output> made;
  for (const auto& item : of.items) {
    if (item.value.tree) {
      auto name = output_name(item, made.size() + 1);
      // As the input spells it.
      if (item.name.empty() && item.value.tree->kind == syntax_kind::column && item.value.tree->names.size() <= 2)
        if (const auto found = find_here(*item.value.tree, columns, false);
            found && found->parts == item.value.tree->names.size())
          name = found->what->name;
      item_begins_[name] = item.begin;
      made.push_back({std::move(name), text(item.value), item.begin});
      if (failed_) return {};
      continue;
    }
    if (grouped) {
      fault(item.begin, "invalid_expression", "* can't be used with group by or aggregates", "name the columns");
      return {};
    }
    bool any = false;
    for (const auto& one : columns) {
      if (item.table.empty() ? !one.shown : !same_name(one.table, item.table)) continue;
      any = true;
      item_begins_[one.name] = item.begin;
      made.push_back({one.name, {name_text(one.physical), item.begin}, item.begin});
    }
    if (!any) {
      fault(item.begin, "unknown_column", "there is no table " + item.table + " in from");
      return {};
    }
  }
  return made;
}

bool lowering::project(const query& of, relation& rows, std::vector<output> outputs, const text_maker& text) {
  operation select{.name = "select", .own = options::array()};
  std::vector<std::string> taken;
  const auto add_entry = [&](const std::string& name, mapped_text value) {
    const auto number = std::to_string(select.own.size());
    auto one = options::object();
    one[name] = value.text();
    select.texts.emplace_back(pointer({"select", number, name}), std::move(value));
    select.own.push_back(std::move(one));
    taken.push_back(name);
  };
  std::vector<column> columns;
  for (auto& one : outputs) {
    auto physical = one.name;
    for (int number = 2; std::find(taken.begin(), taken.end(), physical) != taken.end(); ++number)
      physical = one.name + "_" + std::to_string(number);
    columns.push_back({.table = {}, .name = one.name, .physical = physical});
    add_entry(physical, one.text);
  }
  bool hidden = false;
  const auto hide = [&](const clause& value, const char* hint) {
    hidden = true;
    auto name = fresh_column(hint);
    add_entry(name, text(value));
    return name;
  };
  // Keys of the order: outputs by number, by name or by the same text; else further columns.
  const auto key_of = [&](const clause& key, bool may_hide) -> std::string {
    const auto& tree = *key.tree;
    if (tree.kind == syntax_kind::number) {
      const auto number = std::atoll(tree.text.c_str());
      if (number >= 1 && static_cast<std::size_t>(number) <= columns.size())
        return columns[static_cast<std::size_t>(number) - 1].physical;
      fault(tree.begin, "invalid_expression", "there is no column number " + tree.text + " in the select list",
            "write a number from 1 to " + std::to_string(columns.size()) + ", or a name");
      return {};
    }
    if (tree.kind == syntax_kind::column && tree.names.size() == 1)
      for (const bool exact : {true, false})
        for (const auto& one : columns)
          if (exact ? one.name == tree.names[0] : same_name(one.name, tree.names[0])) return one.physical;
    const auto written = text(key).text();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].text.text() == written) return columns[i].physical;
    if (!may_hide) {
      fault(tree.begin, "invalid_expression", "with select distinct, order by can only use what the select list has",
            "add it to the select list");
      return {};
    }
    return hide(key, "order");
  };
  operation sort{.name = "sort", .own = options::array()};
  for (const auto& one : of.order) {
    const bool free = !of.core->distinct || !of.core->distinct_on.empty();
    mapped_text key(name_text(key_of(one.value, free)), one.value.begin);
    if (failed_) return false;
    key.add(one.descending ? " desc" : " asc", one.value.begin, false);
    if (one.nulls_first) key.add(*one.nulls_first ? " nulls first" : " nulls last", one.value.begin, false);
    sort.texts.emplace_back("/sort/" + std::to_string(sort.own.size()), key);
    sort.own.push_back(key.text());
  }
  operation distinct{.name = "deduplicate", .own = options::object()};
  if (!of.core->distinct_on.empty()) {
    auto by = options::array();
    for (const auto& one : of.core->distinct_on) by.push_back(key_of(one, true));
    distinct.own["by"] = std::move(by);
    if (!sort.own.empty()) distinct.own["order"] = sort.own;
  }
  if (failed_) return false;
  rows.operations.push_back(std::move(select));
  if (of.core->distinct) rows.operations.push_back(std::move(distinct));
  if (!sort.own.empty()) rows.operations.push_back(std::move(sort));
  rows.columns = std::move(columns);
  rows.others.clear();
  if (hidden) {
    // A limit right behind a sort lets it keep fewer rows.
    cut(rows, of.offset > 0 ? std::nullopt : of.limit, 0);
    only(rows);
  }
  return true;
}

}  // namespace sluice::sql
