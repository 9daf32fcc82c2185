#pragma once

#include "engine/expression/bind/binder.hpp"

namespace sluice::expression {

/// A call to bind: its name and typed arguments.
struct call_site {
  std::string name;
  std::size_t at = 0;
  std::vector<argument> args;
};

/// A function of the language: its description, how many arguments it takes, and how it is bound. One function is one
/// entry of one family's list.
struct function {
  function_spec spec;
  std::size_t least = 0;
  std::size_t most = 0;
  node_ptr (*bind)(binder& b, const call_site& site) = nullptr;
  /// Where arguments may be named, f(days => 10): their names in order. What is left out is 0.
  std::vector<std::string> names = {};
};

inline constexpr std::size_t any_number = 1000;

/// The families, each in a file of its own under functions/.
const std::vector<function>& math_functions();
const std::vector<function>& text_functions();
const std::vector<function>& text_part_functions();
const std::vector<function>& pattern_functions();
const std::vector<function>& regular_expression_functions();
const std::vector<function>& condition_functions();
const std::vector<function>& date_functions();
const std::vector<function>& date_field_functions();
const std::vector<function>& date_make_functions();
const std::vector<function>& format_functions();
const std::vector<function>& hash_functions();
const std::vector<function>& random_functions();
const std::vector<function>& regular_expression_part_functions();
const std::vector<function>& text_form_functions();
const std::vector<function>& list_functions();
const std::vector<function>& json_access_functions();
const std::vector<function>& json_build_functions();
const std::vector<function>& json_change_functions();
const std::vector<function>& json_query_functions();
const std::vector<function>& list_change_functions();
const std::vector<function>& list_search_functions();
const std::vector<function>& encoding_functions();
const std::vector<function>& attempt_functions();
const std::vector<function>& number_functions();
const std::vector<function>& date_span_functions();

/// Finds a function by its name in lower case, or null.
const function* find_function(const std::string& name);
/// True for names of aggregates.
bool is_aggregate(const std::string& name);
/// True for functions that only exist with OVER: row_number, lag ...
bool is_window_function(const std::string& name);
/// Descriptions of those.
const std::vector<function_spec>& window_function_specs();
/// Descriptions of the aggregates, without evaluators: the transform aggregate runs them.
const std::vector<function_spec>& aggregate_specs();
/// The rows that their examples are computed over.
const char* aggregate_example_rows();
/// Names of all functions and aggregates, for "did you mean".
std::vector<std::string> function_names();

}  // namespace sluice::expression
