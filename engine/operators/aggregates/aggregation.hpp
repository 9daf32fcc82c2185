#pragma once

#include "engine/expression/expression.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::aggregates {

/// What the options of an aggregate say, bound.
struct aggregation {
  struct call {
    expression::aggregate_call what;
    int argument = -1;  ///< index in inputs; -1: none
    int filter = -1;
    int state = 0;  ///< index in states
  };
  struct output {
    std::string name;
    std::vector<int> calls;
    expression::bound_ptr final = nullptr;
    std::shared_ptr<arrow::Schema> final_schema = nullptr;  ///< keys, then the calls' results
  };
  struct input {
    expression::bound_ptr value;
    std::string column;  ///< named in errors
    /// Inputs that are the filters of all calls that read this one: it counts in the rows where one of them is true.
    /// Empty: it counts in all rows.
    std::vector<int> filters = {};
    bool read_unfiltered = false;
  };

  std::vector<int> keys;
  std::vector<std::shared_ptr<arrow::DataType>> key_types;  ///< as canonical_key_type gives them
  /// By key: the call that gives it as its group's first row writes it, where equal keys may differ in that
  /// (intervals); -1: the key itself.
  std::vector<int> spelled_keys;
  std::vector<input> inputs;  ///< each expression once, however many calls read it
  std::vector<call> calls;
  std::vector<int> states;  ///< a call that each state is made for; others of
                            ///< its family read it too
  std::vector<output> outputs;

  /// Adds a call and what it reads; gives its number.
  int add_call(expression::aggregate_call what, const std::string& column);

  /// Evaluates all inputs. What is behind a filter has errors only in rows that the filter lets pass.
  result<std::vector<std::shared_ptr<arrow::Array>>> evaluate(const batch& rows, row_errors& errors) const;

 private:
  int add_input(const expression::bound_ptr& value, const std::string& column);
};

}  // namespace sluice::aggregates
