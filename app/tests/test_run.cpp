#include "app/tests/test_run.hpp"

#include "app/data_file.hpp"
#include "app/planning.hpp"
#include "app/preview_rows.hpp"
#include "app/text.hpp"
#include "engine/error/names.hpp"
#include "engine/expression/expression.hpp"
#include "engine/values/uuid.hpp"

#include <arrow/api.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace sluice::app {

namespace {

/// No limit that a test reaches: its rejects are compared.
constexpr std::int64_t any_number = 9'000'000'000'000'000'000;

std::string unit_of(const std::string& reference) { return reference.substr(0, reference.find('.')); }

/// A file of a test: as the command sees it, else beside the tests.
std::string path_of(const std::string& written, const std::string& tests) {
  std::error_code ignored;
  if (std::filesystem::exists(written, ignored)) return written;
  return (std::filesystem::path(tests).parent_path() / written).string();
}

result<std::int64_t> time_of(const std::string& text) {
  static const run_context context;
  diagnostics faults;
  std::string literal = "timestamptz '";
  for (const char c : text) literal += c == '\'' ? ' ' : c == 'T' ? ' ' : c;
  const auto bound = expression::bind(literal + "'", {.inputs = {}, .context = &context, .unit = {}}, "", faults);
  if (!bound) return user_error("invalid_value", "now must be a time, found " + text, "now: \"2024-05-02T05:00Z\"");
  SLUICE_ASSIGN(const auto value, bound->constant());
  return static_cast<const arrow::TimestampScalar&>(*value).value;
}

/// The folder with the rows that a test gives; it goes when the test has ended.
class rows_folder {
 public:
  rows_folder() : path_((std::filesystem::temp_directory_path() / ("sluice-test-" + uuid_v7())).string()) {
    std::filesystem::create_directories(path_);
  }
  rows_folder(const rows_folder&) = delete;
  rows_folder& operator=(const rows_folder&) = delete;
  ~rows_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    auto path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

 private:
  std::string path_;
};

class runner {
 public:
  runner(const session& with, const test_file& of, const pipeline_test& test, bool update)
      : with_(with), file_(of), test_(test), update_(update) {}

  test_result run(const std::string& config) {
    planning_request request;
    request.file = file_.pipeline;
    request.config = config;
    request.run_id = uuid_v7();
    for (const auto& [name, value] : test_.params) request.set.push_back(name + "=" + value);
    if (!test_.now.empty()) {
      auto now = time_of(test_.now);
      if (!now.ok()) {
        fault_at(test_.at->find("now"), std::move(now).problem());
        return std::move(made_);
      }
      request.now = *now;
    }
    request.adapt = [&](pipeline& what) { return adapt(what); };
    std::shared_ptr<const config::document> source;
    diagnostics faults;
    if (!is_readable(request, faults, source)) {
      made_.faults = std::move(faults);
      made_.source = source;
      return std::move(made_);
    }
    const auto planned = plan_pipeline(with_, request, faults, source);
    if (!planned) {
      made_.faults.insert(made_.faults.end(), faults.begin(), faults.end());
      if (!made_.source) made_.source = source;
      return std::move(made_);
    }
    for (auto& [name, rows] : kept_)
      rows->schema = planned->what->units[static_cast<std::size_t>(*planned->what->find(name))].inputs.front().schema;
    const auto outcome = fetch_rows(with_, *planned, kept_);
    if (!outcome.ok()) {
      made_.faults.push_back(outcome.problem());
    } else if (outcome->run.state == store::run_state::failed) {
      made_.faults.push_back(
          outcome->run.cause.value_or(internal_error("test_failed", "the run failed, and no cause was reported")));
      if (planned->source) config::resolve_locations(*planned->source, made_.faults);
      made_.source = planned->source;
    } else {
      compare(outcome->run, outcome->rejects);
    }
    return std::move(made_);
  }

 private:
  /// Planning goes on after faults of the text to find more, and would ask the sources themselves: a test never does.
  static bool is_readable(const planning_request& request, diagnostics& faults,
                          std::shared_ptr<const config::document>& source) {
    const auto given = reading_options(request.set, request.config);
    if (!given.ok()) {
      faults.push_back(given.problem());
      return false;
    }
    (void)config::load_pipeline(request.file, *given, faults, &source);
    return faults.empty();
  }

  void fault_at(const config::node* at, error problem) {
    if (at != nullptr) problem.at = file_.source->locate_byte(at->begin);
    made_.faults.push_back(std::move(problem));
    made_.source = file_.source;
  }

