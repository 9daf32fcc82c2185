#include "engine/plan/grouping_sets.hpp"

#include "engine/operators/binding.hpp"

#include <algorithm>
#include <string>

namespace sluice {

namespace {

using key_names = std::vector<std::string>;

constexpr std::size_t most_cube_keys = 10;
constexpr std::size_t most_sets = 1024;

void add_fault(diagnostics& faults, std::string path, std::string message, std::string hint) {
  auto fault = user_error("invalid_option", std::move(message), std::move(hint));
  fault.path = "/aggregate" + path;
  faults.push_back(std::move(fault));
}

key_names names_of(const options& list) {
  key_names names;
  if (list.is_array())
    for (const auto& one : list) names.push_back(one.get<std::string>());
  return names;
}

bool given(const options& own, const char* name) { return own.contains(name) && !own.at(name).is_null(); }

/// The sets that one of the three options means.
std::vector<key_names> sets_of(const options& own, diagnostics& faults) {
  std::vector<key_names> sets;
  if (given(own, "sets"))
    for (const auto& one : own.at("sets")) sets.push_back(names_of(one));
  if (given(own, "rollup"))
    for (auto keys = names_of(own.at("rollup"));; keys.pop_back()) {
      sets.push_back(keys);
      if (keys.empty()) break;
    }
  if (!given(own, "cube")) return sets;
  const auto keys = names_of(own.at("cube"));
  if (keys.size() > most_cube_keys) {
    add_fault(faults, "/cube", "a cube of more than 10 columns has too many sets",
              "name those that are needed: sets: [[a, b], [a], []]");
    return {};
  }
  for (auto mask = std::size_t{1} << keys.size(); mask-- > 0;) {
    key_names set;
    for (std::size_t i = 0; i < keys.size(); ++i)
      if ((mask >> (keys.size() - 1 - i) & 1) != 0) set.push_back(keys[i]);
    sets.push_back(std::move(set));
  }
  return sets;
}

void add_new(key_names& to, const key_names& names) {
  for (const auto& one : names)
    if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
}

/// The aggregate of one set, its columns in the order of all keys.
unit_definition branch(const unit_definition& unit, const key_names& all, const key_names& set) {
  auto made = unit;
  auto aggregate = options::object();
  auto columns = options::array();
  auto by = options::array();
  auto compute = unit.own.value("compute", options::object());
  const auto computed = compute;
  for (const auto& key : all) {
    if (std::find(set.begin(), set.end(), key) != set.end())
      by.push_back(key);
    else
      compute[key] = "any_value(" + quoted_name(key) + ") filter (where false)";
    columns.push_back(key);
  }
  for (const auto& [name, text] : computed.items()) columns.push_back(name);
  aggregate["by"] = std::move(by);
  aggregate["compute"] = std::move(compute);
  auto first = options::object();
  first["aggregate"] = std::move(aggregate);
  auto second = options::object();
  second["select"] = std::move(columns);
  made.component = "steps";
  made.own = options::array();
  made.own.push_back(std::move(first));
  made.own.push_back(std::move(second));
  made.parallelism.reset();
  return made;
}

}  // namespace

bool has_grouping_sets(const unit_definition& unit) {
  return unit.role == unit_role::transform && unit.component == "aggregate" && unit.own.is_object() &&
         (given(unit.own, "sets") || given(unit.own, "rollup") || given(unit.own, "cube"));
}

std::vector<unit_definition> split_by_sets(const unit_definition& unit, diagnostics& faults) {
  const auto before = faults.size();
  const int ways = given(unit.own, "sets") + given(unit.own, "rollup") + given(unit.own, "cube");
  if (ways > 1)
    add_fault(faults, "", "an aggregate has one of sets, rollup and cube, found several",
              "write the sets themselves: sets: [[a, b], [a], []]");
  if (given(unit.own, "window"))
    add_fault(faults, "/window", "a window can't be used with sets, rollup or cube",
              "aggregate by window first, then again in another unit");
  const auto sets = ways == 1 ? sets_of(unit.own, faults) : std::vector<key_names>();
  if (ways == 1 && sets.empty() && faults.size() == before)
    add_fault(faults, "/sets", "sets is empty", "sets: [[country, city], [country], []]");
  if (sets.size() > most_sets)
    add_fault(faults, "/sets", "there are more than 1,024 sets", "name those that are needed");
  if (faults.size() > before) return {};
  const auto common = names_of(unit.own.value("by", options::array()));
  auto all = common;
  for (const auto& set : sets) add_new(all, set);
  std::vector<unit_definition> made;
  for (const auto& set : sets) {
    auto keys = common;
    add_new(keys, set);
    made.push_back(branch(unit, all, keys));
    made.back().name = unit.name + "_set_" + std::to_string(made.size());
  }
  auto last = unit;
  last.component = "union";
  last.own = options::object();
  last.parallelism.reset();
  last.from.clear();
  for (const auto& one : made) last.from.push_back(one.name);
  if (made.size() == 1) {
    made.front().name = unit.name;
    return made;
  }
  made.push_back(std::move(last));
  return made;
}

}  // namespace sluice
