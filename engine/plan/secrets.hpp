#pragma once

#include "engine/component/options.hpp"
#include "engine/component/run_context.hpp"
#include "engine/error/error.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice {

/// Looks secrets up as a node does: SLUICE_SECRET_NAME in the environment, else the file /run/secrets/NAME.
std::function<result<std::string>(const std::string& name)> node_secrets();

/// Options with every `${secret:NAME}` filled in; they must live no longer than the component's request.
/// The error of a missing one has the path of the option that needs it.
struct revealed_options {
  options own;
  std::vector<std::string> values;  ///< what was filled in, to be hidden in messages
};
result<revealed_options> reveal_secrets(const options& own, const run_context& context);

/// Replaces each secret in the faults' texts by "***".
void hide_secrets(const std::vector<std::string>& values, diagnostics& faults, std::size_t from);

}  // namespace sluice
