// GROUP BY, and what expressions behind it may hold.
#include "engine/component/json_pointer.hpp"
#include "engine/sql/lowering.hpp"

#include <algorithm>

namespace sluice::sql {

using expression::syntax_kind;

const clause& lowering::key_meant(const select_core& of, const clause& key, const names& in) {
  const auto& tree = *key.tree;
  if (tree.kind == syntax_kind::number) {
    const auto number = std::atoll(tree.text.c_str());
    if (number >= 1 && static_cast<std::size_t>(number) <= of.items.size() &&
        of.items[static_cast<std::size_t>(number) - 1].value.tree)
      return of.items[static_cast<std::size_t>(number) - 1].value;
    fault(tree.begin, "invalid_expression", "there is no column number " + tree.text + " in the select list",
          "write the column's name");
    return key;
  }
  if (tree.kind != syntax_kind::column || tree.names.size() != 1 || find_here(tree, *in.columns, false)) return key;
  for (const auto& one : of.items)
    if (one.value.tree && same_name(one.name, tree.names[0])) return one.value;
  return key;
}

void lowering::aggregate(relation& rows, const std::vector<std::string>& by,
                         const std::vector<std::pair<std::string, mapped_text>>& compute) {
  operation made{.name = "aggregate", .own = options::object()};
  made.own["by"] = options(by);
  auto own = options::object();
  for (const auto& [name, text] : compute) {
    own[name] = text.text();
    made.texts.emplace_back(pointer({"aggregate", "compute", name}), text);
  }
  made.own["compute"] = std::move(own);
  rows.operations.push_back(std::move(made));
  rows.columns.clear();
  rows.others = by;
  for (const auto& [name, text] : compute) rows.others.push_back(name);
}

bool lowering::group(const query& of, relation& rows, const names& in, grouped_names& into) {
  const auto& core = *of.core;
  std::vector<std::string> columns;  // of the keys
  for (const auto& written : core.keys) {
    const auto& key = key_meant(core, written, in);
    if (failed_) return false;
    if (has_aggregate(*key.tree))
      return fault(key.begin, "invalid_expression", "group by can't use an aggregate",
                   "group by columns, and filter the groups with having");
    const auto meaning = canonical(*key.tree, in);
    const auto known = into.keys.find(meaning);
    if (known != into.keys.end()) {
      columns.push_back(known->second);
      continue;
    }
    std::string column;
    if (key.tree->kind == syntax_kind::column) {
      const auto found = find(*key.tree, in, true);
      if (!found) return false;
      if (found->parts == key.tree->names.size()) column = found->what->physical;
    }
    if (column.empty()) {
      column = fresh_column("key");
      derive(rows, column, text_of(key, in));
    }
    into.keys.emplace(meaning, column);
    columns.push_back(column);
  }
  std::vector<std::pair<std::string, mapped_text>> compute;
  std::vector<const node*> groupings;
  const std::function<void(const node&)> collect = [&](const node& part) {
    if (part.kind == syntax_kind::call && part.text == "grouping" && !part.window) return;
    if (!is_aggregate_call(part)) return for_each_part(part, collect);
    for (const auto& one : part.args)
      if (one && has_aggregate(*one)) {
        fault(one->begin, "invalid_expression", "aggregates can't be nested",
              "compute the inner one in a query in from");
        return;
      }
    auto text = text_of(part, in);
    if (into.calls.contains(text.text())) return;
    const auto name = fresh_column("agg");
    into.calls.emplace(text.text(), name);
    compute.emplace_back(name, std::move(text));
  };
  for (const auto* one : clauses_of(of)) collect(*one->tree);
  if (failed_) return false;
  if (core.has_sets) return group_by_sets(of, rows, in, columns, compute, into);
  std::vector<std::string> by;
  for (const auto& one : columns)
    if (std::find(by.begin(), by.end(), one) == by.end()) by.push_back(one);
  aggregate(rows, by, compute);
  return true;
}

/// One aggregate for each set; keys that are not in it are null. Their rows are then put together.
bool lowering::group_by_sets(const query& of, relation& rows, const names& in, const std::vector<std::string>& columns,
                             const std::vector<std::pair<std::string, mapped_text>>& compute, grouped_names& into) {
  std::vector<std::set<std::string>> sets = {{}};
  for (const auto& element : of.core->groupings) {
    std::vector<std::set<std::string>> more;
    for (const auto& before : sets)
      for (const auto& set : element.sets) {
        more.push_back(before);
        for (const auto key : set) more.back().insert(columns[key]);
      }
    sets = std::move(more);
    if (sets.size() > 4096)
      return fault(of.core->begin, "invalid_expression", "group by has more than 4,096 sets",
                   "name the sets that are needed");
  }
  std::map<std::string, std::vector<std::string>> bits;  // of each grouping(...): its keys
  for (const auto* one : clauses_of(of))
    for_each_node(*one->tree, [&](const node& part) {
      if (part.kind != syntax_kind::call || part.text != "grouping") return;
      std::vector<std::string> keys;
      for (const auto& key : part.args) {
        const auto found = into.keys.find(canonical(*key, in));
        if (found == into.keys.end()) {
          fault(key->begin, "invalid_expression", "grouping(...) takes what group by names", "name it in group by");
          return;
        }
        keys.push_back(found->second);
      }
      const auto meaning = canonical(part, in);
      if (into.keys.contains(meaning)) return;
      const auto name = fresh_column("grouping");
      into.keys.emplace(meaning, name);
      bits.emplace(name, std::move(keys));
    });
  if (failed_) return false;
  std::set<std::string> all(columns.begin(), columns.end());
  settle(rows, "rows");
  std::vector<std::string> branches;
  relation made;
  for (const auto& set : sets) {
    relation branch = rows;
    std::vector<std::string> by;
    auto results = compute;
    auto names = options::array();
    for (const auto& key : all) {
      if (set.contains(key))
        by.push_back(key);
      else
        results.emplace_back(key,
                             mapped_text("any_value(" + name_text(key) + ") filter (where false)", of.core->begin));
      names.push_back(key);
    }
    if (results.empty()) results.emplace_back(fresh_column("count"), mapped_text("count(*)", of.core->begin));
    aggregate(branch, by, results);
    for (const auto& [name, keys] : bits) {
      std::int64_t value = 0;
      for (const auto& key : keys) value = value * 2 + (set.contains(key) ? 0 : 1);
      derive(branch, name, {std::to_string(value), of.core->begin});
      names.push_back(name);
    }
    for (const auto& [name, text] : compute) names.push_back(name);
    branch.operations.push_back({.name = "select", .own = names});
    settle(branch, "group");
    branches.push_back(branch.unit);
    made.others = branch.others;
  }
  made.unit = branches.front();
  if (branches.size() > 1) {
    std::vector<operation> operations;
    operations.push_back({.name = "union", .own = options::object()});
    made.unit = add_unit(fresh_unit("groups"), branches, std::move(operations));
  }
  rows = std::move(made);
  return true;
}

void lowering::replace_grouped(const node& of, const names& in, const grouped_names& groups, const replacements& known,
                               replacements& into) {
  const auto where = extent_of(of, what_);
  if (const auto key = groups.keys.find(canonical(of, in)); key != groups.keys.end()) {
    auto end = where.end;
    if (of.kind == syntax_kind::column) end = what_.tokens[token_at(of.begin) + (of.names.size() - 1) * 2].end;
    into.push_back({{where.begin, end}, name_text(key->second)});
    return;
  }
  if (of.kind == syntax_kind::subquery) return replace_names(of, in, known, into);
  if (is_aggregate_call(of)) {
    const auto found = groups.calls.find(text_of(of, in).text());
    if (found != groups.calls.end()) into.push_back({where, found->second});
    return;
  }
  if (of.kind == syntax_kind::column) {
    const auto found = find(of, in, true);
    if (found)
      fault(of.begin, "invalid_expression",
            "the column " + of.names.back() + " must be in group by or inside of an aggregate",
            "add it to group by, or write for example max(" + of.names.back() + ")");
    return;
  }
  for_each_part(of, [&](const node& part) { replace_grouped(part, in, groups, known, into); });
}

mapped_text lowering::grouped_text(const node& of, const names& in, const grouped_names& groups,
                                   const replacements& known) {
  replacements all;
  replace_grouped(of, in, groups, known, all);
  return with(extent_of(of, what_), std::move(all));
}

}  // namespace sluice::sql
