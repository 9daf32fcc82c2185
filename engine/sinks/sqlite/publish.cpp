#include "engine/sinks/sqlite/publish.hpp"

#include "engine/component/opaque.hpp"
#include "engine/files/hidden_file.hpp"
#include "engine/runs/proof.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/sinks/history/history_sql.hpp"
#include "engine/sinks/sqlite/table.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arrow/type.h>

#include <filesystem>

namespace sluice::sqlite {

namespace fs = std::filesystem;

namespace {

constexpr char table_token = 's';

/// Makes the file of a database that is missing, so that it can be told from one that another process makes meanwhile.
/// It is never opened here: closing it would take away the locks that SQLite has on it in this process.
class new_database {
 public:
  explicit new_database(const std::string& path) : path_(path) {
    made_ = ::mknod(path.c_str(), S_IFREG | 0644, 0) == 0 && ::stat(path.c_str(), &made_as_) == 0;
  }

  [[nodiscard]] bool made() const { return made_; }
  /// Removes it again where nothing has been written to it, neither by `target` nor by anyone who has found it.
  void remove(connection& target) noexcept {
    if (!made_ || !target.run("BEGIN EXCLUSIVE").ok()) return;
    struct stat there {};
    if (::stat(path_.c_str(), &there) == 0 && there.st_size == 0 && there.st_dev == made_as_.st_dev &&
        there.st_ino == made_as_.st_ino)
      ::unlink(path_.c_str());
    (void)target.run("ROLLBACK");
  }

