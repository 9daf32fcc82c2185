#include "engine/plan/targets.hpp"

#include "engine/component/component.hpp"
#include "engine/error/names.hpp"
#include "engine/files/source_reach.hpp"
#include "engine/plan/stated_target.hpp"
#include "engine/plan/unit_graph.hpp"
#include "engine/secrets/mask.hpp"
#include "engine/secrets/reveal.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace sluice {

namespace {

using kind = write_target::kind;

/// A sink's target, found in the file system.
struct found_target {
  const unit_definition* unit = nullptr;
  target_rule rule;
  write_target stated;
  std::string shown = {};  ///< its path as the user wrote it, secrets hidden
  std::string real = {};   ///< absolute, links followed; empty for standard output
  possible_file file = {};
};

/// What is written there is lost for everyone in the same way.
bool is_null_device(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

target_rule rule_of(const unit_definition& unit, const target_rules& rules) {
  const auto found = rules.find(unit.name);
  return found == rules.end() ? target_rule{} : found->second;
}

/// A table of a server, by its canonical address; all others are files.
bool is_on_server(const write_target& of) { return of.what == kind::table && of.path.find("://") != std::string::npos; }

std::optional<found_target> find_target(const unit_definition& unit, const target_rules& rules,
                                        const run_context& context) {
  // Secrets that can't be had are reported where the component is made.
  const auto revealed = reveal_secrets(unit.own, context);
  if (!revealed.ok()) return {};
  const auto stated = stated_target(unit.component, *revealed);
  if (!stated || stated->what == kind::nothing || stated->path.empty()) return {};
  found_target found{.unit = &unit, .rule = rule_of(unit, rules), .stated = *stated};
  found.shown = stated_target(unit.component, unit.own)->path;
  if (stated->what == kind::standard_output) {
    found.file.file = identity_of(STDOUT_FILENO);
    return found;
  }
  if (is_on_server(*stated)) {
    found.real = stated->path;
    return found;
  }
  auto absolute = absolute_path(stated->path, context.base_folder);
  if (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  if (is_null_device(absolute)) return {};
  found.real = real_path(absolute);
  found.file = look_at_place(absolute);
  return found;
}

std::string in_unit(const unit_definition& unit, const target_rule& rule) {
  const auto& at = rule.at;
  if (at.line == 0) return "unit " + unit.name;
  return "unit " + unit.name + " (" + at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ")";
}

bool same_table(const std::string& a, const std::string& b) {
  // SQLite ignores the case of ASCII letters only.
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// Names as PostgreSQL writes them: "schema"."table"; without a schema it may be any.
bool same_server_table(const std::string& a, const std::string& b) {
  if (a == b) return true;
  return a.ends_with("." + b) || b.ends_with("." + a);
}

/// True where `inner` is a path below `outer`.
bool is_below(const std::string& inner, const std::string& outer) {
  return inner.size() > outer.size() && inner.starts_with(outer) && (outer == "/" || inner[outer.size()] == '/');
}

/// The files that SQLite keeps beside a database.
bool is_beside_database(const found_target& file, const found_target& database) {
  if (file.stated.what != kind::file || database.stated.what != kind::table) return false;
  const auto is_it = [&](const char* tail) { return file.real == database.real + tail; };
  return is_it("-journal") || is_it("-wal") || is_it("-shm");
}

const char* word_for(const found_target& target) {
  switch (target.stated.what) {
    case kind::standard_output:
      return "standard output";
    case kind::folder:
      return "the folder ";
    case kind::table:
      return "the database ";
    default:
      return "the file ";
  }
}

std::string name_of(const found_target& target) {
  if (target.stated.what == kind::standard_output) return word_for(target);
  if (target.stated.what == kind::table) return "the table " + target.stated.table + " of " + target.shown;
  return word_for(target) + target.shown;
}

/// Why a sink can't have its target while another one has its own; empty where it can.
std::string conflict(const found_target& mine, const found_target& other) {
  if (is_on_server(mine.stated) || is_on_server(other.stated)) {
    const bool same = mine.real == other.real && same_server_table(mine.stated.table, other.stated.table);
    return same ? "the table " + mine.stated.table + " is written by " + in_unit(*other.unit, other.rule) + " too" : "";
  }
  const bool streams = mine.stated.what == kind::standard_output || other.stated.what == kind::standard_output;
  const bool same = mine.file.file == other.file.file ||
                    (mine.stated.what == kind::standard_output && other.stated.what == kind::standard_output);
  const bool tables = mine.stated.what == kind::table && other.stated.what == kind::table;
  if (same && tables && !same_table(mine.stated.table, other.stated.table)) return {};
  if (same && name_of(mine) == name_of(other))
    return name_of(mine) + " is written by " + in_unit(*other.unit, other.rule) + " too";
  if (same)
    return name_of(mine) + " is the same " + (tables ? "table" : "file") + " as " + name_of(other) + ", which " +
           in_unit(*other.unit, other.rule) + " writes";
  if (streams) return {};
  if (is_beside_database(mine, other) || is_beside_database(other, mine))
    return name_of(mine) + " and " + name_of(other) + ", which " + in_unit(*other.unit, other.rule) +
           " writes, would be parts of one database";
  if (mine.stated.what == kind::folder && is_below(other.real, mine.real))
    return name_of(mine) + " is written as a whole, and " + in_unit(*other.unit, other.rule) + " writes " +
           name_of(other) + " into it";
  if (other.stated.what == kind::folder && is_below(mine.real, other.real))
    return name_of(mine) + " is within " + name_of(other) + ", which " + in_unit(*other.unit, other.rule) +
           " writes as a whole";
  if (is_below(mine.real, other.real) || is_below(other.real, mine.real))
    return name_of(mine) + " and " + name_of(other) + ", which " + in_unit(*other.unit, other.rule) +
           " writes, can't both exist: one name would be a folder and a file";
  return {};
}

error target_fault(const found_target& target, std::string code, std::string message, std::string hint) {
  return unit_fault(*target.unit, target.stated.option, std::move(code), std::move(message), std::move(hint));
}

void check_sinks(const std::vector<found_target>& targets, diagnostics& faults) {
  for (std::size_t at = 1; at < targets.size(); ++at)
    for (std::size_t other = 0; other < at; ++other) {
      const auto why = conflict(targets[at], targets[other]);
      if (why.empty()) continue;
      std::string hint = "give each sink its own target";
      const auto& mine = targets[at].unit->from;
      const auto& others = targets[other].unit->from;
      if (mine != others)
        hint += ", or combine the rows first: transform: { both: { from: [" + joined(others) + ", " + joined(mine) +
                "], union: {} } }";
      faults.push_back(target_fault(targets[at], "target_used_twice", why, hint));
      break;
    }
}

/// The pipeline's own file is read as well.
void check_pipeline_file(const pipeline& definition, const std::vector<found_target>& targets,
                         const run_context& context, diagnostics& faults) {
  if (definition.file.empty() || definition.file == "-") return;
  const auto file = identity_of(absolute_path(definition.file, context.base_folder));
  for (const auto& target : targets)
    if (target.file.file == file)
      faults.push_back(target_fault(target, "overwrites_source", name_of(target) + " is the pipeline's own file",
                                    "write to another target"));
}

/// One source and what it reads.
class read_files {
 public:
  read_files(const unit_definition& unit, const target_rule& rule, const component& by, const options& own,
             const run_context& context)
      : unit_(unit),
        shown_(in_unit(unit, rule)),
        reach_(own.is_object() ? own.value("path", options()) : own, by.files.extensions, context.base_folder) {}

  void check(const found_target& target, diagnostics& faults) {
    if (is_on_server(target.stated)) return;
    // A folder that can't be listed is reported where the source is made.
    const auto reached = reach_.find(target.file);
    if (!reached.ok() || !*reached) return;
    const auto& entry = **reached;
    const auto& source = shown_;
    const bool can_replace = target.stated.what == kind::file;
    if (!entry.is_read) {
      faults.push_back(
          target_fault(target, "overwrites_source",
                       name_of(target) + " is within " + entry.entry + ", which " + source +
                           " reads: the next run would read what this run has written",
                       "write to another folder, or use a pattern in the source that does not match " + target.shown));
      return;
    }
    auto what = name_of(target) + " is read by " + source;
    if (target.stated.what == kind::table) what = "the database " + target.shown + " is read as a file by " + source;
    if (entry.entry != target.shown) what += " (" + entry.entry + ")";
    if (!target.rule.overwrite_source || !can_replace) {
      faults.push_back(target_fault(
          target, "overwrites_source", what + ", and would be overwritten",
          can_replace
              ? "write to another file; to replace it on purpose at the end of the run, set overwrite_source: true"
              : "write to another target"));
    } else if (unit_.incremental.by != incremental_rule::way::none) {
      faults.push_back(
          target_fault(target, "overwrites_source",
                       what + ", which is incremental: a file that each run overwrites can't be read incrementally",
                       "write to another file, or read it without incremental"));
    }
  }

 private:
  const unit_definition& unit_;
  std::string shown_;
  source_reach reach_;
};

void check_sources(const pipeline& definition, const target_rules& rules, const std::vector<found_target>& targets,
                   const run_context& context, diagnostics& faults) {
  std::vector<bool> told(targets.size(), false);
  for (const auto& unit : definition.units) {
    if (unit.role != unit_role::extract || unit.faulty) continue;
    const auto* by = find_component(component_kind::source, unit.component);
    if (by == nullptr || by->files.extensions.empty()) continue;
    const auto revealed = reveal_secrets(unit.own, context);
    if (!revealed.ok()) continue;
    read_files source(unit, rule_of(unit, rules), *by, *revealed, context);
    for (std::size_t at = 0; at < targets.size(); ++at) {
      if (told[at]) continue;
      const auto before = faults.size();
      source.check(targets[at], faults);
      told[at] = faults.size() > before;
    }
  }
}

/// A run sees a table that it also writes as it was at the start, since sinks commit behind the last row that is read.
/// That does not hold where they commit before: a run that goes on behind such a commit would read its own rows.
void check_read_tables(const pipeline& definition, const target_rules& rules, const std::vector<found_target>& targets,
                       const run_context& context, diagnostics& faults) {
  for (const auto& unit : definition.units) {
    if (unit.role != unit_role::extract || unit.faulty) continue;
    // What a source reads is given by the options by which a sink of that name would say where it writes.
    const auto read = find_target(unit, rules, context);
    if (!read || read->stated.what != kind::table) continue;
    for (const auto& target : targets) {
      if (!target.unit->commit_each || target.stated.what != kind::table) continue;
      // A SQLite database is locked as a whole.
      const bool server = is_on_server(target.stated);
      const bool same = server ? !read->stated.table.empty() && target.real == read->real &&
                                     same_server_table(target.stated.table, read->stated.table)
                               : target.file.file == read->file.file;
      if (same)
        faults.push_back(target_fault(target, "overwrites_source",
                                      (server ? name_of(target) : "the database " + target.shown) + " is read by " +
                                          in_unit(unit, read->rule) +
                                          ", and commit: checkpoint would change it while it is read",
                                      "leave out commit: checkpoint: rows become visible at the end of the run"));
    }
  }
}

}  // namespace

void check_written_targets(const pipeline& definition, const target_rules& rules, const run_context& context,
                           diagnostics& faults) {
  std::vector<found_target> targets;
  for (const auto& unit : definition.units)
    if (unit.role == unit_role::load && !unit.faulty)
      if (auto found = find_target(unit, rules, context)) targets.push_back(std::move(*found));
  check_sinks(targets, faults);
  check_pipeline_file(definition, targets, context, faults);
  check_sources(definition, rules, targets, context, faults);
  check_read_tables(definition, rules, targets, context, faults);
  secrets::mask(faults);
}

}  // namespace sluice
