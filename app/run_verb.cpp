#include "app/black_box.hpp"
#include "app/params_file.hpp"
#include "app/run_death.hpp"
#include "app/run_process.hpp"
#include "app/verbs.hpp"
#include "engine/values/quantities.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace sluice::app {

namespace {

result<int> run(session& with, run_command& what) {
  SLUICE_TRY(add_params(what.set, what.params));
  if (!what.notify_wait_text.empty()) {
    auto wait = parse_duration(what.notify_wait_text == "0" ? "0s" : what.notify_wait_text);
    if (!wait.ok())
      return user_error("bad_arguments", "--notify-wait must be a duration, found '" + what.notify_wait_text + "'",
                        "for example: --notify-wait 30s");
    what.notify_wait = std::chrono::microseconds(*wait);
  }
  black_box left;
  std::optional<actors::lost_try> lost;
  for (;;) {
    const auto end = run_in_child([&] {
      const int code = lost ? run_again(with, what, *lost, left) : run_here(with, what, left);
      const auto written = with.terminal.flush();
      if (written.ok() || code != exit_succeeded) return code;
      report(with, written.problem());
      return static_cast<int>(exit_failed);
    });
    if (end.signal == 0) return end.exit_code;
    lost = end.killed_by_user ? std::nullopt : find_lost_try(with, end, left);
    if (!lost) return report_death(with, what, end, left);
  }
}

}  // namespace

command run_verb() {
  auto what = std::make_shared<run_command>();
  return {.takes = {.positionals = {file_argument(what->file)},
                    .options = {set_option(what->set),
                                params_option(what->params),
                                config_option(what->config),
                                {.names = {"--fresh"},
                                 .value = {},
                                 .help = "start again: do not continue after earlier runs (checkpoints, incremental)",
                                 .target = &what->fresh},
                                {.names = {"--flush"},
                                 .value = {},
                                 .help = "emit the windows that are open when the run ends (until: now, a drained run)",
                                 .target = &what->flush},
                                from_option(what->from),
                                again_option(what->again),
                                drop_state_option(what->drop),
                                {.names = {"--notify-wait"},
                                 .value = "TIME",
                                 .help = "how long to wait for notifications at the end (default: 10s)",
                                 .target = &what->notify_wait_text}},
                    .details = "Exit codes: 0 succeeded, 3 partial (more rejects than allowed), 1 failed,\n"
                               "2 the pipeline can't be run, 130 Ctrl-C. Ctrl-C stops the run without publishing\n"
                               "anything incomplete; a second Ctrl-C kills it. A pipeline without end stops at a\n"
                               "checkpoint, with exit code 0. After a kill or a failure the same command\n"
                               "continues after the last checkpoint. An edited pipeline without end continues\n"
                               "with all that still fits; what does not fit is refused by unit.\n"},
          .run = [what](session& with) { return run(with, *what); }};
}

}  // namespace sluice::app
