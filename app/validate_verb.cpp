#include "app/planning.hpp"
#include "app/verbs.hpp"
#include "engine/error/error_json.hpp"
#include "engine/error/not_yet.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string file;
  std::vector<std::string> set;
  std::string config;
  bool strict = false;
  bool offline = false;
  bool probe = false;
};

std::string count_text(const pipeline& what) {
  int sources = 0, transforms = 0, sinks = 0;
  for (const auto& unit : what.units)
    ++(unit.role == unit_role::extract ? sources : unit.role == unit_role::transform ? transforms : sinks);
  const auto counted = [](int count, const char* one) {
    return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
  };
  return counted(sources, "source") + ", " + counted(transforms, "transform") + ", " + counted(sinks, "sink");
}

options answer(bool valid, const diagnostics& faults, const diagnostics& warnings) {
  options out = {{"valid", valid}, {"errors", options::array()}, {"warnings", options::array()}};
  for (const auto& fault : faults) out["errors"].push_back(to_json(fault));
  for (const auto& warning : warnings) out["warnings"].push_back(to_json(warning));
  return out;
}

/// Without the files that it reads, a pipeline is checked as far as its own text goes.
std::optional<pipeline> check(const session& with, const chosen& what, diagnostics& faults, diagnostics& warnings,
                              std::shared_ptr<const config::document>& source) {
  if (what.offline) {
    const auto given = reading_options(what.set, what.config);
    if (!given.ok()) return faults.push_back(given.problem()), std::nullopt;
    auto loaded = config::load_pipeline(what.file, *given, faults, &source);
    if (!loaded || !faults.empty()) return std::nullopt;
    return std::move(loaded->definition);
  }
  planning_request request;
  request.file = what.file;
  request.set = what.set;
  request.config = what.config;
  const auto planned = plan_pipeline(with, request, faults, source);
  if (!planned) return std::nullopt;
  warnings = planned->what->warnings;
  return planned->what->definition;
}

result<int> validate(session& with, const chosen& what) {
  if (what.probe) return not_supported_yet("validate --probe", "probe");
  diagnostics faults;
  diagnostics warnings;
  std::shared_ptr<const config::document> source;
  const auto found = check(with, what, faults, warnings, source);
  const bool valid = found && (warnings.empty() || !what.strict);
  if (with.options.json) {
    with.terminal.out(answer(valid, faults, warnings).dump(2) + "\n");
  } else {
    report_faults(with, faults, source.get());
    report_faults(with, warnings, source.get(), what.strict ? "error" : "warning");
    if (valid && !with.options.quiet)
      with.terminal.prose(paint("valid", style::green, with.terminal.color_out()) + "  " + what.file + ": " +
                          count_text(*found) +
                          (what.offline ? "; files and expressions were not checked (--offline)" : "") + "\n");
    if (!valid && faults.size() > 1) with.terminal.note(std::to_string(faults.size()) + " errors\n");
  }
  if (valid) return exit_succeeded;
  return found ? exit_unusable : exit_code_of(faults);
}

}  // namespace

command validate_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {file_argument(what->file)},
                .options =
                    {set_option(what->set),
                     config_option(what->config),
                     {.names = {"--strict"}, .value = {}, .help = "treat warnings as errors", .target = &what->strict},
                     {.names = {"--offline"},
                      .value = {},
                      .help = "check only the text of the pipeline, not files, columns or expressions",
                      .target = &what->offline},
                     {.names = {"--probe"},
                      .value = {},
                      .help = "also check the targets (not supported yet)",
                      .target = &what->probe}}},
      .run = [what](session& with) { return validate(with, *what); }};
}

}  // namespace sluice::app
