#include "engine/component/component.hpp"
#include "engine/component/opaque.hpp"
#include "engine/error/names.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/files/hidden_file.hpp"
#include "engine/sinks/sqlite/row_binder.hpp"
#include "engine/sinks/sqlite/table.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/type.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace sluice {

namespace fs = std::filesystem;

namespace {

using sqlite::connection;

/// Looks for rows of the target that a new one would repeat. Reads outside of transactions, so that it holds no lock.
struct duplicate_check {
  sqlite::statement query;
  std::vector<std::size_t> columns;
  std::string message;
};

/// Gathers rows in a database of its own beside the target, whose table there obeys the same rules, so that refused
/// rows show at once and nobody is locked out while the run goes on. Each epoch has a database of its own. One
/// transaction moves its rows and notes run and epoch in `_sluice_commits`; a repeated commit finds the note.
class sqlite_table : public sink {
 public:
  sqlite_table(const sink_request& request, std::string path, std::string name)
      : request_(request),
        name_(std::move(name)),
        path_(target_of(path, request.context ? request.context->base_folder : "")) {
    run_ = request.context ? request.context->run_id : "";
    sink_name_ = (request.context ? request.context->pipeline : "") + "." + request.unit;
  }
  ~sqlite_table() override {
    // What was prepared may be committed by someone who has only the token.
    const bool prepared = !prepared_.empty();
    drop_staging();
    if (!prepared && !committed_) folders_.remove();
  }

  status open(std::uint32_t attempt) override {
    attempt_ = attempt;
    struct remove_on_failure {
      sqlite_table* self;
      ~remove_on_failure() {
        if (self != nullptr) self->abort();
      }
    } guard{this};
    SLUICE_TRY(folders_.make(fs::path(path_).parent_path().string()));
    if (fs::exists(path_)) {
      if (::access(path_.c_str(), W_OK) != 0) return from_errno(errno, "write to the database " + path_);
      SLUICE_ASSIGN(auto opened, connection::open(path_, connection::access::read, stopped_));
      target_.emplace(std::move(opened));
      SLUICE_ASSIGN(table_, sqlite::find_table(*target_, name_, *request_.schema, request_.key));
      SLUICE_ASSIGN(const bool continued, has_notes(*target_));
      if (continued) mode_ = later_mode();
    } else {
      table_ = sqlite::new_table(name_, *request_.schema, request_.key);
    }
    if (mode_ == "error" && table_.exists) return exists_error();
    SLUICE_TRY(open_staging());
    if (mode_ == "append" && table_.exists) SLUICE_TRY(prepare_checks());
    if (checks_.empty()) target_.reset();
    guard.self = nullptr;
    return {};
  }

  status write(const batch& rows, row_errors& refused) override {
    if (!staged_) SLUICE_TRY(open_staging());
    binder_->start(rows.data);
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
      SLUICE_ASSIGN(auto why, store(row));
      if (!why) {
        ++inserted_;
      } else if (request_.policy == on_error::reject) {
        refused.push_back(std::move(*why));
      } else {
        return user_error(why->code,
                          "table " + name_ + ", row " + std::to_string(inserted_ + 1) + " (" + binder_->describe(row) +
                              "): " + (why->column.empty() ? "" : "column " + why->column + ": ") + why->message,
                          "mend it before, or send such rows to the rejects: on_error: reject");
      }
    }
    return {};
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    if (!staged_) SLUICE_TRY(open_staging());
    SLUICE_TRY(staged_->run("COMMIT"));
    SLUICE_ASSIGN(const auto counted, staged_->rows("SELECT count(*) FROM " + sqlite::quoted_name(table_.name)));
    const auto rows = std::stoull(counted.at(0).at(0));
    const auto set_null = binder_->set_null();
    close_staging();
    SLUICE_TRY(sync_staging());
    std::error_code ignored;
    const staged_epoch made{.path = staged_path_, .mode = mode_, .epoch = epoch, .attempt = attempt_, .rows = rows};
    prepared_epoch given{{.loaded = rows,
                          .merged = inserted_ - rows,
                          .set_null = set_null,
                          .bytes = static_cast<std::uint64_t>(fs::file_size(staged_path_, ignored)),
                          .target = path_ + ":" + name_},
                         token_of(made)};
    prepared_.push_back(std::exchange(staged_path_, {}));
    mode_ = later_mode();
    inserted_ = 0;
    return given;
  }