  /// Leaves the units that are looked at and what they read, gives the sources their rows and keeps what comes out.
  status adapt(pipeline& what) {
    std::set<std::string> known;
    for (const auto& unit : what.units) known.insert(unit.name);
    const auto check = [&](const std::string& name, const config::node* at) {
      if (known.contains(unit_of(name))) return true;
      const auto near = nearest_name(name, {known.begin(), known.end()});
      fault_at(at, user_error("unknown_unit", "the pipeline has no unit " + name,
                              near.empty() ? "" : "did you mean `" + near + "`?"));
      return false;
    };
    std::vector<std::string> open;
    for (const auto& [name, rows] : test_.expect) {
      if (!check(name, rows.at)) continue;
      auto wanted = name;
      for (const auto& unit : what.units)
        if (unit.name == name && unit.role == unit_role::load && !unit.from.empty()) wanted = unit.from.front();
      wanted_.emplace_back(name, wanted);
      open.push_back(unit_of(wanted));
    }
    for (const auto& [name, count] : test_.rejects) {
      if (!check(name, test_.at)) continue;
      if (std::none_of(what.units.begin(), what.units.end(),
                       [&](const auto& unit) { return unit.name == name && unit.role == unit_role::load; }))
        open.push_back(name);
    }
    for (const auto& [name, rows] : test_.given) check(name, rows.at);
    if (!made_.faults.empty()) return first_fault();
    std::set<std::string> needed;
    while (!open.empty()) {
      const auto name = open.back();
      open.pop_back();
      if (!needed.insert(name).second) continue;
      for (const auto& unit : what.units)
        if (unit.name == name)
          for (const auto& from : unit.from) open.push_back(unit_of(from));
    }
    std::erase_if(what.units,
                  [&](const auto& unit) { return unit.role == unit_role::load || !needed.contains(unit.name); });
    for (auto& unit : what.units)
      if (unit.role == unit_role::extract) SLUICE_TRY(give(unit));
    if (!made_.faults.empty()) return first_fault();
    note_order(what);
    keep(what);
    what.rejects = {.allow = any_number, .fail_above = {}};
    return {};
  }

  /// Of those that have their places already: planning must stop.
  status first_fault() {
    auto first = made_.faults.front();
    made_.faults.erase(made_.faults.begin());
    return first;
  }

  status give(unit_definition& unit) {
    const auto found =
        std::find_if(test_.given.begin(), test_.given.end(), [&](const auto& one) { return one.first == unit.name; });
    unit.incremental = {};
    unit.contract = column_contract::none;
    if (found == test_.given.end()) {
      if (unit.component == "generate") return {};
      fault_at(test_.at, user_error("missing_key", "the test gives no rows for the source " + unit.name,
                                    "given: { " + unit.name + ": [{ ... }] }, or [] for none"));
      return {};
    }
    const auto& rows = found->second;
    if (!rows.file.empty()) {
      auto file = recognise_data_file(path_of(rows.file, file_.path), {});
      if (!file.ok() || !*file) {
        auto problem =
            file.ok() ? user_error("foreign_file", rows.file + " is not a data file") : std::move(file).problem();
        fault_at(rows.at, std::move(problem));
        return {};
      }
      unit.component = (*file)->component;
      unit.own = (*file)->own;
      unit.own["path"] = (*file)->path;
      for (const auto& [name, type] : (*file)->types.items())
        if (!unit.types.is_object() || !unit.types.contains(name)) unit.types[name] = type;
      unit.metadata = nullptr;
      return {};
    }
    write_rows(unit, *rows.rows);
    return {};
  }

  void write_rows(unit_definition& unit, const config::node& rows) {
    std::vector<std::string> columns;
    const auto add = [&](const std::string& name) {
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
    };
    for (const auto& name : unit.columns) add(name);
    if (unit.types.is_object())
      for (const auto& [name, type] : unit.types.items())
        if (unit.columns.empty()) add(name);
    if (unit.metadata.is_object())
      for (const auto& [name, what] : unit.metadata.items()) add(name);
    for (const auto& row : rows.items)
      for (const auto& [key, value] : row.entries) add(key.text);
    std::string text;
    // Without rows the header says what the columns are.
    const bool empty = rows.items.empty();
    for (const auto& name : columns) {
      if (!empty) break;
      std::string quoted = "\"";
      for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
      text += (text.empty() ? "" : ",") + quoted + "\"";
    }
    for (const auto& row : rows.items) {
      std::string line;
      for (const auto& name : columns) {
        const auto* value = row.find(name);
        line += (line.empty() ? "" : ",") + options(name).dump() + ":" + (value == nullptr ? "null" : json_of(*value));
      }
      text += "{" + line + "}\n";
    }
    unit.component = empty ? "csv" : "ndjson";
    unit.own = options::object();
    unit.own["path"] = folder_.write(unit.name + (empty ? ".csv" : ".ndjson"), text + (empty ? "\n" : ""));
    unit.columns.clear();
    unit.metadata = nullptr;
    unit.sample.reset();
  }

  /// Which of the units that are looked at stand below a sort.
  void note_order(const pipeline& what) {
    for (const auto& [name, wanted] : wanted_) {
      auto at = unit_of(wanted);
      for (std::size_t steps = 0; steps < what.units.size(); ++steps) {
        const auto unit =
            std::find_if(what.units.begin(), what.units.end(), [&](const auto& one) { return one.name == at; });
        if (unit == what.units.end()) break;
        bool sorts = unit->component == "sort";
        if (unit->component == "steps" && unit->own.is_array())
          for (const auto& step : unit->own) sorts = sorts || (step.is_object() && step.contains("sort"));
        if (unit->component == "sql" && unit->own.is_string())
          sorts = sorts || unit->own.text().find("order by") != std::string::npos;
        if (sorts) ordered_.insert(name);
        if (sorts || unit->from.size() != 1) break;
        at = unit_of(unit->from.front());
      }
    }
  }

