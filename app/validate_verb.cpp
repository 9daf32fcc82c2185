#include "app/planning.hpp"
#include "app/project.hpp"
#include "app/verbs.hpp"
#include "engine/error/error_json.hpp"
#include "engine/error/not_yet.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::vector<std::string> files;
  std::vector<std::string> set;
  std::vector<std::string> select;
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

/// What was found of one pipeline.
struct checked {
  std::optional<pipeline> found;
  diagnostics faults, warnings;
  std::shared_ptr<const config::document> source;
  std::string lacking;  ///< why files, columns and expressions were not checked; empty: they were

  [[nodiscard]] bool valid(bool strict) const { return found && (warnings.empty() || !strict); }
};

options answer(const checked& of, bool valid) {
  options out = {{"valid", valid}, {"errors", options::array()}, {"warnings", options::array()}};
  for (const auto& fault : of.faults) out["errors"].push_back(to_json(fault));
  for (const auto& warning : of.warnings) out["warnings"].push_back(to_json(warning));
  if (!of.lacking.empty()) out["not_checked"] = of.lacking;
  return out;
}

/// Without the files that it reads, a pipeline is checked as far as its own text goes.
void check_text(const std::string& file, const chosen& what, checked& into) {
  const auto given = reading_options(what.set, what.config);
  if (!given.ok()) {
    into.faults.push_back(given.problem());
    return;
  }
  auto loaded = config::load_pipeline(file, *given, into.faults, &into.source);
  if (loaded && into.faults.empty()) into.found = std::move(loaded->definition);
}

checked check(const session& with, const std::string& file, const chosen& what) {
  checked made;
  if (what.offline) {
    made.lacking = "--offline";
    check_text(file, what, made);
    return made;
  }
  planning_request request;
  request.file = file;
  request.set = what.set;
  request.config = what.config;
  const auto planned = plan_pipeline(with, request, made.faults, made.source);
  if (!planned) return made;
  made.warnings = planned->what->warnings;
  made.found = planned->what->definition;
  return made;
}

/// A fault that tells of data or values that are not here, not of the pipeline.
bool tells_of_data(const error& fault) {
  static constexpr std::array<std::string_view, 3> codes = {"file_not_found", "missing_param", "connection_lost"};
  return std::find(codes.begin(), codes.end(), fault.code) != codes.end();
}

/// One pipeline of a project: data and params may be somewhere else. Its text is checked then.
checked check_member(const session& with, const project_member& member, const chosen& what) {
  auto own = what;
  // A param is set in the pipelines that have it.
  std::erase_if(own.set, [&](const std::string& word) {
    const auto name = word.substr(0, word.find('='));
    return std::find(member.params.begin(), member.params.end(), name) == member.params.end();
  });
  auto made = check(with, member.file, own);
  if (made.found || made.faults.empty() || !std::all_of(made.faults.begin(), made.faults.end(), tells_of_data))
    return made;
  const auto lacking = made.faults.front().message;
  made.lacking = lacking;
  diagnostics ignored;
  checked text;
  check_text(member.file, own, text);
  std::erase_if(text.faults, tells_of_data);
  made.faults = std::move(text.faults);
  if (made.faults.empty()) made.found = text.found ? std::move(text.found) : std::optional<pipeline>(pipeline{});
  return made;
}

void show(session& with, const chosen& what, const std::string& file, const checked& how) {
  report_faults(with, how.faults, how.source.get());
  report_faults(with, how.warnings, how.source.get(), what.strict ? "error" : "warning");
  if (!how.valid(what.strict) || with.options.quiet) {
    if (how.faults.size() > 1) with.terminal.note(std::to_string(how.faults.size()) + " errors\n");
    return;
  }
  auto said = paint("valid", style::green, with.terminal.color_out()) + "  " + file;
  if (!how.found->units.empty()) said += ": " + count_text(*how.found);
  if (!how.lacking.empty()) said += "; files and expressions were not checked (" + how.lacking + ")";
  with.terminal.prose(said + "\n");
}

result<int> validate_one(session& with, const chosen& what) {
  const auto& file = what.files.front();
  const auto how = check(with, file, what);
  const bool valid = how.valid(what.strict);
  if (with.options.json) {
    auto told = how;
    told.lacking.clear();
    with.terminal.out(answer(told, valid).dump(2) + "\n");
  } else {
    show(with, what, file, how);
  }
  if (valid) return exit_succeeded;
  return how.found ? exit_unusable : exit_code_of(how.faults);
}

/// Two pipelines of one name would be one to the Store: their runs, state and locks.
void check_names(const std::vector<project_member>& members, std::vector<checked>& results) {
  std::map<std::string, std::string> files;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& name = members[i].name;
    if (name.empty()) continue;
    const auto [first, added] = files.emplace(name, members[i].file);
    if (added) continue;
    auto fault = user_error("duplicate_pipeline", "the pipeline " + name + " is also in " + first->second,
                            "give one of them another name: their runs and their state would be mixed");
    fault.at = {.file = members[i].file, .line = members[i].line, .column = 1};
    results[i].faults.push_back(std::move(fault));
    results[i].found.reset();
  }
}

result<int> validate_project(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto members, find_members(what.files, what.select));
  std::vector<checked> results;
  for (const auto& one : members) results.push_back(check_member(with, one, what));
  check_names(members, results);
  std::size_t good = 0;
  auto all = options::array();
  for (std::size_t i = 0; i < members.size(); ++i) {
    const bool valid = results[i].valid(what.strict);
    good += valid ? 1 : 0;
    if (with.options.json) {
      auto one = answer(results[i], valid);
      one["file"] = members[i].file;
      one["pipeline"] = members[i].name;
      all.push_back(std::move(one));
    } else {
      show(with, what, members[i].file, results[i]);
    }
  }
  if (with.options.json)
    with.terminal.out(options{{"valid", good == members.size()}, {"pipelines", std::move(all)}}.dump(2) + "\n");
  else if (!with.options.quiet)
    with.terminal.note(std::to_string(good) + " of " + std::to_string(members.size()) + " pipelines are valid\n");
  return good == members.size() ? exit_succeeded : exit_unusable;
}

result<int> validate(session& with, const chosen& what) {
  if (what.probe) return not_supported_yet("validate --probe", "probe");
  std::error_code ignored;
  const bool one =
      what.files.size() == 1 && what.select.empty() && !std::filesystem::is_directory(what.files.front(), ignored);
  return one ? validate_one(with, what) : validate_project(with, what);
}

}  // namespace

command validate_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {{.name = "FILE",
                                 .help = "the pipeline, - for stdin; or several, or folders",
                                 .target = &what->files,
                                 .offers = completes::file}},
                .options =
                    {set_option(what->set),
                     config_option(what->config),
                     select_option(what->select),
                     {.names = {"--strict"}, .value = {}, .help = "treat warnings as errors", .target = &what->strict},
                     {.names = {"--offline"},
                      .value = {},
                      .help = "check only the text of the pipeline, not files, columns or expressions",
                      .target = &what->offline},
                     {.names = {"--probe"},
                      .value = {},
                      .help = "also check the targets (not supported yet)",
                      .target = &what->probe}},
                .details = "  sluice validate orders.yaml\n"
                           "  sluice validate . --select tag:finance\n\n"
                           "A folder is a project: all pipelines in it and below are checked. Where the files that a\n"
                           "pipeline reads or its params are not there, only its text is checked.\n"},
      .run = [what](session& with) { return validate(with, *what); }};
}

}  // namespace sluice::app