  status commit(const std::string& token) override {
    SLUICE_ASSIGN(const auto epoch, read_token(token));
    const bool existed = fs::exists(path_);
    const bool staged = fs::exists(epoch.path);
    SLUICE_ASSIGN(auto target, connection::open(path_, connection::access::create, stopped_));
    auto moved = [&]() -> status {
      SLUICE_TRY(target.run("PRAGMA synchronous = FULL"));
      // A file that is missing would be made by ATTACH.
      if (staged) SLUICE_TRY(target.run("ATTACH " + sqlite::quoted_text(epoch.path) + " AS sluice_staged"));
      SLUICE_TRY(target.run("BEGIN IMMEDIATE"));
      SLUICE_TRY(move_rows(target, epoch, staged));
      return target.run("COMMIT");
    }();
    if (!moved.ok()) {
      (void)target.run("ROLLBACK");
      std::error_code ignored;
      if (!existed && fs::file_size(path_, ignored) == 0) fs::remove(path_, ignored);
      return moved;
    }
    committed_ = true;
    if (staged) (void)target.run("DETACH sluice_staged");
    remove_staged(epoch.path);
    std::erase(prepared_, epoch.path);
    if (!existed) {
      if (const int number = sync_folder(fs::path(path_).parent_path().string()); number != 0)
        return from_errno(number, "make durable " + path_);
    }
    return {};
  }

  status recover(const std::vector<std::string>& tokens) override {
    for (const auto& token : tokens) SLUICE_TRY(commit(token));
    remove_hidden_files(path_, run_, request_.unit, {});
    return {};
  }

  void interrupt() noexcept override { stopped_.raise(); }

  void abort() noexcept override {
    drop_staging();
    for (const auto& path : std::exchange(prepared_, {})) remove_staged(path);
    if (!committed_) folders_.remove();
  }

 private:
  /// What a token says.
  struct staged_epoch {
    std::string path;
    std::string mode;
    std::uint64_t epoch = 0;
    std::uint32_t attempt = 0;
    std::uint64_t rows = 0;
  };
  static constexpr char table_token = 's';

  static std::string token_of(const staged_epoch& of) {
    return opaque_writer(table_token)
        .text(of.path)
        .text(of.mode)
        .number(static_cast<std::int64_t>(of.epoch))
        .number(of.attempt)
        .number(static_cast<std::int64_t>(of.rows))
        .take();
  }
  static result<staged_epoch> read_token(const std::string& token) {
    opaque_reader from(token, table_token);
    staged_epoch made;
    made.path = from.text();
    made.mode = from.text();
    made.epoch = static_cast<std::uint64_t>(from.number());
    made.attempt = static_cast<std::uint32_t>(from.number());
    made.rows = static_cast<std::uint64_t>(from.number());
    SLUICE_TRY(from.done("the token of rows for the table"));
    return made;
  }

  /// What the epochs behind the first one do: that one has made or emptied the table.
  [[nodiscard]] std::string later_mode() const { return request_.mode == "upsert" ? "upsert" : "append"; }

  error exists_error() const {
    return user_error("target_exists", "the table " + name_ + " of " + path_ + " exists already and mode is error",
                      "drop it, name another one, or choose mode: replace, append or upsert");
  }

