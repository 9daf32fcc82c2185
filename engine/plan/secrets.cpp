#include "engine/plan/secrets.hpp"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

namespace sluice {

namespace {

constexpr std::string_view opening = "${secret:";

status reveal_text(std::string& text, const run_context& context, std::vector<std::string>& values) {
  for (auto at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
    const auto end = text.find('}', at);
    if (end == std::string::npos) break;
    const auto name = text.substr(at + opening.size(), end - at - opening.size());
    if (!context.secret) return user_error("missing_secret", "the secret " + name + " can't be read here");
    SLUICE_ASSIGN(auto value, context.secret(name));
    text.replace(at, end + 1 - at, value);
    at += value.size();
    if (!value.empty()) values.push_back(std::move(value));
  }
  return {};
}

status reveal_all(options& value, const run_context& context, std::vector<std::string>& values,
                  const std::string& path) {
  if (value.is_string()) {
    auto revealed = reveal_text(value.text(), context, values);
    if (revealed.ok()) return {};
    auto problem = std::move(revealed).problem();
    problem.path = path;
    return problem;
  }
  for (auto& [key, element] : value.items()) SLUICE_TRY(reveal_all(element, context, values, path + "/" + key));
  if (value.is_array())
    for (std::size_t at = 0; at < value.size(); ++at)
      SLUICE_TRY(reveal_all(value[at], context, values, path + "/" + std::to_string(at)));
  return {};
}

void hide(const std::vector<std::string>& values, std::string& text) {
  for (const auto& value : values)
    for (auto at = text.find(value); at != std::string::npos; at = text.find(value, at + 3))
      text.replace(at, value.size(), "***");
}

}  // namespace

std::function<result<std::string>(const std::string& name)> node_secrets() {
  return [](const std::string& name) -> result<std::string> {
    std::string variable = "SLUICE_SECRET_";
    for (const unsigned char c : name) {
      if (std::isalnum(c) == 0 && c != '_')
        return user_error("missing_secret", "'" + name + "' is no name of a secret");
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
    return user_error("missing_secret", "the secret " + name + " is not set at this node",
                      "set " + variable + " in the node's environment, or write the file /run/secrets/" + name);
  };
}

result<revealed_options> reveal_secrets(const options& own, const run_context& context) {
  revealed_options made{own, {}};
  SLUICE_TRY(reveal_all(made.own, context, made.values, {}));
  return made;
}

void hide_secrets(const std::vector<std::string>& values, diagnostics& faults, std::size_t from) {
  for (auto at = from; at < faults.size(); ++at) {
    hide(values, faults[at].message);
    hide(values, faults[at].hint);
    hide(values, faults[at].where);
  }
}

}  // namespace sluice
