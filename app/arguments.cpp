#include "app/arguments.hpp"

#include "engine/error/names.hpp"
#include "engine/values/types.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>

namespace sluice::app {

namespace {

error bad_arguments(const std::string& verb, std::string message, std::string hint = {}) {
  if (hint.empty()) hint = verb.empty() ? "see: sluice --help" : "see: sluice " + verb + " --help";
  return user_error("bad_arguments", std::move(message), std::move(hint));
}

std::string shown(const option_spec& option) { return option.names.front(); }
std::string shown(const positional_spec& positional) { return positional.name; }

/// Text as it came from CLI11, until it is stored in its target.
struct taken {
  std::vector<std::string> texts;
  bool flag = false;
};

status store_integer(const std::string& verb, const std::string& name, const std::string& text, std::int64_t& target) {
  const auto* end = text.data() + text.size();
  std::int64_t value = 0;
  const auto [stopped, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || stopped != end || value < 0)
    return bad_arguments(verb, name + " must be a whole number, found '" + text + "'");
  target = value;
  return {};
}

template <class Spec>
status store(const std::string& verb, const Spec& spec, const taken& from) {
  for (const auto& text : from.texts) {
    if (spec.choices.empty() || std::find(spec.choices.begin(), spec.choices.end(), text) != spec.choices.end())
      continue;
    std::string list;
    for (const auto& choice : spec.choices) list += (list.empty() ? "" : ", ") + choice;
    const auto nearest = nearest_name(text, spec.choices);
    return bad_arguments(verb, fmt::format("{} must be one of {}, found '{}'", shown(spec), list, text),
                         nearest.empty() ? "" : "did you mean " + nearest + "?");
  }
  if (auto* const* flag = std::get_if<bool*>(&spec.target)) {
    **flag = from.flag;
    return {};
  }
  if (from.texts.empty()) return {};
  const auto& last = from.texts.back();
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&spec.target)) **list = from.texts;
  if (auto* const* text = std::get_if<std::string*>(&spec.target)) **text = last;
  if (auto* const* number = std::get_if<std::int64_t*>(&spec.target))
    return store_integer(verb, shown(spec), last, **number);
  if (auto* const* number = std::get_if<std::optional<std::int64_t>*>(&spec.target)) {
    std::int64_t value = 0;
    SLUICE_TRY(store_integer(verb, shown(spec), last, value));
    **number = value;
  }
  return {};
}

error unexpected(const std::string& verb, const arguments& what, const std::string& word) {
  if (word.size() < 2 || word[0] != '-')
    return bad_arguments(verb, "unexpected argument '" + word + "'" + (verb.empty() ? "" : " for sluice " + verb));
  const auto name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const auto& option : what.options) known.insert(known.end(), option.names.begin(), option.names.end());
  const auto message = "sluice " + verb + (verb.empty() ? "" : " ") + "has no option " + name;
  for (const auto& [option, hint] : what.elsewhere)
    if (option == name) return bad_arguments(verb, message, hint);
  const auto nearest = nearest_name(name, known);
  return bad_arguments(verb, message, nearest.empty() ? "" : "did you mean " + nearest + "?");
}

void add_options(CLI::App& app, const arguments& what, std::vector<taken>& options) {
  for (std::size_t i = 0; i < what.options.size(); ++i) {
    const auto& spec = what.options[i];
    std::string names;
    for (const auto& name : spec.names) names += (names.empty() ? "" : ",") + name;
    if (std::holds_alternative<bool*>(spec.target)) {
      app.add_flag(names, options[i].flag);
    } else {
      app.add_option(names, options[i].texts)->allow_extra_args(false)->type_name("");
    }
  }
}

/// Deals the words that belong to no option out to the positionals; gives the first word that is one too many.
std::optional<std::string> deal(const std::vector<std::string>& words, const arguments& what,
                                std::vector<taken>& positionals) {
  std::size_t next = 0;
  for (const auto& word : words) {
    if (word.size() > 1 && word[0] == '-') return word;
    if (next == positionals.size()) return word;
    positionals[next].texts.push_back(word);
    if (!std::holds_alternative<std::vector<std::string>*>(what.positionals[next].target)) ++next;
  }
  return std::nullopt;
}

}  // namespace

status parse(const std::string& verb, const arguments& what, const std::vector<std::string>& words) {
  CLI::App app("sluice");
  app.set_help_flag();
  app.allow_extras();
  std::vector<taken> options(what.options.size());
  std::vector<taken> positionals(what.positionals.size());
  add_options(app, what, options);
  try {
    // CLI11 takes the words from the back.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& problem) {
    // Every option takes text here, so that all that can go wrong is a value that is missing.
    for (const auto& spec : what.options)
      for (const auto& name : spec.names)
        if (!spec.value.empty() && !words.empty() && words.back() == name)
          return bad_arguments(verb, fmt::format("{0} needs a value: {0} {1}", name, spec.value));
    return bad_arguments(verb, problem.what());
  }
  if (const auto extra = deal(app.remaining(), what, positionals)) return unexpected(verb, what, *extra);
  for (std::size_t i = 0; i < options.size(); ++i) SLUICE_TRY(store(verb, what.options[i], options[i]));
  for (std::size_t i = 0; i < positionals.size(); ++i) {
    const auto& spec = what.positionals[i];
    if (spec.required && positionals[i].texts.empty())
      return bad_arguments(verb, "sluice " + verb + " needs " + spec.name + " (" + spec.help + ")");
    SLUICE_TRY(store(verb, spec, positionals[i]));
  }
  return {};
}

}  // namespace sluice::app
