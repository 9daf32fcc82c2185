#pragma once

#include "config/node.hpp"
#include "config/substitution.hpp"
#include "engine/error/error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// What is wrong with the YAML itself, by byte offset in the text.
struct yaml_fault {
  error problem;
  std::size_t begin = 0;
};

/// Parses a text whose `${...}` are hidden into nodes; each scalar gets the placeholders that it holds.
std::optional<node> parse_yaml(const std::string& text, const std::vector<placeholder>& placeholders,
                               std::optional<yaml_fault>& fault);

}  // namespace sluice::config