 private:
  const std::string& path_;
  struct stat made_as_ {};
  bool made_ = false;
};

status make_notes_table(connection& target) {
  constexpr auto create =
      "CREATE TABLE IF NOT EXISTS _sluice_commits (sink TEXT NOT NULL, run TEXT NOT NULL, epoch INTEGER NOT NULL, "
      "attempt INTEGER NOT NULL, target TEXT NOT NULL, rows INTEGER NOT NULL, committed_at TEXT NOT NULL, "
      "PRIMARY KEY (sink, run, epoch))";
  SLUICE_TRY(target.run(create));
  SLUICE_ASSIGN(const auto epochs,
                target.rows("SELECT 1 FROM pragma_table_info('_sluice_commits') WHERE name = 'epoch'"));
  if (!epochs.empty()) return {};
  // As earlier versions made it: one epoch a run.
  SLUICE_TRY(target.run("ALTER TABLE _sluice_commits RENAME TO _sluice_commits_1"));
  SLUICE_TRY(target.run(create));
  return target.run(
      "INSERT INTO _sluice_commits SELECT sink, run, 1, attempt, target, rows, committed_at FROM _sluice_commits_1; "
      "DROP TABLE _sluice_commits_1");
}

/// The table of the modes merge and scd2, as it is or as it will be made.
result<table> history_table(connection& target, const loaded_table& into) {
  const auto& rule = *into.history;
  SLUICE_ASSIGN(auto found,
                find_table(target, into.name, *rule.target, rule.target_key, into.create == create_rule::evolve));
  if (!found.exists && into.create == create_rule::never) return lacks_table(into);
  for (std::size_t i = 0; i < found.columns.size(); ++i) {
    const auto& wanted = rule.target->field(static_cast<int>(i))->name();
    if (found.columns[i].name != wanted)
      return user_error("unknown_column",
                        "the table " + found.name + " has no column " + wanted + ", but " + found.columns[i].name,
                        "rename the column in a unit before: mode " + std::string(rule.is_scd2 ? "scd2" : "merge") +
                            " needs the names as they are in the table");
  }
  return found;
}

status merge_rows(connection& target, const loaded_table& into) {
  SLUICE_ASSIGN(const auto now, history_table(target, into));
  if (!now.exists)
    for (const auto& sql : now.definition) SLUICE_TRY(target.run(sql));
  SLUICE_TRY(add_columns(target, now));
  auto rule = *into.history;
  // As row_binder writes a timestamptz.
  if (rule.gone_at.ends_with("+00")) rule.gone_at += ":00";
  const history::history_database in{.run = [&](const std::string& sql) { return target.run(sql); },
                                     .number = [&](const std::string& sql) -> result<std::int64_t> {
                                       SLUICE_ASSIGN(const auto rows, target.rows(sql));
                                       return rows.empty() || rows[0][0].empty() ? std::int64_t{0}
                                                                                 : std::stoll(rows[0][0]);
                                     },
                                     .make_temporary = "CREATE TEMP TABLE _sluice_rounds AS ",
                                     .temporary = "temp._sluice_rounds"};
  return apply_history(rule, "main." + quoted_name(now.name), "sluice_staged." + quoted_name(into.name), in);
}

status user_statements(connection& target, const std::vector<std::string>& all, const char* which) {
  for (const auto& sql : all) {
    if (auto ran = target.run(sql); !ran.ok()) {
      auto problem = std::move(ran).problem();
      problem.message = std::string("a statement of ") + which + " failed: " + problem.message;
      return problem;
    }
    if (::sqlite3_get_autocommit(target.handle()) == 0) continue;
    return user_error("database_error",
                      std::string("a statement of ") + which + " has ended the transaction: " + sql.substr(0, 100),
                      "remove COMMIT and ROLLBACK from it");
  }
  return {};
}

status move_rows(connection& target, const loaded_table& into, const staged_epoch& epoch, bool staged,
                 interruption& stop) {
  SLUICE_TRY(make_notes_table(target));
  const auto number = std::to_string(epoch.epoch);
  SLUICE_ASSIGN(const auto done,
                target.rows("SELECT attempt FROM _sluice_commits WHERE sink = ? AND run = ? AND epoch = " + number,
                            {into.sink, into.run}));
  if (!done.empty() && !proof::planted(proof::bug::commit_repeated)) return {};
  if (!staged)
    return external_error("prepared_lost",
                          "the file " + epoch.path + " with the rows for the table " + into.name + " is missing",
                          "it was removed: run the pipeline again");
  const auto note = "INSERT INTO _sluice_commits VALUES (" + quoted_text(into.sink) + ", " + quoted_text(into.run) +
                    ", " + number + ", " + std::to_string(epoch.attempt) + ", " + quoted_text(into.name) + ", " +
                    std::to_string(epoch.rows) + ", strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
  SLUICE_TRY(user_statements(target, into.before, "before"));
  if (into.history) {
    SLUICE_TRY(merge_rows(target, into));
    SLUICE_TRY(user_statements(target, into.after, "after"));
    return target.run(note);
  }
  SLUICE_ASSIGN(auto source, connection::open(epoch.path, connection::access::read, stop));
  SLUICE_ASSIGN(const auto from, find_table(source, into.name, *into.schema, into.key));
  SLUICE_ASSIGN(const auto now,
                find_table(target, into.name, *into.schema, into.key, into.create == create_rule::evolve));
  if (!now.exists && into.create == create_rule::never) return lacks_table(into);
  SLUICE_TRY(add_columns(target, now));
  if (now.exists && epoch.mode == "error") return exists_error(into);
  if (!now.exists)
    for (const auto& sql : from.definition) SLUICE_TRY(target.run(sql));
  if (now.exists && epoch.mode == "replace") SLUICE_TRY(target.run("DELETE FROM main." + quoted_name(now.name)));
  SLUICE_TRY(target.run(move_statement(from, "sluice_staged")));
  if (target.changes() != static_cast<std::int64_t>(epoch.rows))
    return user_error("rows_lost",
                      "the table " + into.name + " took " + std::to_string(target.changes()) + " of " +
                          std::to_string(epoch.rows) + " rows",
                      "a trigger of the table probably removes some: nothing was loaded");
  SLUICE_TRY(user_statements(target, into.after, "after"));
  return target.run(note);
}

}  // namespace

std::string token_of(const staged_epoch& of) {
  return opaque_writer(table_token)
      .text(secrets::hide(of.path))
      .text(of.mode)
      .number(static_cast<std::int64_t>(of.epoch))
      .number(of.attempt)
      .number(static_cast<std::int64_t>(of.rows))
      .take();
}

result<staged_epoch> read_token(const std::string& token) {
  opaque_reader from(token, table_token);
  staged_epoch made;
  made.path = from.text();
  made.mode = from.text();
  made.epoch = static_cast<std::uint64_t>(from.number());
  made.attempt = static_cast<std::uint32_t>(from.number());
  made.rows = static_cast<std::uint64_t>(from.number());
  SLUICE_TRY(from.done("the token of rows for the table"));
  SLUICE_TRY(secrets::reveal(made.path));
  return made;
}

result<bool> has_notes(connection& target, const loaded_table& into) {
  SLUICE_ASSIGN(const auto tables,
                target.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sluice_commits'"));
  if (tables.empty()) return false;
  SLUICE_ASSIGN(const auto notes,
                target.rows("SELECT 1 FROM _sluice_commits WHERE sink = ? AND run = ?", {into.sink, into.run}));
  return !notes.empty();
}

status check_history_table(connection& target, const loaded_table& into) {
  const auto found = history_table(target, into);
  return found.ok() ? status() : status(found.problem());
}

status publish(const loaded_table& into, const staged_epoch& epoch, interruption& stop) {
  const bool staged = fs::exists(epoch.path);
  new_database made(into.path);
  SLUICE_ASSIGN(auto target, connection::open(into.path, connection::access::create, stop));
  auto moved = [&]() -> status {
    SLUICE_TRY(target.run("PRAGMA synchronous = FULL"));
    // A file that is missing would be made by ATTACH.
    if (staged) SLUICE_TRY(target.run("ATTACH " + quoted_text(epoch.path) + " AS sluice_staged"));
    SLUICE_TRY(target.run("BEGIN IMMEDIATE"));
    SLUICE_TRY(move_rows(target, into, epoch, staged, stop));
    return target.run("COMMIT");
  }();
  if (!moved.ok()) {
    (void)target.run("ROLLBACK");
    made.remove(target);
    return moved;
  }
  if (staged) (void)target.run("DETACH sluice_staged");
  if (!proof::planted(proof::bug::commit_repeated)) remove_staged(epoch.path);
  if (!made.made()) return {};
  const int number = sync_folder(fs::path(into.path).parent_path().string());
  return number == 0 ? status{} : status(from_errno(number, "make durable " + into.path));
}

error lacks_table(const loaded_table& table) {
  return user_error("unknown_table", "there is no table " + table.name + " in " + table.path,
                    "create it, or write create: if_missing");
}

error exists_error(const loaded_table& table) {
  return user_error("target_exists",
                    "the table " + table.name + " of " + table.path + " already exists, and mode is error",
                    "drop it, use another table, or choose mode: replace, append or upsert");
}

void remove_staged(const std::string& path) noexcept {
  ::unlink(path.c_str());
  ::unlink((path + "-journal").c_str());
}

}  // namespace sluice::sqlite
