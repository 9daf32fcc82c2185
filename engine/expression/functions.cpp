#include "engine/expression/functions.hpp"

#include "engine/expression/functions/number_text.hpp"

#include <algorithm>
#include <map>

namespace sluice::expression {

namespace {

const std::map<std::string, const function*>& all_functions() {
  static const auto all = [] {
    std::map<std::string, const function*> made;
    for (const auto* family : {&math_functions(),
                               &text_functions(),
                               &text_part_functions(),
                               &pattern_functions(),
                               &regular_expression_functions(),
                               &condition_functions(),
                               &date_functions(),
                               &date_field_functions(),
                               &date_make_functions(),
                               &format_functions(),
                               &hash_functions(),
                               &random_functions(),
                               &regular_expression_part_functions(),
                               &text_form_functions(),
                               &json_access_functions(),
                               &json_build_functions(),
                               &json_change_functions(),
                               &json_query_functions(),
                               &list_change_functions(),
                               &list_search_functions(),
                               &number_text_functions(),
                               &list_functions(),
                               &encoding_functions(),
                               &attempt_functions(),
                               &number_functions(),
                               &date_span_functions()})
      for (const auto& each : *family) made[each.spec.name] = &each;
    return made;
  }();
  return all;
}

}  // namespace

const function* find_function(const std::string& name) {
  const auto found = all_functions().find(name);
  return found == all_functions().end() ? nullptr : found->second;
}

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  for (const auto& [name, each] : all_functions()) names.push_back(name);
  for (const auto& spec : aggregate_specs()) names.push_back(spec.name);
  for (const auto& spec : window_function_specs()) names.push_back(spec.name);
  return names;
}

const std::vector<function_spec>& functions() {
  static const auto all = [] {
    std::vector<function_spec> specs = aggregate_specs();
    specs.insert(specs.end(), window_function_specs().begin(), window_function_specs().end());
    for (const auto& [name, each] : all_functions()) specs.push_back(each->spec);
    std::sort(specs.begin(), specs.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return specs;
  }();
  return all;
}

}  // namespace sluice::expression
