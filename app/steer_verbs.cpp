#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "engine/runs/resume.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <vector>

namespace sluice::app {

namespace {

positional_spec run_argument(std::string& into) {
  return {
      .name = "RUN", .help = "an id, a unique prefix, a pipeline or last", .target = &into, .offers = completes::run};
}

/// A unit's name as it stands in a URL: names of units are SQL identifiers.
result<std::string> escaped_name(const std::string& unit) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (!unit.empty() && std::all_of(unit.begin(), unit.end(), plain)) return unit;
  return user_error("bad_arguments", "'" + unit + "' is not the name of a unit", "sluice status RUN shows the units");
}

result<int> steer(session& with, const std::string& reference, const std::string& how, const std::string& done) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  SLUICE_ASSIGN(const auto told, from.steer(reference, how));
  const auto id = told.value("run", reference);
  const auto pipeline = told.value("pipeline", "");
  if (with.options.json) {
    with.terminal.out(told.dump() + "\n");
  } else if (!with.options.quiet) {
    with.terminal.prose("run " + short_id(id) + (pipeline.empty() ? "" : " of " + pipeline) + " " + done + "\n");
  }
  return exit_succeeded;
}

std::string sources_text(const options& sources) {
  std::string text;
  for (const auto& [unit, one] : sources.items()) {
    const auto ended = one.value("splits_ended", std::uint64_t{0});
    const auto open = one.value("splits_open", std::uint64_t{0});
    text += (text.empty() ? "" : ", ") + unit + ": " + thousands(ended) + " splits read, " + thousands(open) + " begun";
  }
  return text;
}

/// Waits until the savepoint that was asked for is complete.
result<int> take_savepoint(session& with, const std::string& reference) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  SLUICE_ASSIGN(const auto told, from.steer(reference, "savepoint"));
  const auto id = told.value("run", reference);
  const auto epoch = told.value("epoch", std::int64_t{0});
  while (true) {
    SLUICE_ASSIGN(const auto found, from.checkpoints(id));
    for (const auto& one : found.at("checkpoints")) {
      if (one.value("epoch", std::int64_t{0}) < epoch || !one.value("savepoint", false)) continue;
      const auto name = id + "@" + std::to_string(one.value("epoch", std::int64_t{0}));
      with.terminal.out((with.options.json ? options{{"run", id}, {"savepoint", name}}.dump() : name) + "\n");
      return exit_succeeded;
    }
    SLUICE_ASSIGN(const auto run, from.find(id));
    if (store::is_final(run.record.state))
      return external_error("run_is_final", "run " + short_id(id) + " ended before the savepoint was complete (" +
                                                store::to_string(run.record.state) + ")");
    usleep(50'000);
  }
}

/// Reads the files of a run's checkpoints and compares them with what was written.
result<int> verify(session& with, const std::string& reference) {
  if (!with.options.to.empty())
    return user_error("bad_arguments", "checkpoints verify reads the files of the state folder",
                      "run it on the node, with its --state");
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const auto run, find_run(*store, reference));
  SLUICE_ASSIGN(const auto all, store->checkpoints(run.id));
  const auto runs = std::filesystem::path(with.rejects_path("x")).parent_path().parent_path().string();
  int code = exit_succeeded;
  for (const auto& one : all) {
    const auto sound = check_files(one, runs);
    if (!sound.ok()) code = exit_failed;
    if (with.options.json) {
      options line = {{"run", run.id}, {"epoch", one.what.epoch}, {"sound", sound.ok()}};
      if (!sound.ok()) line["problem"] = sound.problem().message;
      with.terminal.out(line.dump() + "\n");
    } else {
      with.terminal.out("checkpoint " + std::to_string(one.what.epoch) + ": " +
                        (sound.ok() ? "as it was written" : printable(sound.problem().message)) + "\n");
    }
  }
  if (all.empty() && !with.options.quiet && !with.options.json)
    with.terminal.note("run " + short_id(run.id) + " has no checkpoint\n");
  return code;
}

