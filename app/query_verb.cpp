#include "actors/run/run.hpp"
#include "app/data_file.hpp"
#include "app/planning.hpp"
#include "app/preview_rows.hpp"
#include "app/run_engine.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "config/document.hpp"
#include "engine/error/names.hpp"
#include "engine/sql/statement.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <set>

namespace sluice::app {

namespace {

constexpr const char* result_unit = "result";

struct chosen {
  std::string statement;
  std::vector<std::string> files;
  bool csv = false;
  data_options data;
};

/// A table of the statement and the file that has its rows.
struct table_file {
  std::string unit;
  std::string written;  ///< 'path' in the statement; empty: named by the unit
  data_file file;
};

std::string flow(const options& map) {
  auto json = map.dump();
  for (auto at = json.find('$'); at != std::string::npos; at = json.find('$', at + 2)) json.insert(at, "$");
  return json;
}

/// The sources of the tables; the statement's unit is added to what is read of it.
std::string pipeline_of(const std::vector<table_file>& tables, const std::string& format) {
  std::string text = "version: 1\npipeline: query\nrejects: { allow: 9000000000000000000 }\nextract:\n";
  for (const auto& one : tables) {
    auto own = one.file.own;
    own["path"] = one.file.path;
    text += "  " + one.unit + ":\n    " + one.file.component + ": " + flow(own) + "\n";
    if (!one.file.types.empty()) text += "    types: " + flow(one.file.types) + "\n";
  }
  return text + "load:\n  shown:\n    from: " + result_unit +
         "\n    stdout: " + (format.empty() ? "{}" : "{ format: " + format + " }") + "\n";
}

/// NAME=FILE names the table; else the file does.
std::pair<std::string, std::string> named_file(const std::string& given) {
  const auto equals = given.find('=');
  std::error_code ignored;
  if (equals == std::string::npos || equals == 0 || std::filesystem::exists(given, ignored)) return {"", given};
  const auto name = given.substr(0, equals);
  const bool fits =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; }) &&
      std::isdigit(static_cast<unsigned char>(name.front())) == 0;
  return fits ? std::pair(name, given.substr(equals + 1)) : std::pair(std::string(), given);
}

result<data_file> readable(const std::string& path, const data_options& how) {
  SLUICE_ASSIGN(auto found, recognise_data_file(path, how));
  if (found) return *std::move(found);
  return user_error(
      "bad_arguments", path + " is a pipeline, not a data file",
      "sluice query reads CSV, NDJSON, Parquet and Arrow files; to look at a pipeline: sluice preview " + path);
}

bool same_name(const std::string& a, const std::string& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
           return std::tolower(x) == std::tolower(y);
         });
}

class asking {
 public:
  asking(session& with, const chosen& what) : with_(with), what_(what) {}

  result<int> run() {
    diagnostics faults;
    shown_ = config::document::parse(what_.statement, "query", faults);
    faults.clear();
    const auto parsed = sql::parse_statement(what_.statement, "/sql", faults);
    if (!parsed) return refuse(std::move(faults));
    SLUICE_TRY(find_tables(*parsed, faults));
    if (!faults.empty()) return refuse(std::move(faults));
    std::shared_ptr<const config::document> source;
    planning_request request;
    request.file = "query";
    request.run_id = uuid_v7();
    request.text = pipeline_of(tables_, with_.options.json ? "ndjson" : what_.csv ? "csv" : "");
    request.adapt = [&](pipeline& definition) {
      definition.units.push_back(statement_unit());
      return status{};
    };
    auto planned = plan_pipeline(with_, request, faults, source);
    if (!planned) return refuse(std::move(faults));
    auto warnings = planned->what->warnings;
    std::erase_if(warnings, [](const error& one) { return one.code == "unread_port"; });
    place(warnings);
    if (!with_.options.quiet) report_faults(with_, warnings, shown_.get(), "warning");
    SLUICE_ASSIGN(auto outcome, run_and_show(with_, *planned));
    return report_end(outcome);
  }