  void keep(pipeline& what) {
    const auto add = [&](const std::string& from) {
      unit_definition out;
      out.role = unit_role::load;
      out.name = "_expect_" + std::to_string(kept_.size());
      out.from = {from};
      out.component = "blackhole";
      out.own = options::object();
      kept_[out.name] = std::make_shared<kept_rows>();
      what.units.push_back(out);
      return out.name;
    };
    for (const auto& [name, wanted] : wanted_) sinks_[name] = add(wanted);
    // Units that only their rejects are looked at of.
    for (std::size_t at = 0; at < what.units.size(); ++at) {
      const auto name = what.units[at].name;
      if (what.units[at].role == unit_role::load) continue;
      const bool read = std::any_of(what.units.begin(), what.units.end(), [&](const auto& one) {
        return std::any_of(one.from.begin(), one.from.end(),
                           [&](const auto& from) { return unit_of(from) == name && !from.ends_with(".rejects"); });
      });
      if (!read && what.units[at].component != "route") add(name);
    }
  }

  void compare(const actors::run_outcome& outcome, const std::vector<std::string>& first_rejects) {
    for (const auto& [name, rows] : test_.expect) {
      const auto& found = *kept_.at(sinks_.at(name));
      if (!rows.file.empty()) {
        compare_file(name, rows.file, found);
        continue;
      }
      auto compared = compare_rows(*rows.rows, found, ordered_.contains(name));
      if (!compared.equal) made_.units.emplace_back(name, std::move(compared));
    }
    for (const auto& unit : outcome.units) {
      const auto expected = test_.rejects.find(unit.unit);
      const auto wanted = expected == test_.rejects.end() ? 0 : expected->second;
      const auto found = static_cast<std::int64_t>(unit.counters.rejected);
      if (wanted == found) continue;
      auto note = unit.unit + ": expected " + std::to_string(wanted) + " rejects, found " + std::to_string(found);
      for (auto one : first_rejects) {
        // The rows of a test are in no file that anybody knows.
        if (one.starts_with(folder_.path())) one = "given " + one.substr(folder_.path().size() + 1);
        note += "\n    " + printable(one);
      }
      made_.notes.push_back(std::move(note));
    }
  }

  void compare_file(const std::string& unit, const std::string& written, const kept_rows& found) {
    const auto path = path_of(written, file_.path);
    const auto text = rows_as_csv(found);
    std::ifstream in(path, std::ios::binary);
    std::ostringstream golden;
    golden << in.rdbuf();
    const auto lines_of = [&](const std::string& of) {
      std::vector<std::string> lines;
      std::istringstream stream(of);
      for (std::string line; std::getline(stream, line);) lines.push_back(line);
      if (!ordered_.contains(unit) && !lines.empty()) std::sort(lines.begin() + 1, lines.end());
      return lines;
    };
    const auto wanted = lines_of(golden.str());
    const auto lines = lines_of(text);
    if (in && wanted == lines) return;
    if (update_) {
      std::ofstream out(path, std::ios::binary);
      out << text;
      if (!out.flush()) {
        made_.faults.push_back(from_errno(errno, "write " + path));
        return;
      }
      made_.updated = true;
      return;
    }
    if (!in) {
      made_.notes.push_back(unit + ": there is no file " + written + " with the expected rows; --update writes it");
      return;
    }
    auto note = unit + ": the rows differ from " + written + " (--update writes it anew)";
    std::vector<std::string> missing;
    std::vector<std::string> surplus;
    auto a = wanted;
    auto b = lines;
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(missing));
    std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(surplus));
    if (missing.empty() && surplus.empty()) note += "\n    the order of the rows";
    for (std::size_t i = 0; i < std::min<std::size_t>(missing.size(), 10); ++i)
      note += "\n  - " + printable(missing[i]);
    for (std::size_t i = 0; i < std::min<std::size_t>(surplus.size(), 10); ++i)
      note += "\n  + " + printable(surplus[i]);
    made_.notes.push_back(std::move(note));
  }

  const session& with_;
  const test_file& file_;
  const pipeline_test& test_;
  bool update_;
  rows_folder folder_;
  test_result made_;
  std::vector<std::pair<std::string, std::string>> wanted_;  ///< unit of the test, what is read for it
  std::map<std::string, std::string> sinks_;                 ///< unit of the test: the sink that keeps its rows
  std::map<std::string, std::shared_ptr<kept_rows>> kept_;   ///< by sink
  std::set<std::string> ordered_;
};

}  // namespace

test_result run_test(const session& with, const test_file& of, const pipeline_test& test, const std::string& config,
                     bool update) {
  return runner(with, of, test, update).run(config);
}

}  // namespace sluice::app
