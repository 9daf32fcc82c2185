#include "app/run_source.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string action;
  std::string pipeline;
  std::string unit;
  bool files = false;
  bool schema = false;
  bool positions = false;
  bool yes = false;
};

/// What is remembered: of one pipeline, or of all that have anything.
result<options> look(const session& with, const std::string& pipeline, bool files) {
  if (!with.options.to.empty()) {
    SLUICE_ASSIGN(const auto client, client_for(with));
    SLUICE_ASSIGN(const auto answer, client.get("/v1/state?files=" + std::string(files ? "true" : "false") +
                                                (pipeline.empty() ? "" : "&pipeline=" + escaped(pipeline))));
    return answer.value("pipelines", options::array());
  }
  auto list = options::array();
  if (!with.has_store()) return list;
  SLUICE_ASSIGN(const auto records, with.open_store());
  std::vector<std::string> names = {pipeline};
  if (pipeline.empty()) {
    SLUICE_ASSIGN(names, records->pipelines_with_state());
  }
  for (const auto& name : names) {
    SLUICE_ASSIGN(const auto state, records->sources_of(name));
    if (!state.units.empty()) list.push_back(store::to_json(name, state, files));
  }
  return list;
}

error nothing_remembered(const session& with, const std::string& pipeline, const std::string& unit = {}) {
  return user_error("no_state",
                    "there is no saved state of " + (unit.empty() ? "" : "unit " + unit + " of ") + "the pipeline " +
                        pipeline + " " +
                        (with.options.to.empty() ? "in " + with.shown_state() : "at " + with.options.to),
                    "sluice state show lists saved states; only sources with incremental or contract have one, after "
                    "the first successful run");
}

std::string position_text(const options& unit) {
  const auto& position = unit["position"];
  if (!position.is_object()) return "";
  if (position.value("by", "") == "file")
    return thousands(unit.value("file_count", std::uint64_t{0})) +
           (unit.value("file_count", std::uint64_t{0}) == 1 ? " file, " : " files, ") +
           bytes_text(unit.value("file_bytes", std::uint64_t{0}));
  const auto column = position.value("column", "");
  return position.contains("shown") ? column + " up to " + printable(position["shown"].get<std::string>())
                                    : column + ", no rows yet";
}

std::string columns_text(const options& columns) {
  std::string text;
  for (const auto& one : columns)
    text += (text.empty() ? "" : ", ") + one.value("name", "") + " " + one.value("type", "");
  return printable(text);
}

void print_files(session& with, const options& unit) {
  table shown({{.title = "file", .shrink_to = 20}, {.title = "bytes", .right = true}, {.title = "loaded"}});
  for (const auto& file : unit["files"])
    shown.add({{printable(file.value("path", ""))},
               {thousands(file.value("size", std::uint64_t{0}))},
               {time_text(file.value("time", std::int64_t{0}))}});
  with.terminal.out("\n" + unit.value("unit", "") + "\n" +
                    shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
}

result<int> show(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto list, look(with, what.pipeline, what.files || with.options.json));
  if (!what.pipeline.empty() && list.empty()) return nothing_remembered(with, what.pipeline);
  auto& terminal = with.terminal;
  if (with.options.json) {
    const auto& shown = what.pipeline.empty() ? list : list[0];
    terminal.out(shown.dump(2) + "\n");
    return exit_succeeded;
  }
  if (list.empty()) {
    if (!with.options.quiet) terminal.note("no pipeline has a saved state\n");
    return exit_succeeded;
  }
  table shown({{.title = "pipeline", .shrink_to = 8},
               {.title = "unit", .shrink_to = 8},
               {.title = "loaded"},
               {.title = "columns", .shrink_to = 16},
               {.title = "written"}});
  for (const auto& pipeline : list)
    for (const auto& unit : pipeline["units"])
      if (what.unit.empty() || unit.value("unit", "") == what.unit)
        shown.add({{pipeline.value("pipeline", "")},
                   {unit.value("unit", "")},
                   {position_text(unit)},
                   {columns_text(unit["columns"])},
                   {time_text(unit.value("time", std::int64_t{0}))}});
  terminal.out(shown.render(terminal.out_width(), terminal.color_out(), terminal.unicode()));
  if (what.files)
    for (const auto& pipeline : list)
      for (const auto& unit : pipeline["units"])
        if (!unit["files"].empty() && (what.unit.empty() || unit.value("unit", "") == what.unit))
          print_files(with, unit);
  return exit_succeeded;
}

