#include "app/planning.hpp"
#include "app/project.hpp"
#include "app/table.hpp"
#include "app/tests/test_run.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "engine/error/error_json.hpp"

#include <filesystem>
#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::vector<std::string> paths;
  std::string only;
  std::vector<std::string> select;
  std::string config;
  bool update = false;
};

struct totals {
  std::size_t passed = 0;
  std::size_t failed = 0;
  options results = options::array();
};

/// The rows that differ, one below the other; in a pair, the values that differ are coloured.
std::string diff_text(const session& with, const compared_rows& rows) {
  std::vector<table::column> columns = {{.title = " "}};
  for (const auto& name : rows.columns) columns.push_back({.title = printable(name), .shrink_to = 12});
  table shown(std::move(columns));
  for (const auto& line : rows.lines) {
    const auto how = line.sign == '-' ? style::red : line.sign == '+' ? style::green : style::dim;
    std::vector<table::cell> cells = {{std::string(1, line.sign), how}};
    for (std::size_t i = 0; i < line.values.size(); ++i)
      cells.push_back({printable(line.values[i]), line.differs[i] || line.sign == ' ' ? how : style::plain});
    shown.add(std::move(cells));
  }
  return shown.render(with.terminal.out_width() - 4, with.terminal.color_out(), with.terminal.unicode());
}

std::string indented(const std::string& text, const char* by) {
  std::string made;
  std::size_t begin = 0;
  while (begin < text.size()) {
    auto end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    made += by + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return made;
}

std::string counts_text(const compared_rows& rows) {
  if (rows.expected == rows.found)
    return std::to_string(rows.found) + (rows.found == 1 ? " row, but it differs" : " rows, but not those expected");
  return "expected " + std::to_string(rows.expected) + (rows.expected == 1 ? " row, found " : " rows, found ") +
         std::to_string(rows.found);
}

void show(session& with, const test_file& file, const pipeline_test& test, const test_result& how) {
  auto& out = with.terminal;
  const bool color = out.color_out();
  if (how.passed()) {
    if (with.options.quiet) return;
    out.out(paint(how.updated ? "updated" : "ok     ", style::green, color) + "  " + file.pipeline + "  " +
            printable(test.name) + "\n");
    return;
  }
  out.out(paint("FAILED ", style::red, color) + "  " + file.pipeline + "  " + printable(test.name) + "\n");
  if (!how.faults.empty()) {
    (void)out.flush();
    report_faults(with, how.faults, how.source.get());
  }
  for (const auto& [unit, rows] : how.units) {
    out.out("  " + unit + ": " + (rows.problem.empty() ? counts_text(rows) : rows.problem) + "\n");
    if (rows.problem.empty()) out.out(indented(diff_text(with, rows), "    "));
  }
  for (const auto& note : how.notes) out.out("  " + note + "\n");
}

options json_of_result(const test_file& file, const pipeline_test& test, const test_result& how) {
  options one = {{"pipeline", file.pipeline},
                 {"test", test.name},
                 {"passed", how.passed()},
                 {"errors", options::array()},
                 {"units", options::array()}};
  for (const auto& fault : how.faults) one["errors"].push_back(to_json(fault));
  for (const auto& note : how.notes) one["errors"].push_back({{"message", note}});
  for (const auto& [unit, rows] : how.units) {
    options differing = {{"unit", unit},
                         {"expected", rows.expected},
                         {"found", rows.found},
                         {"columns", rows.columns},
                         {"lines", options::array()}};
    if (!rows.problem.empty()) differing["problem"] = rows.problem;
    for (const auto& line : rows.lines)
      differing["lines"].push_back({{"sign", std::string(1, line.sign)}, {"values", line.values}});
    one["units"].push_back(std::move(differing));
  }
  return one;
}

result<int> test(session& with, const chosen& what) {
  std::vector<std::string> pipelines;
  for (const auto& path : what.paths) {
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) return from_errno(ENOENT, "read " + path);
    if (!std::filesystem::is_directory(path, problem)) {
      pipelines.push_back(path);
      continue;
    }
    auto found = tested_pipelines(path);
    if (!found.empty() && !what.select.empty()) {
      SLUICE_ASSIGN(const auto members, find_members(found, what.select));
      found.clear();
      for (const auto& one : members) found.push_back(one.file);
    }
    if (found.empty())
      return user_error("no_tests", "no pipeline in " + path + " has tests",
                        "write tests: into a pipeline, or NAME.test.yaml beside it");
    pipelines.insert(pipelines.end(), found.begin(), found.end());
  }
  totals all;
  bool unusable = false;
  for (const auto& path : pipelines) {
    diagnostics faults;
    const auto files = read_tests(path, faults);
    if (!faults.empty()) {
      report_faults(with, faults, files.empty() ? nullptr : files.back().source.get());
      unusable = true;
      continue;
    }
    if (files.empty())
      return user_error("no_tests", path + " has no tests",
                        "write tests: into it, or NAME.test.yaml beside it: a list of { name, given, expect }");
    for (const auto& file : files)
      for (const auto& one : file.tests) {
        if (!what.only.empty() && one.name.find(what.only) == std::string::npos) continue;
        const auto how = run_test(with, file, one, what.config, what.update);
        ++(how.passed() ? all.passed : all.failed);
        if (with.options.json)
          all.results.push_back(json_of_result(file, one, how));
        else
          show(with, file, one, how);
      }
  }
  if (with.options.json) {
    with.terminal.out(options{{"passed", all.passed}, {"failed", all.failed}, {"tests", all.results}}.dump(2) + "\n");
  } else if (!unusable || all.passed + all.failed > 0) {
    if (all.passed + all.failed == 0)
      return user_error("no_tests", "no test has " + what.only + " in its name", "without --only all tests run");
    with.terminal.note(std::to_string(all.passed) + " passed, " + std::to_string(all.failed) + " failed\n");
  }
  return unusable ? exit_unusable : all.failed > 0 ? exit_failed : exit_succeeded;
}

}  // namespace

command test_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {{.name = "PATH",
                                 .help = "a pipeline, NAME.test.yaml, or a folder with pipelines",
                                 .target = &what->paths,
                                 .offers = completes::file}},
                .options = {{.names = {"--only"},
                             .value = "TEXT",
                             .help = "only tests that have this in their name",
                             .target = &what->only},
                            {.names = {"--update"},
                             .value = {},
                             .help = "write the files of expected rows that differ anew",
                             .target = &what->update},
                            select_option(what->select),
                            config_option(what->config)},
                .details =
                    "Tests are in the pipeline (tests:) or in NAME.test.yaml beside it. Each gives the sources their\n"
                    "rows and says what units make of them; nothing is loaded. Exit code 1: a test failed.\n"},
      .run = [what](session& with) { return test(with, *what); }};
}

}  // namespace sluice::app
