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

/// The same for `validate` and `explain`, which also work without secrets: one that is not set gives the remark
/// unset_secret, and planning goes on as far as it can.
std::function<result<std::string>(const std::string& name)> optional_secrets();

/// True where one of `faults`, from number `from` on, says that a unit could not be made for want of a secret.
bool has_unset_secret(const diagnostics& faults, std::size_t from);

/// Options with the values of their secrets in the place of every ${secret:NAME}: for a component that is made of them,
/// and for nothing else. Each value is known to the mask from then on. The error of a missing one has the path of the
/// option that needs it.
result<options> reveal_secrets(const options& own, const run_context& context);

/// A text that `secrets::hide` has made, with the values that its secrets have now; as it is where one can't be had.
std::string revealed_or_kept(const std::string& text, const run_context& context);

/// Names of the secrets that options refer to, each once.
std::vector<std::string> secrets_of(const options& own);

}  // namespace sluice
