// From relations to units of a pipeline.
#include "engine/component/json_pointer.hpp"
#include "engine/sql/lowering.hpp"

#include <algorithm>

namespace sluice::sql {

std::string lowering::fresh_unit(const std::string& hint) {
  auto name = unit_.name + "_" + hint;
  for (int number = 2; unit_names_.contains(name); ++number)
    name = unit_.name + "_" + hint + "_" + std::to_string(number);
  unit_names_.insert(name);
  return name;
}

std::string lowering::fresh_column(const std::string& hint) { return "__" + hint + std::to_string(++numbers_); }

std::string lowering::add_unit(const std::string& name, std::vector<std::string> from,
                               std::vector<operation> operations) {
  unit_definition made;
  made.role = unit_role::transform;
  made.name = name;
  made.from = std::move(from);
  made.policy = unit_.policy;
  made.place = unit_.place;
  const auto path = unit_path(made);
  const bool single = operations.size() == 1;
  made.component = single ? operations.front().name : "steps";
  made.own = options::array();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    auto& one = operations[i];
    const auto before = single ? path : path + "/steps/" + std::to_string(i);
    for (auto& [where, text] : one.texts) made_.texts[before + where] = std::move(text);
    auto step = options::object();
    step[one.name] = one.own;
    if (!single) made.own.push_back(std::move(step));
  }
  if (single) made.own = std::move(operations.front().own);
  made_.units.push_back(std::move(made));
  return name;
}

void lowering::settle(relation& of, const std::string& hint) {
  if (of.operations.empty()) return;
  of.unit = add_unit(fresh_unit(hint), {of.unit}, std::move(of.operations));
  of.operations.clear();
}

void lowering::add(relation& to, std::string name, options own, std::string path, mapped_text text) {
  operation made{.name = std::move(name), .own = std::move(own)};
  made.texts.emplace_back(std::move(path), std::move(text));
  to.operations.push_back(std::move(made));
}

void lowering::filter(relation& to, mapped_text test) {
  auto own = options(test.text());
  add(to, "filter", std::move(own), "/filter", std::move(test));
}

void lowering::derive(relation& to, const std::string& name, mapped_text value) {
  auto own = options::object();
  own[name] = value.text();
  add(to, "derive", std::move(own), pointer({"derive", name}), std::move(value));
  to.others.push_back(name);
}

void lowering::rename(relation& to, const std::map<std::string, std::string>& given) {
  if (given.empty()) return;
  auto own = options::object();
  for (const auto& [old, fresh] : given) own[old] = fresh;
  to.operations.push_back({.name = "rename", .own = std::move(own)});
  for (auto& one : to.columns)
    if (const auto found = given.find(one.physical); found != given.end()) one.physical = found->second;
  for (auto& one : to.others)
    if (const auto found = given.find(one); found != given.end()) one = found->second;
}

void lowering::set_apart(const relation& left, relation& right, const std::string& hint) {
  std::map<std::string, std::string> given;
  const auto set_apart_one = [&](const std::string& physical) {
    if (!left.has(physical) || given.contains(physical)) return;
    auto name = hint + "_" + physical;
    while (left.has(name) || right.has(name)) name += "_";
    given[physical] = name;
  };
  for (const auto& one : right.columns) set_apart_one(one.physical);
  for (const auto& one : right.others) set_apart_one(one);
  rename(right, given);
}

relation lowering::join(relation left, relation right, const std::string& how, mapped_text on,
                        const std::string& hint) {
  settle(left, "rows");
  settle(right, hint);
  // A unit can't be both inputs: expressions could not tell them apart.
  if (left.unit == right.unit) {
    only(right);
    settle(right, hint);
  }
  operation made{.name = "join", .own = options::object()};
  made.own["how"] = how;
  if (how != "cross") {
    made.own["on"] = on.text();
    made.texts.emplace_back("/join/on", std::move(on));
  }
  std::vector<operation> all;
  all.push_back(std::move(made));
  relation joined_rows;
  joined_rows.unit = add_unit(fresh_unit("join"), {left.unit, right.unit}, std::move(all));
  joined_rows.columns = std::move(left.columns);
  joined_rows.others = std::move(left.others);
  if (how == "semi" || how == "anti") return joined_rows;
  joined_rows.columns.insert(joined_rows.columns.end(), right.columns.begin(), right.columns.end());
  joined_rows.others.insert(joined_rows.others.end(), right.others.begin(), right.others.end());
  return joined_rows;
}

void lowering::only(relation& rows) {
  auto own = options::array();
  for (const auto& one : rows.columns) own.push_back(one.physical);
  rows.operations.push_back({.name = "select", .own = std::move(own)});
  rows.others.clear();
}

std::optional<lowered> lowering::run() {
  for (const auto& one : inputs_) unit_names_.insert(one.unit);
  auto rows = lower_query(*what_.of, {}, nullptr);
  if (!rows || failed_) return {};
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (!read_.contains(inputs_[i].unit)) {
      auto problem = user_error("unread_unit", "the statement does not read " + inputs_[i].unit + ", which from: names",
                                "remove it from from:, or name it in the statement");
      problem.path = "/from";
      faults_.push_back(std::move(problem));
      failed_ = true;
    }
  std::set<std::string> seen;
  for (const auto& one : rows->columns)
    if (!seen.insert(one.name).second)
      fault(
          item_begins_[one.name], "duplicate_column", "the result has two columns named " + one.name,
          "give one of them another name: " + (one.table.empty() ? "" : one.table + ".") + one.name + " as other_name");
  if (failed_) return {};
  // The columns have the names of the statement; the last unit is the one that others read.
  if (rows->operations.empty()) only(*rows);
  std::vector<operation> last = std::move(rows->operations);
  add_unit(unit_.name, {rows->unit}, std::move(last));
  auto& made = made_.units.back();
  made.description = unit_.description;
  return std::move(made_);
}

std::optional<lowered> lower(const unit_definition& unit, const std::vector<input_port>& inputs, diagnostics& faults) {
  const bool with_files = unit.own.is_object();
  const auto text = with_files             ? unit.own.at("query").get<std::string>()
                    : unit.own.is_string() ? unit.own.get<std::string>()
                                           : unit.own.dump();
  const auto files = with_files ? unit.own.at("files") : options::object();
  const auto parsed = parse_statement(text, "/sql", faults);
  if (!parsed) return {};
  return lowering(unit, *parsed, inputs, files, faults).run();
}

}  // namespace sluice::sql
