#include "config/reading.hpp"

#include "config/secret_places.hpp"
#include "engine/error/names.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::config {

std::string enumerate(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (at > 0) text += at + 1 == words.size() ? " and " : ", ";
    text += words[at];
  }
  return text;
}

std::string suggest(const std::string& name, const std::vector<std::string>& known) {
  if (const auto near = nearest_name(name, known); !near.empty()) return "did you mean `" + near + "`?";
  return known.empty() ? std::string() : "possible keys: " + enumerate(known);
}

void reading::unknown_key(const node& key, const std::string& what, const std::vector<std::string>& known) const {
  fault(key, "unknown_key", what + " has no key " + (key.text.empty() ? "''" : key.text), suggest(key.text, known));
}

std::optional<std::string> read_text(const reading& in, const node& value, const std::string& what) {
  if (value.broken || refuse_secret(in, value, what)) return {};
  if (value.is_scalar()) return value.text;
  in.fault(value, "invalid_value", what + " must be text, found " + describe(value));
  return {};
}

std::optional<std::vector<std::string>> read_texts(const reading& in, const node& value, const std::string& what) {
  if (value.broken) return {};
  if (refuse_secret(in, value, what)) return {};
  if (value.is_scalar()) return std::vector<std::string>{value.text};
  if (!value.is_sequence()) {
    in.fault(value, "invalid_value", what + " must be text or a list of texts, found " + describe(value));
    return {};
  }
  std::vector<std::string> texts;
  for (const auto& item : value.items) {
    auto text = read_text(in, item, "an element of " + what);
    if (!text) return {};
    texts.push_back(*std::move(text));
  }
  return texts;
}

std::optional<std::int64_t> read_integer(const reading& in, const node& value, const std::string& what,
                                         std::int64_t least) {
  if (value.broken) return {};
  std::int64_t number = 0;
  const auto* end = value.text.data() + value.text.size();
  const auto [stop, problem] = std::from_chars(value.text.data(), end, number);
  if (value.is_scalar() && !value.text.empty() && problem == std::errc() && stop == end && number >= least)
    return number;
  in.fault(value, "invalid_value",
           what + " must be a whole number from " + std::to_string(least) + " on, found " + describe(value));
  return {};
}

std::optional<std::string> read_choice(const reading& in, const node& value, const std::string& what,
                                       const std::vector<std::string>& choices) {
  auto text = read_text(in, value, what);
  if (!text || std::find(choices.begin(), choices.end(), *text) != choices.end()) return text;
  in.fault(value, "invalid_value", what + " must be one of " + enumerate(choices) + ", found " + describe(value),
           suggest(*text, choices));
  return {};
}

}  // namespace sluice::config
