#include "app/completion.hpp"
#include "app/user_config.hpp"
#include "app/verbs.hpp"
#include "engine/error/names.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/store/store_place.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace sluice::app {

namespace {

std::string environment(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string(value);
}

/// $XDG_STATE_HOME/sluice, else ~/.local/state/sluice; empty where there is no home: a folder that others share, like
/// /tmp, is no place for state.
std::string default_state_folder() {
  if (const auto state = environment("XDG_STATE_HOME"); !state.empty() && state[0] == '/') return state + "/sluice";
  auto home = environment("HOME");
  if (home.empty()) {
    const auto* user = ::getpwuid(::geteuid());
    if (user != nullptr && user->pw_dir != nullptr) home = user->pw_dir;
  }
  std::error_code ignored;
  if (home.empty() || home == "/" || !std::filesystem::is_directory(home, ignored)) return {};
  return home + "/.local/state/sluice";
}

/// Finds the verb: the first word that is neither an option nor the value of a global one.
std::size_t verb_place(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word.empty() || word[0] != '-') return i;
    if (word == "--state" || word == "--state-folder" || word == "--spill" || word == "--to" || word == "--ca" ||
        word == "--progress")
      ++i;
  }
  return words.size();
}

/// --state names a folder, or a database with the Store; then files are in --state-folder.
status place_state(settings& options) {
  if (store::is_database_url(options.state_folder)) {
    options.store_url = std::exchange(options.state_folder, options.given_folder);
    return {};
  }
  if (options.state_folder.find("://") != std::string::npos)
    return user_error("bad_arguments",
                      "--state must be a folder or postgresql://..., found '" + options.state_folder + "'",
                      "the Store can be in a state folder or in a PostgreSQL database");
  if (!options.given_folder.empty())
    return user_error("bad_arguments", "--state-folder is for a Store in a database, and --state names a folder",
                      "leave out --state-folder, or use --state postgresql://user@host/database");
  return {};
}

/// A flag comes before the environment, that before the user's own settings, those before the default.
status fill_in(settings& options, std::string progress) {
  SLUICE_ASSIGN(auto own, read_user_config());
  const auto choose = [&](std::string& value, const char* variable, const char* key) {
    if (value.empty() && variable != nullptr) value = environment(variable);
    if (value.empty()) value = own[key];
  };
  choose(progress, nullptr, "progress");
  choose(options.state_folder, "SLUICE_STATE", "state");
  choose(options.given_folder, "SLUICE_STATE_FOLDER", "state_folder");
  SLUICE_TRY(place_state(options));
  choose(options.spill_folder, "SLUICE_SPILL", "spill");
  choose(options.to, "SLUICE_TO", "to");
  choose(options.ca_file, "SLUICE_CA", "ca");
  choose(options.log, "SLUICE_LOG", "log");
  options.token = environment("SLUICE_TOKEN");
  static const std::vector<std::string> levels = {"error", "warning", "info", "debug"};
  if (!options.log.empty() && std::find(levels.begin(), levels.end(), options.log) == levels.end())
    return user_error("bad_arguments",
                      "SLUICE_LOG must be one of error, warning, info, debug, found '" + options.log + "'",
                      "unset it, or use one of these");
  options.verbose = options.verbose || options.log == "info" || options.log == "debug";
  options.progress = progress == "plain"  ? progress_mode::plain
                     : progress == "none" ? progress_mode::none
                                          : progress_mode::automatic;
  if (options.state_folder.empty()) options.state_folder = default_state_folder();
  if (options.spill_folder.empty() && !options.state_folder.empty())
    options.spill_folder = options.state_folder + "/spill";
  std::error_code ignored;
  for (auto* folder : {&options.state_folder, &options.spill_folder})
    if (const auto absolute = std::filesystem::absolute(*folder, ignored); !ignored && !folder->empty())
      *folder = absolute.lexically_normal().string();
  while (options.state_folder.size() > 1 && options.state_folder.back() == '/') options.state_folder.pop_back();
  return {};
}

error unknown_verb(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& each : verbs()) known.emplace_back(each.name);
  const auto nearest = nearest_name(name, known);
  const bool file = std::filesystem::exists(name);
  return user_error("bad_arguments", "sluice has no verb '" + name + "'",
                    file              ? "to run that file: sluice run " + name
                    : nearest.empty() ? "`sluice --help` lists the verbs"
                                      : "did you mean sluice " + nearest + "?");
}

result<int> without_verb(session& with, const std::vector<std::string>& words) {
  arguments takes;
  std::string progress;
  bool help = false;
  bool version = false;
  takes.options = global_options(with.options, progress, help);
  takes.options.push_back({.names = {"--version", "-V"}, .value = {}, .help = "version", .target = &version});
  SLUICE_TRY(parse("", takes, words));
  if (version) {
    print_version(with);
    return exit_succeeded;
  }
  if (help) {
    with.terminal.prose(overview_text(with.terminal.color_out()));
    return exit_succeeded;
  }
  with.terminal.note(overview_text(with.terminal.color_err()));
  return exit_unusable;
}

/// Answers the shells' completion scripts (completion_verb.cpp).
result<int> answer_shell(session& with, const std::vector<std::string>& words) {
  SLUICE_TRY(fill_in(with.options, {}));
  const auto found = complete({words.begin() + 1, words.end()}, with);
  for (const auto& each : found.words) with.terminal.out(each.word + "\t" + each.help + "\n");
  if (found.files) with.terminal.out(":files\n");
  if (found.folders) with.terminal.out(":folders\n");
  return exit_succeeded;
}

result<int> dispatch(session& with, std::vector<std::string> words) {
  if (!words.empty() && words.front() == "__complete") return answer_shell(with, words);
  const auto place = verb_place(words);
  if (place == words.size()) return without_verb(with, words);
  const auto name = words[place];
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(place));
  const auto* found = find_verb(name);
  if (found == nullptr) return unknown_verb(name);
  if (found->make == nullptr) return not_supported_yet("sluice " + name, name);
  auto made = found->make();
  auto takes = made.takes;
  std::string progress;
  bool help = false;
  for (auto& each : global_options(with.options, progress, help))
    if (!has_option(made.takes, each.names.front())) takes.options.push_back(std::move(each));
  for (const auto& word : words) help = help || word == "--help" || word == "-h";
  if (help) {
    with.terminal.prose(help_text(*found, made, with.terminal.color_out(), with.terminal.out_width()));
    return exit_succeeded;
  }
  for (const auto& word : words) with.options.json = with.options.json || word == "--json";
  SLUICE_TRY(parse(name, takes, words));
  SLUICE_TRY(fill_in(with.options, progress));
  return made.run(with);
}

}  // namespace

int run_command_line(const std::vector<std::string>& words) {
  session with;
  const auto outcome = dispatch(with, words);
  int code = exit_succeeded;
  if (outcome.ok()) {
    code = *outcome;
  } else {
    report(with, outcome.problem());
    code = exit_code_of(outcome.problem());
  }
  if (const auto written = with.terminal.flush(); !written.ok() && code == exit_succeeded) {
    report(with, written.problem());
    code = exit_failed;
  }
  return code;
}

}  // namespace sluice::app
