#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string action;
  std::string name;
  std::int64_t limit = 30;
};

std::string time_at(const options& of, const char* key, const char* otherwise) {
  const auto time = of.value(key, std::int64_t{0});
  return time > 0 ? short_time_text(time) : otherwise;
}

result<int> list(session& with) {
  SLUICE_ASSIGN(const auto client, client_for(with));
  SLUICE_ASSIGN(const auto answer, client.get("/v1/pipelines"));
  if (with.options.json) {
    with.terminal.out(answer.dump(2) + "\n");
    return exit_succeeded;
  }
  table shown({{.title = "pipeline", .shrink_to = 8},
               {.title = "schedule", .shrink_to = 12, .wraps = true},
               {.title = "next run"},
               {.title = "last success"},
               {.title = "state"},
               {.title = "waiting", .right = true, .rank = 1}});
  for (const auto& one : answer["pipelines"]) {
    const bool late = one.value("late", false);
    const bool paused = one.value("paused", false);
    const auto waiting = one.value("waiting", std::int64_t{0});
    shown.add({{one.value("pipeline", "")},
               {printable(one.value("schedule", ""))},
               {time_at(one, "next", "")},
               {time_at(one, "last_success", "never")},
               {late ? "late by " + duration_text(static_cast<double>(one.value("late_by_seconds", std::int64_t{0})))
                : paused ? "paused"
                         : "in time",
                late     ? style::red
                : paused ? style::yellow
                         : style::green},
               {waiting > 0 ? thousands(static_cast<std::uint64_t>(waiting)) : ""}});
  }
  if (!shown.empty())
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  else if (!with.options.quiet)
    with.terminal.note("no pipeline is deployed; sluice deploy FILE deploys one\n");
  return exit_succeeded;
}

result<int> starts(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto client, client_for(with));
  SLUICE_ASSIGN(const auto answer, client.get("/v1/starts?limit=" + std::to_string(what.limit) +
                                              (what.name.empty() ? "" : "&pipeline=" + escaped(what.name))));
  if (with.options.json) {
    with.terminal.out(answer.dump(2) + "\n");
    return exit_succeeded;
  }
  table shown({{.title = "due"},
               {.title = "pipeline", .shrink_to = 8},
               {.title = "by"},
               {.title = "state"},
               {.title = "run"},
               {.title = "problem", .shrink_to = 12, .wraps = true}});
  for (const auto& one : answer["starts"]) {
    const auto state = one.value("state", "");
    shown.add({{short_time_text(one.value("due", std::int64_t{0}))},
               {one.value("pipeline", "")},
               {one.value("reason", "")},
               {state, state == "started"   ? style::green
                       : state == "waiting" ? style::yellow
                                            : style::red},
               {state == "started" ? short_id(one.value("run", "")) : ""},
               {printable(one.value("problem", ""))}});
  }
  if (!shown.empty())
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  else if (!with.options.quiet)
    with.terminal.note("nothing was started yet\n");
  return exit_succeeded;
}

result<int> change(session& with, const chosen& what) {
  if (what.name.empty())
    return user_error("bad_arguments", "sluice pipelines " + what.action + " needs the name of a pipeline",
                      "sluice pipelines lists them");
  SLUICE_ASSIGN(const auto client, client_for(with));
  const auto target = "/v1/pipelines/" + escaped(what.name);
  auto answer = what.action == "delete" ? client.remove(target) : client.post(target + "/" + what.action, nullptr);
  if (!answer.ok()) return std::move(answer).problem();
  if (with.options.json) {
    with.terminal.out(answer->dump(2) + "\n");
  } else if (!with.options.quiet) {
    with.terminal.note(what.name + (what.action == "delete"  ? " is deleted; its runs are kept\n"
                                    : what.action == "pause" ? " is paused: what is due meanwhile is not run later\n"
                                                             : " is resumed\n"));
  }
  return exit_succeeded;
}

}  // namespace

command pipelines_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {{.name = "ACTION",
                                     .help = "pause, resume or delete a pipeline, or starts: what was started by what",
                                     .target = &what->action,
                                     .required = false,
                                     .choices = {"pause", "resume", "delete", "starts"}},
                                    {.name = "PIPELINE",
                                     .help = "name of a deployed pipeline",
                                     .target = &what->name,
                                     .required = false}},
                    .options = {{.names = {"--limit", "-n"},
                                 .value = "N",
                                 .help = "with starts: how many to show (default 30)",
                                 .target = &what->limit}},
                    .details = "Without an action it lists the deployed pipelines: schedule, next run, last success\n"
                               "and whether a run has missed its deadline.\n"},
          .run = [what](session& with) {
            if (what->action.empty()) return list(with);
            return what->action == "starts" ? starts(with, *what) : change(with, *what);
          }};
}

}  // namespace sluice::app
