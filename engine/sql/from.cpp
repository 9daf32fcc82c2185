// FROM: tables, joins, and the conditions of WHERE that hold for single tables or join them.
#include "engine/error/names.hpp"
#include "engine/sql/lowering.hpp"

#include <algorithm>

namespace sluice::sql {

using expression::syntax_kind;

std::optional<relation> lowering::table(const table_ref& of, const common_tables& known) {
  relation rows;
  auto alias = of.alias.empty() ? of.name : of.alias;
  if (of.of) {
    auto made = lower_query(*of.of, known, nullptr);
    if (!made) return {};
    rows = *std::move(made);
  } else if (!of.file.empty()) {
    if (!files_.contains(of.file)) {
      fault(of.begin, "unknown_unit", "a file can't be used in from here, found '" + of.file + "'",
            "add a source to extract: that reads it, name that in from: and here; sluice query takes files");
      return {};
    }
    rows.unit = files_.at(of.file).get<std::string>();
    if (of.alias.empty()) alias = rows.unit;
  } else {
    const auto found = std::find_if(known.rbegin(), known.rend(),
                                    [&](const auto& one) { return same_name(one->what->name, of.name); });
    if (found != known.rend()) {
      auto& common = **found;
      if (!common.rows) {
        auto made = lower_query(*common.what->of, common.known, nullptr);
        if (!made || !name_columns(*made, common.what->column_names, common.what->begin)) return {};
        settle(*made, common.what->name);
        common.rows = *std::move(made);
      }
      rows = *common.rows;
    } else {
      rows.unit = of.name;
    }
  }
  if (rows.columns.empty()) {
    auto found = std::find_if(inputs_.begin(), inputs_.end(), [&](const auto& one) { return one.unit == rows.unit; });
    if (found == inputs_.end())
      found =
          std::find_if(inputs_.begin(), inputs_.end(), [&](const auto& one) { return same_name(one.unit, rows.unit); });
    if (found == inputs_.end()) {
      std::vector<std::string> units;
      for (const auto& one : inputs_) units.push_back(one.unit);
      for (const auto& one : known) units.push_back(one->what->name);
      const auto near = nearest_name(of.name, units);
      fault(of.begin, "unknown_unit", "there is no table " + of.name + " for this statement",
            near.empty() ? "name the unit in from: [" + joined(units) + ", " + of.name + "]"
                         : "did you mean `" + near + "`?");
      return {};
    }
    read_.insert(found->unit);
    rows.unit = unit_.from[static_cast<std::size_t>(found - inputs_.begin())];
    for (const auto& field : found->schema->fields())
      rows.columns.push_back({.table = {}, .name = field->name(), .physical = field->name()});
  }
  if (!name_columns(rows, of.column_names, of.begin)) return {};
  call_table(rows, alias);
  return rows;
}

bool lowering::add_leaves(const table_ref& of, const common_tables& known, bool may_lack, std::vector<leaf>& into) {
  if (of.left) {
    const bool left_lacks = of.how == join_word::right || of.how == join_word::full;
    const bool right_lacks = of.how == join_word::left || of.how == join_word::full;
    return add_leaves(*of.left, known, may_lack || left_lacks, into) &&
           add_leaves(*of.right, known, may_lack || right_lacks, into);
  }
  auto rows = table(of, known);
  if (!rows) return false;
  const auto alias = rows->columns.empty() ? std::string() : rows->columns.front().table;
  for (const auto& one : into)
    if (!alias.empty() && !one.rows.columns.empty() && same_name(one.rows.columns.front().table, alias))
      return fault(of.begin, "duplicate_unit", "from names " + alias + " twice",
                   "give each its own name: " + alias + " a join " + alias + " b");
  into.push_back({*std::move(rows), may_lack});
  return true;
}

void lowering::place_conditions(std::vector<condition>& where, std::vector<leaf>& leaves) {
  for (auto& one : where) {
    one.known = true;
    for_each_node(*one.tree, [&](const node& part) {
      if (part.kind == syntax_kind::subquery) one.known = false;
      if (part.kind != syntax_kind::column) return;
      std::size_t fits = 0;
      for (std::size_t i = 0; i < leaves.size(); ++i)
        if (find_here(part, leaves[i].rows.columns, false)) {
          ++fits;
          one.leaves.insert(i);
        }
      if (fits != 1) one.known = false;
    });
    if (!one.known || one.leaves.size() != 1 || leaves.size() == 1) continue;
    auto& at = leaves[*one.leaves.begin()];
    if (at.may_lack) continue;
    filter(at.rows, text_of(*one.tree, {&at.rows.columns, nullptr}));
    one.used = true;
  }
}

std::optional<relation> lowering::join_tree(const table_ref& of, std::vector<leaf>& leaves, std::size_t& next) {
  if (!of.left) return std::move(leaves[next++].rows);
  auto left = join_tree(*of.left, leaves, next);
  auto right = left ? join_tree(*of.right, leaves, next) : std::nullopt;
  if (!right) return {};
  const auto hint = right->columns.empty() || right->columns.front().table.empty() ? std::string("right")
                                                                                   : right->columns.front().table;
  set_apart(*left, *right, hint);
  if (!of.shared.empty()) return join_using(of, *std::move(left), *std::move(right));
  if (of.how == join_word::cross) return join(*std::move(left), *std::move(right), "cross", {}, hint);
  auto both = left->columns;
  both.insert(both.end(), right->columns.begin(), right->columns.end());
  auto on = text_of(of.on, {&both, nullptr});
  if (failed_) return {};
  static constexpr const char* words[] = {"inner", "left", "right", "full"};
  return join(*std::move(left), *std::move(right), words[static_cast<int>(of.how)], std::move(on), hint);
}

std::optional<relation> lowering::join_using(const table_ref& of, relation left, relation right) {
  mapped_text on;
  struct merged {
    std::string name, left, right;
  };
  std::vector<merged> all;
  for (const auto& name : of.shared) {
    const auto look = [&](const relation& in, const char* side) -> std::string {
      const column* found = nullptr;
      for (const auto& one : in.columns)
        if (one.shown && same_name(one.name, name)) found = &one;
      if (found != nullptr) return found->physical;
      fault(of.begin, "unknown_column",
            "the " + std::string(side) + " side of the join has no column " + name + ", which using names",
            "write on a.x = b.y where the names differ");
      return {};
    };
    all.push_back({name, look(left, "left"), look(right, "right")});
    if (failed_) return {};
    on.add((on.text().empty() ? "" : " and ") + name_text(all.back().left) + " = " + name_text(all.back().right),
           of.begin, false);
  }
  const auto hint = right.columns.front().table.empty() ? std::string("right") : right.columns.front().table;
  static constexpr const char* words[] = {"inner", "left", "right", "full"};
  auto rows = join(std::move(left), std::move(right), words[static_cast<int>(of.how)], std::move(on), hint);
  std::vector<column> front;
  for (const auto& one : all) {
    for (auto& each : rows.columns)
      if (each.physical == one.left || each.physical == one.right) each.shown = false;
    auto physical = of.how == join_word::right ? one.right : one.left;
    if (of.how == join_word::full) {
      physical = fresh_column("key");
      derive(rows, physical, {"coalesce(" + name_text(one.left) + ", " + name_text(one.right) + ")", of.begin});
    }
    front.push_back({.table = {}, .name = one.name, .physical = physical});
  }
  rows.columns.insert(rows.columns.begin(), front.begin(), front.end());
  return rows;
}

relation lowering::combine(std::vector<std::pair<relation, std::set<std::size_t>>> items,
                           std::vector<condition>& where) {
  std::size_t place = 0;
  for (auto& [rows, leaves] : items)
    for (auto& one : rows.columns) one.place = place++;
  auto made = std::move(items.front());
  items.erase(items.begin());
  const auto connects = [&](const condition& one, const std::set<std::size_t>& leaves, bool equal) {
    if (one.used || !one.known || (equal && (one.tree->kind != syntax_kind::binary || one.tree->text != "=")))
      return false;
    bool here = false;
    bool there = false;
    for (const auto number : one.leaves) {
      if (!made.second.contains(number) && !leaves.contains(number)) return false;
      here = here || made.second.contains(number);
      there = there || leaves.contains(number);
    }
    return here && there;
  };
  while (!items.empty()) {
    std::size_t next = 0;
    for (const bool equal : {false, true})
      for (std::size_t i = items.size(); i-- > 0;)
        if (std::any_of(where.begin(), where.end(),
                        [&](const auto& one) { return connects(one, items[i].second, equal); }))
          next = i;
    auto [rows, leaves] = std::move(items[next]);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(next));
    const auto hint = rows.columns.empty() ? std::string("right") : rows.columns.front().table;
    set_apart(made.first, rows, hint.empty() ? "right" : hint);
    auto both = made.first.columns;
    both.insert(both.end(), rows.columns.begin(), rows.columns.end());
    mapped_text on;
    for (auto& one : where) {
      if (!connects(one, leaves, false)) continue;
      one.used = true;
      if (!on.text().empty()) on.add(" and ", one.tree->begin, false);
      on.add("(", one.tree->begin, false);
      on.add(text_of(*one.tree, {&both, nullptr}));
      on.add(")", one.tree->begin, false);
    }
    const auto* how = on.text().empty() ? "cross" : "inner";
    made.first = join(std::move(made.first), std::move(rows), how, std::move(on), hint.empty() ? "right" : hint);
    made.second.insert(leaves.begin(), leaves.end());
  }
  std::stable_sort(made.first.columns.begin(), made.first.columns.end(),
                   [](const auto& a, const auto& b) { return a.place < b.place; });
  return std::move(made.first);
}

std::optional<relation> lowering::lower_from(const select_core& of, const common_tables& known,
                                             std::vector<condition>& where) {
  std::vector<leaf> leaves;
  std::vector<std::size_t> ends;
  for (const auto& one : of.from) {
    if (!add_leaves(*one, known, false, leaves)) return {};
    ends.push_back(leaves.size());
  }
  place_conditions(where, leaves);
  if (failed_) return {};
  std::vector<std::pair<relation, std::set<std::size_t>>> items;
  std::size_t next = 0;
  for (std::size_t i = 0; i < of.from.size(); ++i) {
    const auto first = next;
    auto rows = join_tree(*of.from[i], leaves, next);
    if (!rows) return {};
    std::set<std::size_t> numbers;
    for (auto number = first; number < ends[i]; ++number) numbers.insert(number);
    items.emplace_back(*std::move(rows), std::move(numbers));
  }
  return combine(std::move(items), where);
}

}  // namespace sluice::sql
