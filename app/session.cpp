#include "app/session.hpp"

#include "engine/error/error_json.hpp"
#include "engine/store/store_place.hpp"

#include <filesystem>
#include <system_error>

namespace sluice::app {

result<std::shared_ptr<store::store>> session::open_store() const {
  if (options.state_folder.empty())
    return user_error("no_state_folder", "there is no home folder for the state",
                      "set a folder of your own with --state or SLUICE_STATE");
  SLUICE_ASSIGN(auto opened, store::open_store(store_place()));
  // What this process takes over from a dead one is its own.
  opened->enroll(store::this_process("local"));
  return opened;
}

bool session::has_store() const {
  std::error_code ignored;
  return !options.store_url.empty() || std::filesystem::exists(store_place(), ignored);
}

std::string session::shown_state() const {
  return options.store_url.empty() ? options.state_folder : store::shown_place(options.store_url);
}

int exit_code_of(const error& problem) {
  for (const auto* unreached : {"node_unreachable", "request_timed_out", "join_failed"})
    if (problem.code == unreached) return exit_unknown;
  return problem.to_blame == blame::user ? exit_unusable : exit_failed;
}

void report(session& with, const error& problem) {
  if (with.options.json) {
    const sluice::options line = {{"error", to_json(problem)}};
    with.terminal.note_as_it_is(line.dump() + "\n");
    return;
  }
  const bool color = with.terminal.color_err();
  std::string text = paint("error[" + problem.code + "]", style::red, color);
  if (problem.at.line > 0) {
    text += " " + problem.at.file + ":" + std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column);
  } else if (!problem.where.empty()) {
    text += " " + problem.where;
  }
  text += ": " + problem.message + "\n";
  if (!problem.hint.empty()) text += paint("  hint: ", style::cyan, color) + problem.hint + "\n";
  with.terminal.note(text);
}

}  // namespace sluice::app