 private:
  status find_tables(const sql::statement& parsed, diagnostics& faults) {
    std::vector<table_file> given;
    std::vector<std::string> known;
    for (const auto& word : what_.files) {
      auto [name, path] = named_file(word);
      SLUICE_ASSIGN(auto file, readable(path, what_.data));
      if (name.empty()) name = file.name;
      for (const auto& one : given)
        if (same_name(one.unit, name))
          return user_error("bad_arguments", path + " and " + one.file.path + " are both the table " + name,
                            "give one of them another name: " + name + "_2=" + path);
      known.push_back(name);
      given.push_back({name, "", std::move(file)});
    }
    std::set<std::string> taken(known.begin(), known.end());
    taken.insert(result_unit);
    for (const auto& table : sql::tables_of(parsed)) {
      if (!table.file.empty()) {
        auto file = readable(table.file, what_.data);
        if (!file.ok()) {
          faults.push_back(std::move(file).problem());
          faults.back().path = "/sql";
          faults.back().offset = table.begin;
          continue;
        }
        auto unit = file->name;
        for (int number = 2; taken.contains(unit); ++number) unit = file->name + "_" + std::to_string(number);
        taken.insert(unit);
        tables_.push_back({unit, table.file, *std::move(file)});
        continue;
      }
      auto found = std::find_if(given.begin(), given.end(), [&](const auto& one) { return one.unit == table.name; });
      if (found == given.end())
        found =
            std::find_if(given.begin(), given.end(), [&](const auto& one) { return same_name(one.unit, table.name); });
      if (found != given.end()) {
        tables_.push_back(*found);
        continue;
      }
      const auto near = nearest_name(table.name, known);
      const auto word =
          what_.statement.substr(table.begin, what_.statement.find_first_of(" \t\r\n,;)", table.begin) - table.begin);
      std::error_code ignored;
      auto fault = user_error("unknown_unit", "there is no table " + table.name,
                              std::filesystem::is_regular_file(word, ignored)
                                  ? "put the name of a file in quotes: from '" + word + "'"
                              : !near.empty() ? "did you mean `" + near + "`?"
                              : known.empty() ? "name its file after the statement, " + table.name +
                                                    "=FILE, or in from: from 'path/" + table.name + ".csv'"
                                              : "the files given are the tables " + joined(known));
      fault.path = "/sql";
      fault.offset = table.begin;
      faults.push_back(std::move(fault));
    }
    return {};
  }

  [[nodiscard]] unit_definition statement_unit() const {
    unit_definition made;
    made.role = unit_role::transform;
    made.name = result_unit;
    made.component = "sql";
    made.own = options::object();
    made.own["query"] = what_.statement;
    made.own["files"] = options::object();
    for (const auto& one : tables_) {
      if (std::find(made.from.begin(), made.from.end(), one.unit) == made.from.end()) made.from.push_back(one.unit);
      if (!one.written.empty()) made.own["files"][one.written] = one.unit;
    }
    return made;
  }

  /// The pipeline is ours: places are those of the statement.
  void place(diagnostics& faults) const {
    for (auto& fault : faults) {
      fault.at = {};
      const bool in_statement = fault.path.ends_with("/sql");
      if (in_statement) fault.at = shown_->locate_byte(fault.offset.value_or(0));
      if (fault.where == std::string("unit ") + result_unit) fault.where.clear();
    }
  }

  int refuse(diagnostics faults) {
    place(faults);
    report_faults(with_, faults, shown_.get());
    return exit_code_of(faults);
  }

  int report_end(const preview_outcome& outcome) {
    if (outcome.run.state == store::run_state::cancelled)
      return outcome.signal == SIGTERM ? exit_terminated : exit_interrupted;
    if (outcome.run.state == store::run_state::failed) {
      diagnostics cause = {
          outcome.run.cause.value_or(internal_error("query_failed", "the query failed, and no cause was reported"))};
      place(cause);
      report_faults(with_, cause, shown_.get());
      return exit_failed;
    }
    if (outcome.run.rejected == 0) return exit_succeeded;
    for (const auto& reject : outcome.rejects) with_.terminal.note("rejected  " + printable(reject) + "\n");
    with_.terminal.note(thousands(outcome.run.rejected) +
                        (outcome.run.rejected == 1 ? " record was" : " records were") +
                        " rejected: the answer is without " + (outcome.run.rejected == 1 ? "it\n" : "them\n"));
    return exit_partial;
  }

  session& with_;
  const chosen& what_;
  std::shared_ptr<const config::document> shown_;
  std::vector<table_file> tables_;
};

}  // namespace

command query_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes =
          {.positionals =
               {{.name = "SELECT", .help = "the statement, in quotes", .target = &what->statement},
                {.name = "FILE",
                 .help = "data files (CSV, NDJSON, Parquet, Arrow, also compressed): tables named as the files, or "
                         "NAME=FILE",
                 .target = &what->files,
                 .required = false,
                 .offers = completes::file}},
           .options = {{.names = {"--csv"},
                        .value = {},
                        .help = "print the rows as CSV (default: a table on a terminal, else NDJSON)",
                        .target = &what->csv},
                       {.names = {"--format"},
                        .value = "FORMAT",
                        .help = "format of the files (default: detected by name and first bytes)",
                        .target = &what->data.format,
                        .choices = {"csv", "ndjson", "parquet", "ipc"}},
                       {.names = {"--separator"},
                        .value = "TEXT",
                        .help = "for CSV files (default: detected)",
                        .target = &what->data.separator},
                       {.names = {"--no-header"},
                        .value = {},
                        .help = "the CSV files have no header with column names",
                        .target = &what->data.no_header}},
           .details =
               "  sluice query \"select country, sum(amount) from orders group by country\" orders.csv\n"
               "  sluice query \"select * from 'data/orders.parquet' where amount > 100\" --csv > large.csv\n"
               "  sluice query \"select o.id, c.name from o join c using (customer_id)\" o=orders.csv c=crm.ndjson\n\n"
               "The statement is what the transform sql takes: sluice components sql. With --json the rows are\n"
               "printed as one JSON object per line. Exit code 3: records could not be read and are left out.\n"},
      .run = [what](session& with) { return asking(with, *what).run(); }};
}

}  // namespace sluice::app
