#include "config/substitution.hpp"

#include <cctype>

namespace sluice::config {

namespace {

constexpr std::string_view secret_prefix = "secret:";

bool is_name(std::string_view text) {
  if (text.empty() || (std::isalpha(static_cast<unsigned char>(text.front())) == 0 && text.front() != '_'))
    return false;
  for (const unsigned char c : text)
    if (std::isalnum(c) == 0 && c != '_') return false;
  return true;
}

/// The end of the `${` at `begin` (behind its brace, nested ones skipped), or npos. A reference never spans lines.
std::size_t end_of_reference(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (std::size_t at = begin; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{') {
      ++depth;
      ++at;
    } else if (text[at] == '}' && --depth == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

/// Fills in text that is not part of the YAML: the default of a reference.
result<std::string> fill_text(std::string_view text, const lookup& values);

/// The value of what stands between the braces.
result<std::string> fill_reference(std::string_view body, const lookup& values) {
  const auto whole = "${" + std::string(body) + "}";
  if (body.substr(0, secret_prefix.size()) == secret_prefix) {
    if (!is_name(body.substr(secret_prefix.size())))
      return user_error("invalid_substitution", whole + " does not name a secret",
                        "a secret's name has letters, digits and _: ${secret:warehouse_url}");
    return whole;
  }
  const auto split = body.find(":-");
  const auto name = body.substr(0, split);
  if (!is_name(name))
    return user_error("invalid_substitution", whole + " is not a reference: '" + std::string(name) + "' is not a name",
                      "write ${name}, ${name:-default} or ${secret:name}; $$ stands for one dollar sign");
  if (auto found = values(std::string(name))) {
    if (found->find("${secret:") != std::string::npos)
      return user_error("invalid_substitution", "the value of " + std::string(name) + " holds a reference to a secret",
                        "write ${secret:...} in the pipeline itself");
    return *std::move(found);
  }
  if (split != std::string_view::npos) return fill_text(body.substr(split + 2), values);
  return user_error(
      "unset_variable", whole + " is neither a param of this pipeline nor set in the environment",
      "declare it under params, set it in the environment, or give a default: ${" + std::string(name) + ":-default}");
}

result<std::string> fill_text(std::string_view text, const lookup& values) {
  std::string filled;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '$') {
      filled += '$';
      ++at;
    } else if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{') {
      const auto end = end_of_reference(text, at);
      if (end == std::string_view::npos) return user_error("invalid_substitution", "a ${ is not closed");
      SLUICE_ASSIGN(const auto value, fill_reference(text.substr(at + 2, end - at - 3), values));
      filled += value;
      at = end - 1;
    } else {
      filled += text[at];
    }
  }
  return filled;
}

}  // namespace

std::vector<placeholder> hide_placeholders(std::string& text) {
  std::vector<placeholder> found;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (text[at] != '$') continue;
    placeholder one{.begin = at, .length = 2, .body = "$", .escape = true};
    if (text[at + 1] == '{') {
      const auto end = end_of_reference(text, at);
      if (end == std::string::npos) continue;
      one = {.begin = at, .length = end - at, .body = text.substr(at + 2, end - at - 3)};
    } else if (text[at + 1] != '$') {
      continue;
    }
    text[at] = placeholder_begin;
    for (std::size_t rest = 1; rest < one.length; ++rest) text[at + rest] = placeholder_rest;
    at += one.length - 1;
    found.push_back(std::move(one));
  }
  return found;
}

void substitute(node& scalar, const std::vector<placeholder>& all, const lookup& values,
                std::vector<substitution_fault>& faults) {
  if (const auto open = scalar.text.find("${"); open != std::string::npos)
    faults.push_back(
        {user_error("invalid_substitution", "this ${ is not closed", "close it with }, or write $${"), scalar.begin});
  if (scalar.placeholders.empty()) return;
  scalar.masked = std::move(scalar.text);
  scalar.text.clear();
  std::size_t next = 0;
  for (std::size_t at = 0; at < scalar.masked.size();) {
    if (scalar.masked[at] != placeholder_begin || next == scalar.placeholders.size()) {
      scalar.text += scalar.masked[at++];
      continue;
    }
    const auto& one = all[scalar.placeholders[next++]];
    auto value = one.escape ? result<std::string>(std::string("$")) : fill_reference(one.body, values);
    if (!value.ok()) faults.push_back({std::move(value).problem(), one.begin});
    const auto filled = value.ok() ? *value : std::string();
    scalar.substitutions.push_back({scalar.text.size(), filled.size(), at, one.length});
    scalar.text += filled;
    at += one.length;
  }
}

}  // namespace sluice::config