result<int> list(session& with, const std::string& reference) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  SLUICE_ASSIGN(const auto found, from.checkpoints(reference));
  auto& terminal = with.terminal;
  if (with.options.json) {
    terminal.out(found.dump(2) + "\n");
    return exit_succeeded;
  }
  const auto& all = found.at("checkpoints");
  if (all.empty()) {
    if (!with.options.quiet)
      terminal.note("run " + short_id(found.value("run", "")) +
                    " has no checkpoint: run: { checkpoint: 10s } takes them, and pipelines without end do\n");
    return exit_succeeded;
  }
  table shown({{.title = "checkpoint", .right = true},
               {.title = "completed"},
               {.title = "rows"},
               {.title = "state", .right = true},
               {.title = "held", .right = true},
               {.title = "sources", .shrink_to = 16}});
  for (const auto& one : all)
    shown.add(
        {{std::to_string(one.value("epoch", std::int64_t{0})) + (one.value("savepoint", false) ? " (savepoint)" : "")},
         {time_text(one.value("completed", std::int64_t{0}))},
         {one.value("visible", false) ? "visible" : "at the end"},
         {bytes_text(one.value("state_bytes", std::uint64_t{0}))},
         {thousands(one.value("rows_held", std::uint64_t{0}))},
         {printable(sources_text(one.at("sources")))}});
  terminal.out(shown.render(terminal.out_width(), terminal.color_out(), terminal.unicode()));
  return exit_succeeded;
}

}  // namespace

command drain_verb() {
  auto run = std::make_shared<std::string>();
  auto flush = std::make_shared<bool>(false);
  return {.takes = {.positionals = {run_argument(*run)},
                    .options = {{.names = {"--flush"},
                                 .value = {},
                                 .help = "emit open windows at the end",
                                 .target = flush.get()}},
                    .details = "The run takes a last checkpoint and ends as succeeded. The next run of the pipeline\n"
                               "continues after it. Open windows stay in the checkpoint; --flush emits them as they\n"
                               "are, and rows of these windows that come in the next run are late.\n"},
          .run = [run, flush](session& with) -> result<int> {
            return steer(with, *run, *flush ? "flush" : "drain", "is being drained: it ends at a checkpoint");
          }};
}

command pause_verb() {
  auto run = std::make_shared<std::string>();
  return {.takes = {.positionals = {run_argument(*run)},
                    .details = "The run takes a checkpoint and then waits. Its process keeps running; its units stop\n"
                               "and release their memory until sluice resume.\n"},
          .run = [run](session& with) { return steer(with, *run, "pause", "is being paused after a checkpoint"); }};
}

command resume_verb() {
  auto run = std::make_shared<std::string>();
  return {.takes = {.positionals = {run_argument(*run)},
                    .details = "A run that waits for its next try continues at once, too.\n"},
          .run = [run](session& with) { return steer(with, *run, "resume", "continues after its checkpoint"); }};
}

command scale_verb() {
  auto words = std::make_shared<std::vector<std::string>>(3);
  return {
      .takes = {.positionals = {run_argument((*words)[0]),
                                {.name = "UNIT", .help = "a transform of it", .target = &(*words)[1]},
                                {.name = "N", .help = "how many instances", .target = &(*words)[2]}},
                .details = "The run takes a checkpoint. What the unit's instances hold is divided by key among the\n"
                           "new ones, and the run continues with them. No source is read again. The event\n"
                           "run.scaled says when that is done, run.scale_failed why it could not be.\n"},
      .run = [words](session& with) -> result<int> {
        const auto& number = (*words)[2];
        if (number.empty() || number.size() > 4 || number.find_first_not_of("0123456789") != std::string::npos)
          return user_error("bad_arguments", "N must be a whole number from 1 to 1024, found '" + number + "'",
                            "sluice scale RUN UNIT 4");
        SLUICE_ASSIGN(const auto unit, escaped_name((*words)[1]));
        return steer(with, (*words)[0], "scale?unit=" + unit + "&instances=" + number,
                     "is being scaled at a checkpoint: " + (*words)[1] + " gets " + number +
                         (number == "1" ? " instance" : " instances"));
      }};
}

command savepoint_verb() {
  auto run = std::make_shared<std::string>();
  return {
      .takes = {.positionals = {run_argument(*run)},
                .details = "Prints the name of the savepoint when it is complete. It is kept beside the last three\n"
                           "checkpoints.\n"},
      .run = [run](session& with) { return take_savepoint(with, *run); }};
}

command checkpoints_verb() {
  auto words = std::make_shared<std::vector<std::string>>(2);
  return {
      .takes = {.positionals = {{.name = "RUN",
                                 .help = "an id, a unique prefix, a pipeline or last; or verify, to check the files of",
                                 .target = &words->front(),
                                 .offers = completes::run},
                                {.name = "VERIFIED",
                                 .help = "after verify: the run",
                                 .target = &words->back(),
                                 .required = false,
                                 .offers = completes::run}}},
      .run = [words](session& with) -> result<int> {
        if (words->front() == "verify") return verify(with, words->back().empty() ? "last" : words->back());
        if (!words->back().empty())
          return user_error("bad_arguments", "checkpoints takes one run, found also '" + words->back() + "'",
                            "sluice checkpoints RUN, or sluice checkpoints verify RUN");
        return list(with, words->front());
      }};
}

}  // namespace sluice::app
