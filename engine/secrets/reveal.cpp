#include "engine/secrets/reveal.hpp"

#include "engine/secrets/known_secrets.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

namespace sluice {

namespace {

using secrets::reference_begin;

/// Calls `each` with the name of every reference; what it gives takes the place of the reference. One without a name
/// stands for the $ of a text that looks like a reference itself (`secrets::hide`).
template <class Each>
status for_each_reference(std::string& text, Each each) {
  for (auto at = text.find(reference_begin); at != std::string::npos; at = text.find(reference_begin, at)) {
    const auto end = text.find('}', at);
    if (end == std::string::npos) break;
    const auto name = text.substr(at + reference_begin.size(), end - at - reference_begin.size());
    std::string value = "$";
    if (!name.empty()) {
      SLUICE_ASSIGN(value, each(name));
    }
    text.replace(at, end + 1 - at, value);
    at += value.size();
  }
  return {};
}

status reveal_all(options& value, const run_context& context, const std::string& path) {
  if (value.is_string()) {
    auto revealed = for_each_reference(value.text(), [&](const std::string& name) -> result<std::string> {
      if (!context.secret) return user_error("missing_secret", "the secret " + name + " can't be read here");
      SLUICE_ASSIGN(auto found, context.secret(name));
      secrets::remember(name, found);
      return found;
    });
    if (revealed.ok()) return {};
    auto problem = std::move(revealed).problem();
    problem.path = path;
    return problem;
  }
  for (auto& [key, element] : value.items()) {
    auto inner = path;
    inner.append("/").append(key);
    SLUICE_TRY(reveal_all(element, context, inner));
  }
  if (value.is_array())
    for (std::size_t at = 0; at < value.size(); ++at)
      SLUICE_TRY(reveal_all(value[at], context, path + "/" + std::to_string(at)));
  return {};
}

void add_names(const options& value, std::vector<std::string>& names) {
  if (value.is_string()) {
    auto text = value.text();
    (void)for_each_reference(text, [&](const std::string& name) -> result<std::string> {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      return std::string();
    });
  } else if (value.is_structured()) {
    for (const auto& element : value) add_names(element, names);
  }
}

}  // namespace

std::function<result<std::string>(const std::string& name)> node_secrets() {
  return [](const std::string& name) -> result<std::string> {
    std::string variable = "SLUICE_SECRET_";
    for (const unsigned char c : name) {
      if (std::isalnum(c) == 0 && c != '_')
        return user_error("missing_secret", "'" + name + "' is not a valid name of a secret");
      variable += static_cast<char>(std::toupper(c));
    }
    if (const char* value = std::getenv(variable.c_str())) return std::string(value);
    if (const char* value = std::getenv(("SLUICE_SECRET_" + name).c_str())) return std::string(value);
    if (std::ifstream file("/run/secrets/" + name, std::ios::binary); file) {
      std::ostringstream text;
      text << file.rdbuf();
      auto value = text.str();
      while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();
      return value;
    }
    return user_error("missing_secret", "the secret " + name + " is not set here",
                      "set " + variable + " in the environment, or write the file /run/secrets/" + name);
  };
}

std::function<result<std::string>(const std::string& name)> optional_secrets() {
  return [look_up = node_secrets()](const std::string& name) -> result<std::string> {
    auto found = look_up(name);
    if (found.ok() || found.problem().code != "missing_secret") return found;
    auto problem = std::move(found).problem();
    problem.code = "unset_secret";
    problem.message += ": the unit is not checked further, nor is what reads from it";
    return problem;
  };
}

bool has_unset_secret(const diagnostics& faults, std::size_t from) {
  return std::any_of(faults.begin() + static_cast<std::ptrdiff_t>(from), faults.end(),
                     [](const error& fault) { return fault.code == "unset_secret"; });
}

result<options> reveal_secrets(const options& own, const run_context& context) {
  auto revealed = own;
  SLUICE_TRY(reveal_all(revealed, context, {}));
  return revealed;
}

std::string revealed_or_kept(const std::string& text, const run_context& context) {
  if (!secrets::has_reference(text)) return text;
  const auto revealed = reveal_secrets(text, context);
  return revealed.ok() ? revealed->text() : text;
}

std::vector<std::string> secrets_of(const options& own) {
  std::vector<std::string> names;
  add_names(own, names);
  return names;
}

}  // namespace sluice
