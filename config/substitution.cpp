#include "config/substitution.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::config {

namespace {

/// References within the defaults of references: each level is a call on the stack.
constexpr int most_levels = 32;
constexpr std::string_view secret_prefix = "secret:";
constexpr std::string_view secret_variable = "SLUICE_SECRET_";
constexpr const char* reported_already = "reported_already";

bool is_name(std::string_view text) {
  if (text.empty() || (std::isalpha(static_cast<unsigned char>(text.front())) == 0 && text.front() != '_'))
    return false;
  for (const unsigned char c : text)
    if (std::isalnum(c) == 0 && c != '_') return false;
  return true;
}

/// A `${...}` in a text, from its $ to behind its closing brace.
struct reference {
  std::size_t begin = 0;
  std::size_t end = 0;
  int levels = 1;  ///< itself and those in its default, in theirs ...
};

/// All references of a text that are closed, nested ones included, by their begin. A reference never spans lines. One
/// pass, whatever the text holds.
std::vector<reference> find_references(std::string_view text) {
  std::vector<reference> found;
  std::vector<std::size_t> open;  ///< indices in `found`
  const auto drop_open = [&] { open.clear(); };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') {
      drop_open();
    } else if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{') {
      open.push_back(found.size());
      found.push_back({.begin = at++});
    } else if (text[at] == '}' && !open.empty()) {
      auto& closed = found[open.back()];
      open.pop_back();
      closed.end = at + 1;
      if (!open.empty()) found[open.back()].levels = std::max(found[open.back()].levels, closed.levels + 1);
    }
  }
  std::erase_if(found, [](const reference& one) { return one.end == 0; });
  return found;
}

/// The one that begins at a place, or null.
const reference* reference_at(const std::vector<reference>& all, std::size_t begin) {
  const auto found = std::lower_bound(all.begin(), all.end(), begin,
                                      [](const reference& one, std::size_t at) { return one.begin < at; });
  return found != all.end() && found->begin == begin ? &*found : nullptr;
}

/// Fills in text that is not part of the YAML: the default of a reference.
result<std::string> fill_text(std::string_view text, const lookup& values);

/// The value of what stands between the braces.
result<std::string> fill_reference(std::string_view body, const lookup& values) {
  const auto whole = "${" + std::string(body) + "}";
  if (body.substr(0, secret_prefix.size()) == secret_prefix) {
    if (!is_name(body.substr(secret_prefix.size())))
      return user_error("invalid_substitution", whole + " is not the name of a secret",
                        "a secret's name may contain letters, digits and _: ${secret:warehouse_url}");
    return whole;
  }
  const auto split = body.find(":-");
  const auto name = body.substr(0, split);
  if (!is_name(name))
    return user_error("invalid_substitution",
                      whole + " is not a reference: '" + std::string(name) + "' is not a valid name",
                      "write ${name}, ${name:-default} or ${secret:name}; for a dollar sign write $$");
  if (name.starts_with(secret_variable))
    return user_error("invalid_substitution", whole + " would show a secret: its value is pasted as text",
                      "write ${secret:" + std::string(name.substr(secret_variable.size())) + "}");
  if (auto found = values.text(std::string(name))) {
    if (found->starts_with(placeholder_begin))
      return user_error("invalid_substitution",
                        "the value of " + std::string(name) + " contains a reference to a secret",
                        "write ${secret:...} directly in the pipeline");
    return *std::move(found);
  }
  if (split != std::string_view::npos) return fill_text(body.substr(split + 2), values);
  if (values.is_reported && values.is_reported(std::string(name))) return user_error(reported_already, whole);
  return user_error(
      "unset_variable", whole + " is neither a param of this pipeline nor set in the environment",
      "declare it under params:, set it in the environment, or give a default: ${" + std::string(name) + ":-default}");
}

result<std::string> fill_text(std::string_view text, const lookup& values) {
  std::string filled;
  const auto references = find_references(text);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '$') {
      filled += '$';
      ++at;
    } else if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{') {
      const auto* one = reference_at(references, at);
      if (one == nullptr) return user_error("invalid_substitution", "a ${ is not closed");
      SLUICE_ASSIGN(const auto value, fill_reference(text.substr(at + 2, one->end - at - 3), values));
      filled += value;
      at = one->end - 1;
    } else {
      filled += text[at];
    }
  }
  return filled;
}

result<std::string> filled_in(const placeholder& one, const lookup& values) {
  if (one.escape) return std::string("$");
  if (one.too_deep)
    return user_error("invalid_substitution",
                      "references are nested more than " + std::to_string(most_levels) + " levels deep",
                      "a default must be a value or another reference: ${a:-${b:-c}}");
  return fill_reference(one.body, values);
}

}  // namespace

std::vector<placeholder> hide_placeholders(std::string& text) {
  std::vector<placeholder> found;
  const auto references = find_references(text);
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (text[at] != '$') continue;
    placeholder one{.begin = at, .length = 2, .body = "$", .escape = true};
    if (text[at + 1] == '{') {
      const auto* closed = reference_at(references, at);
      if (closed == nullptr) continue;
      one = {.begin = at,
             .length = closed->end - at,
             .body = text.substr(at + 2, closed->end - at - 3),
             .too_deep = closed->levels > most_levels};
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
  const auto before = faults.size();
  if (const auto open = scalar.text.find("${"); open != std::string::npos)
    faults.push_back(
        {user_error("invalid_substitution", "this ${ is not closed", "close it with }, or write $${ for the text ${"),
         scalar.begin});
  scalar.broken = scalar.broken || faults.size() > before;
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
    auto value = filled_in(one, values);
    const auto filled = value.ok() ? *value : std::string();
    // What follows the sign would make it a reference, which nobody could tell from a real one.
    if (one.escape && std::string_view(scalar.masked).substr(at + one.length).starts_with("{secret:"))
      faults.push_back({user_error("invalid_substitution", "a text can't hold ${secret: itself: it means a secret",
                                   "write the text otherwise"),
                        one.begin});
    if (!value.ok()) {
      scalar.broken = true;
      if (value.problem().code != reported_already) faults.push_back({std::move(value).problem(), one.begin});
    }
    scalar.substitutions.push_back({scalar.text.size(), filled.size(), at, one.length});
    scalar.text += filled;
    at += one.length;
  }
}

}  // namespace sluice::config
