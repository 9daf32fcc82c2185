#pragma once

#include "engine/expression/functions/support.hpp"

#include <arrow/compute/exec.h>

namespace sluice::expression {

/// An Arrow compute function as a kernel's state.
struct arrow_call {
  std::string function;
  std::shared_ptr<arrow::compute::FunctionOptions> options;
};

/// Calls it with the first argument.
inline result<array_ptr> arrow_kernel(call& c) {
  const auto& what = *static_cast<const arrow_call*>(c.state);
  auto made = arrow::compute::CallFunction(what.function, {arrow::Datum(c.args[0].array)}, what.options.get());
  if (!made.ok()) return from_arrow(made.status(), "evaluate " + what.function);
  return made->make_array();
}

inline call_node::options with_arrow(const char* function,
                                     std::shared_ptr<arrow::compute::FunctionOptions> options = nullptr) {
  return {.state = std::make_shared<const arrow_call>(arrow_call{function, std::move(options)})};
}

}  // namespace sluice::expression
