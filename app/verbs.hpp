#pragma once

#include "app/arguments.hpp"
#include "app/session.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace sluice::app {

/// A verb ready to be parsed: what it takes, and what it does once `parse` has filled in the targets.
struct command {
  arguments takes;
  std::function<result<int>(session&)> run;
};

struct verb {
  std::string_view name;
  std::string_view group;  ///< heading in the overview
  std::string_view summary;
  command (*make)();  ///< null: known but not built yet
};

/// All verbs, in the order of the overview.
const std::vector<verb>& verbs();
const verb* find_verb(std::string_view name);
/// Whether a verb has an option of its own by that name: it takes the place of the one that every verb takes.
bool has_option(const arguments& of, const std::string& name);
/// Options that every verb takes, stored in `into`.
std::vector<option_spec> global_options(settings& into, std::string& progress, bool& help);

/// Help for one verb, and the overview.
std::string help_text(const verb& what, const command& made, bool color, int width);
std::string overview_text(bool color);

command backfill_verb();
command cancel_verb();
command checkpoints_verb();
command deploy_verb();
command drain_verb();
command savepoint_verb();
command completion_verb();
command components_verb();
command events_verb();
command explain_verb();
command functions_verb();
command help_verb();
command init_verb();
command logs_verb();
command node_verb();
command nodes_verb();
command notify_verb();
command openapi_verb();
command pipelines_verb();
command pause_verb();
command preview_verb();
command prune_verb();
command query_verb();
command profile_verb();
command rejects_verb();
command resume_verb();
command run_verb();
command runs_verb();
command scale_verb();
command state_verb();
command status_verb();
command submit_verb();
command tls_verb();
command tokens_verb();
command trigger_verb();
command test_verb();
command validate_verb();
command version_verb();
command watch_verb();

/// Prints the program's version.
void print_version(session& with);

/// Runs the program: parses, runs the verb, prints its error. Gives the exit code.
int run_command_line(const std::vector<std::string>& words);

}  // namespace sluice::app