  status open_staging() {
    staged_path_ = hidden_path(path_, run_, request_.unit, attempt_, part_++);
    remove_staged(staged_path_);
    SLUICE_ASSIGN(auto opened, connection::open(staged_path_, connection::access::create, stopped_));
    staged_.emplace(std::move(opened));
    // What a crash leaves of it is thrown away; prepare makes it durable.
    SLUICE_TRY(
        staged_->run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; "
                     "PRAGMA cache_size = -16384; BEGIN"));
    for (const auto& sql : table_.definition) SLUICE_TRY(staged_->run(sql));
    SLUICE_ASSIGN(insert_, staged_->prepare(sqlite::insert_statement(table_)));
    binder_.emplace(table_, request_.policy == on_error::set_null);
    return {};
  }

  status prepare_checks() {
    for (const auto& key : table_.unique_keys) {
      duplicate_check check;
      std::string where;
      for (const auto& name : key) {
        const auto found = std::find_if(table_.columns.begin(), table_.columns.end(),
                                        [&](const auto& one) { return one.name == name; });
        if (found == table_.columns.end()) break;
        check.columns.push_back(static_cast<std::size_t>(found - table_.columns.begin()));
        where += (where.empty() ? "" : " AND ") + sqlite::quoted_name(name) + " = ?";
        check.message += (check.message.empty() ? "" : ", ") + table_.name + "." + name;
      }
      // A key that SQLite fills in by itself can't be repeated.
      if (check.columns.size() != key.size()) continue;
      check.message = "UNIQUE constraint failed: " + check.message + " (the table has such a row already)";
      SLUICE_ASSIGN(check.query,
                    target_->prepare("SELECT 1 FROM " + sqlite::quoted_name(table_.name) + " WHERE " + where));
      checks_.push_back(std::move(check));
    }
    return {};
  }

  /// Puts a row into the staging table; gives why the table's rules refuse it.
  result<std::optional<row_error>> store(std::int64_t row) {
    if (auto misfit = binder_->bind(insert_.get(), row)) return misfit;
    for (const auto& check : checks_) {
      for (std::size_t i = 0; i < check.columns.size(); ++i)
        binder_->bind_column(check.query.get(), static_cast<int>(i) + 1, check.columns[i], row);
      const int found = sqlite3_step(check.query.get());
      sqlite3_reset(check.query.get());
      if (found == SQLITE_ROW) return std::optional(row_error{row, "constraint_violated", "", check.message});
      if (found != SQLITE_DONE) return target_->failed(found, "look for rows of the same key");
    }
    const int code = sqlite3_step(insert_.get());
    std::optional<row_error> refused;
    if ((code & 0xff) == SQLITE_CONSTRAINT)
      refused = row_error{row, "constraint_violated", "", sqlite3_errmsg(staged_->handle())};
    if (code == SQLITE_DONE) binder_->stored();
    if (code != SQLITE_DONE && !refused) {
      auto problem = staged_->failed(code, "store rows of the table " + name_);
      sqlite3_reset(insert_.get());
      return problem;
    }
    sqlite3_reset(insert_.get());
    return refused;
  }

  /// Whether an epoch of this run has been committed to the target.
  result<bool> has_notes(connection& target) {
    SLUICE_ASSIGN(const auto tables,
                  target.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sluice_commits'"));
    if (tables.empty()) return false;
    SLUICE_ASSIGN(const auto notes,
                  target.rows("SELECT 1 FROM _sluice_commits WHERE sink = ? AND run = ?", {sink_name_, run_}));
    return !notes.empty();
  }

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

  status move_rows(connection& target, const staged_epoch& epoch, bool staged) {
    SLUICE_TRY(make_notes_table(target));
    const auto number = std::to_string(epoch.epoch);
    SLUICE_ASSIGN(const auto done,
                  target.rows("SELECT attempt FROM _sluice_commits WHERE sink = ? AND run = ? AND epoch = " + number,
                              {sink_name_, run_}));
    if (!done.empty()) return {};
    if (!staged)
      return external_error("prepared_lost",
                            "the file " + epoch.path + " with the rows for the table " + name_ + " is gone",
                            "someone removed it: run the pipeline again");
    SLUICE_ASSIGN(auto source, connection::open(epoch.path, connection::access::read, stopped_));
    SLUICE_ASSIGN(const auto from, sqlite::find_table(source, name_, *request_.schema, request_.key));
    SLUICE_ASSIGN(const auto now, sqlite::find_table(target, name_, *request_.schema, request_.key));
    if (now.exists && epoch.mode == "error") return exists_error();
    if (!now.exists)
      for (const auto& sql : from.definition) SLUICE_TRY(target.run(sql));
    if (now.exists && epoch.mode == "replace")
      SLUICE_TRY(target.run("DELETE FROM main." + sqlite::quoted_name(now.name)));
    SLUICE_TRY(target.run(sqlite::move_statement(from, "sluice_staged")));
    if (target.changes() != static_cast<std::int64_t>(epoch.rows))
      return user_error("rows_lost",
                        "the table " + name_ + " took " + std::to_string(target.changes()) + " of " +
                            std::to_string(epoch.rows) + " rows",
                        "a trigger of the table drops some: nothing was loaded");
    return target.run("INSERT INTO _sluice_commits VALUES (" + sqlite::quoted_text(sink_name_) + ", " +
                      sqlite::quoted_text(run_) + ", " + number + ", " + std::to_string(epoch.attempt) + ", " +
                      sqlite::quoted_text(name_) + ", " + std::to_string(epoch.rows) +
                      ", strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))");
  }

  status sync_staging() {
    const int file = ::open(staged_path_.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return from_errno(errno, "make durable " + staged_path_);
    const int number = ::fsync(file) == 0 ? 0 : errno;
    ::close(file);
    if (number != 0) return from_errno(number, "make durable " + staged_path_);
    // The token finds the file by its name, so that has to last as well.
    if (const int folder = sync_folder(fs::path(staged_path_).parent_path().string()); folder != 0)
      return from_errno(folder, "make durable " + staged_path_);
    const int made = folders_.sync();
    return made == 0 ? status{} : status(from_errno(made, "make durable " + staged_path_));
  }

  void close_staging() noexcept {
    insert_.reset();
    binder_.reset();
    staged_.reset();
  }

  void drop_staging() noexcept {
    close_staging();
    checks_.clear();
    target_.reset();
    if (!staged_path_.empty()) remove_staged(staged_path_);
    staged_path_.clear();
  }

  static void remove_staged(const std::string& path) noexcept {
    ::unlink(path.c_str());
    ::unlink((path + "-journal").c_str());
  }

  interruption stopped_;  ///< before the connections
  sink_request request_;
  std::string name_;
  std::string path_;
  std::string run_;
  std::string sink_name_;
  std::string mode_ = request_.mode;  ///< of the epoch that is being written
  made_folders folders_;
  sqlite::table table_;
  std::optional<connection> target_;  ///< read only; open while rows are looked up in it
  std::string staged_path_;           ///< of the epoch that is being written; empty: none
  std::optional<connection> staged_;
  sqlite::statement insert_;
  std::optional<sqlite::row_binder> binder_;
  std::vector<duplicate_check> checks_;
  std::vector<std::string> prepared_;  ///< staging databases that nobody has committed yet
  std::uint64_t part_ = 0;             ///< numbers the staging databases
  std::uint64_t inserted_ = 0;         ///< rows that the staging table took, repeated keys too
  std::uint32_t attempt_ = 0;
  bool committed_ = false;
};

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto path = text_option(request.own, "path", "");
  const auto name = text_option(request.own, "table", "");
  if (path.empty())
    faults.push_back(option_fault(
        "sqlite", "path", user_error("missing_path", "sqlite needs the path of a database", "path: out/shop.db")));
  if (name.empty())
    faults.push_back(option_fault("sqlite", "table",
                                  user_error("missing_table", "sqlite needs the name of a table", "table: orders")));
  if (sqlite3_stricmp(name.c_str(), "_sluice_commits") == 0)
    faults.push_back(
        option_fault("sqlite", "table",
                     user_error("reserved_table", "_sluice_commits notes which runs have loaded into the database",
                                "name another table")));
  const auto at_unit = [](error problem, std::string where) {
    problem.path = std::move(where);
    return problem;
  };
  const bool upsert = request.mode == "upsert";
  if (request.mode.empty())
    faults.push_back(at_unit(user_error("missing_mode", "a table needs a mode, because there is no harmless one",
                                        "mode: error, replace (all rows), append or upsert (by key)"),
                             "/mode"));
  if (upsert && request.key.empty())
    faults.push_back(at_unit(user_error("missing_key", "mode upsert needs key", "key: [id]"), "/key"));
  if (!upsert && !request.key.empty())
    faults.push_back(at_unit(user_error("unexpected_key", "key belongs to mode upsert, not to mode " + request.mode,
                                        "remove key: or write mode: upsert"),
                             "/key"));
  if (request.schema && request.schema->num_fields() == 0)
    faults.push_back(user_error("no_columns", "a table needs at least one column", "select some"));
  for (std::size_t i = 0; request.schema && i < request.key.size(); ++i) {
    if (request.schema->GetFieldIndex(request.key[i]) >= 0) continue;
    const auto near = nearest_name(request.key[i], request.schema->field_names());
    faults.push_back(at_unit(
        user_error("unknown_column", "no column " + request.key[i] + " arrives",
                   near.empty() ? "the columns are " + schema_text(*request.schema) : "did you mean " + near + "?"),
        "/key/" + std::to_string(i)));
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<sqlite_table>(request, path, name);
}

write_target stated_table(const options& own) {
  return {.what = write_target::kind::table,
          .path = text_option(own, "path", ""),
          .table = text_option(own, "table", ""),
          .option = "/table"};
}

component_spec spec() {
  return {
      .name = "sqlite",
      .kind = component_kind::sink,
      .summary = "Writes a table of a SQLite database",
      .description =
          "Rows are gathered in a hidden database beside the target and moved by one transaction at the end, so that "
          "readers see all of a run or nothing and nobody is locked out meanwhile. The table is made where it is "
          "missing; "
          "one that is there must have a column for each that arrives and change none of the values. Its rules (NOT "
          "NULL, "
          "UNIQUE, CHECK) hold for each row: what they refuse goes to the rejects with `on_error: reject`, else it "
          "fails "
          "the run.\n\n"
          "Modes: `error` (the table must not exist), `replace` (all rows of it), `append`, `upsert` (by `key`, on "
          "which the "
          "table needs a unique index; of rows with the same key the last one wins). The table `_sluice_commits` notes "
          "the "
          "runs, so that a repeated commit does nothing.\n\n"
          "Types: boolean as 0 and 1, numbers as INTEGER and REAL, decimals of up to 15 digits as numbers "
          "(DECIMAL(p,s), "
          "exact when read back with their digits), longer ones as TEXT, dates and times as ISO 8601 TEXT that "
          "SQLite's date "
          "functions understand, lists and structs as JSON. NaN and integers above 9223372036854775807 are row errors.",
      .value = {.form = shape::object,
                .help = "which table",
                .elements = {{.name = "path",
                              .form = shape::text,
                              .help = "the database file; made where it is missing, with its folders",
                              .required = true},
                             {.name = "table", .form = shape::text, .help = "name of the table", .required = true}}},
      .law = "in = loaded + merged + rejected",
      .example = R"yaml(version: 1
pipeline: sqlite-example
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, amount: { random: [0.0, 99.9], type: "decimal(12,2)" } } }
load:
  shop:
    from: orders
    sqlite: { path: build/examples/shop.db, table: orders }
    mode: upsert
    key: [id]
)yaml",
      .promise = delivery::transactional,
      .modes = {"", "error", "replace", "append", "upsert"},
  };
}

}  // namespace

const component& sqlite_sink() {
  static const component made = {.spec = spec(), .make_sink = make, .target = stated_table};
  return made;
}

}  // namespace sluice