/// Asks on the terminal; where there is none, --yes is needed.
result<bool> confirmed(session& with, const chosen& what, const std::string& doing) {
  if (what.yes) return true;
  if (isatty(STDIN_FILENO) != 1 || !with.terminal.err_is_terminal() || with.options.json)
    return user_error("confirmation_needed", "this would " + doing, "add --yes to confirm");
  with.terminal.note("This will " + doing + ". Continue? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

result<std::int64_t> do_reset(const session& with, const store::state_reset& how) {
  if (with.options.to.empty()) {
    SLUICE_ASSIGN(const auto records, with.open_store());
    return records->reset_sources(how);
  }
  SLUICE_ASSIGN(const auto client, client_for(with));
  std::string query = how.positions && how.schema ? "?" : how.schema ? "?only=schema&" : "?only=positions&";
  if (how.unit) query += "unit=" + escaped(*how.unit);
  SLUICE_ASSIGN(const auto answer, client.post("/v1/state/" + escaped(how.pipeline) + "/reset" + query, options()));
  return answer.value("units", std::int64_t{0});
}

result<int> reset(session& with, const chosen& what) {
  if (what.pipeline.empty())
    return user_error("bad_arguments", "sluice state reset needs a pipeline", "sluice state show lists them");
  SLUICE_ASSIGN(const auto list, look(with, what.pipeline, false));
  if (list.empty()) return nothing_remembered(with, what.pipeline);
  std::string units;
  for (const auto& unit : list[0]["units"]) {
    const auto name = unit.value("unit", "");
    if (!what.unit.empty() && name != what.unit) continue;
    const auto position = position_text(unit);
    units += (units.empty() ? "" : ", ") + name + (position.empty() || what.schema ? "" : " (" + position + ")");
  }
  if (units.empty()) return nothing_remembered(with, what.pipeline, what.unit);
  const bool all = what.schema == what.positions;
  store::state_reset how = {.pipeline = what.pipeline,
                            .unit = what.unit.empty() ? std::nullopt : std::optional(what.unit),
                            .positions = all || what.positions,
                            .schema = all || what.schema};
  const auto doing = how.positions ? "forget what the pipeline " + what.pipeline + " has loaded from " + units +
                                         "; its next run loads it again"
                                   : "forget the columns of " + units + " of the pipeline " + what.pipeline +
                                         "; its next run accepts the columns that it finds";
  SLUICE_ASSIGN(const bool go_on, confirmed(with, what, doing));
  if (!go_on) {
    with.terminal.note("nothing was changed\n");
    return exit_failed;
  }
  SLUICE_ASSIGN(const auto count, do_reset(with, how));
  if (with.options.json) {
    with.terminal.out(options{{"pipeline", what.pipeline}, {"units", count}}.dump() + "\n");
  } else if (!with.options.quiet) {
    with.terminal.note("reset: " + units + "\n");
  }
  return exit_succeeded;
}

result<int> state(session& with, const chosen& what) {
  if (what.action.empty() || what.action == "show") return show(with, what);
  if (what.action == "reset") return reset(with, what);
  return user_error("bad_arguments", "sluice state has no command '" + what.action + "'",
                    "use sluice state show [PIPELINE] or sluice state reset PIPELINE");
}

}  // namespace

command state_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {{.name = "ACTION",
                                 .help = "show (default) or reset",
                                 .target = &what->action,
                                 .required = false,
                                 .choices = {"show", "reset"}},
                                {.name = "PIPELINE",
                                 .help = "only this pipeline; required for reset",
                                 .target = &what->pipeline,
                                 .required = false,
                                 .offers = completes::remembered}},
                .options = {{.names = {"--unit"}, .value = "UNIT", .help = "only this source", .target = &what->unit},
                            {.names = {"--files"}, .value = {}, .help = "show: list each file", .target = &what->files},
                            {.names = {"--schema"},
                             .value = {},
                             .help = "reset: only the columns; the next run accepts the columns that it finds",
                             .target = &what->schema},
                            {.names = {"--positions"},
                             .value = {},
                             .help = "reset: only what was loaded",
                             .target = &what->positions},
                            {.names = {"--yes", "-y"},
                             .value = {},
                             .help = "reset: do not ask for confirmation",
                             .target = &what->yes}},
                .details = "  sluice state show\n"
                           "  sluice state reset daily-orders --unit orders\n\n"
                           "A run with --fresh loads everything again and replaces the state.\n"},
      .run = [what](session& with) { return state(with, *what); }};
}

}  // namespace sluice::app
