#include "engine/sinks/sqlite/table_sink.hpp"

#include "engine/component/reads_back.hpp"
#include "engine/files/hidden_file.hpp"
#include "engine/sinks/sqlite/publish.hpp"
#include "engine/sinks/sqlite/row_binder.hpp"
#include "engine/sinks/sqlite/table.hpp"

#include <arrow/type.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace sluice::sqlite {

namespace fs = std::filesystem;

namespace {

/// Looks for rows of the target that a new one would repeat. Reads outside of transactions, so that it holds no lock.
struct duplicate_check {
  statement query;
  std::vector<std::size_t> columns;
  std::string message;
};

/// Gathers rows in a database of its own beside the target, whose table there obeys the same rules, so that refused
/// rows show at once and nobody is locked out while the run goes on. Each epoch has a database of its own. One
/// transaction moves its rows and notes run and epoch in `_sluice_commits`; a repeated commit finds the note.
class sqlite_table : public sink, public reads_back {
 public:
  sqlite_table(const sink_request& request, const std::string& path, std::string name,
               std::shared_ptr<const history::history_rule> history)
      : request_(request),
        into_{.path = target_of(path, request.context ? request.context->base_folder : ""),
              .name = std::move(name),
              .sink = (request.context ? request.context->pipeline : "") + "." + request.unit,
              .run = request.context ? request.context->run_id : "",
              .schema = request.schema,
              .key = request.key,
              .history = std::move(history),
              .create = create_rule_of(request.own),
              .before = statements_of(request.own, "before"),
              .after = statements_of(request.own, "after")} {}
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
    SLUICE_TRY(folders_.make(fs::path(into_.path).parent_path().string()));
    if (fs::exists(into_.path)) {
      if (::access(into_.path.c_str(), W_OK) != 0) return from_errno(errno, "write to the database " + into_.path);
      SLUICE_ASSIGN(auto opened, connection::open(into_.path, connection::access::read, stopped_));
      target_.emplace(std::move(opened));
      if (into_.history) {
        SLUICE_TRY(check_history_table(*target_, into_));
        table_ = new_table(into_.name, *request_.schema, request_.key);
      } else {
        SLUICE_ASSIGN(table_, find_table(*target_, into_.name, *request_.schema, request_.key,
                                         into_.create == create_rule::evolve));
      }
      SLUICE_ASSIGN(const bool continued, has_notes(*target_, into_));
      if (continued) mode_ = later_mode();
    } else {
      table_ = new_table(into_.name, *request_.schema, request_.key);
    }
    if (!table_.exists && !into_.history && into_.create == create_rule::never) return lacks_table(into_);
    if (into_.history && !target_ && into_.create == create_rule::never) return lacks_table(into_);
    // Its first epoch may wait for the end of the run, before which there is no table.
    if (!request_.continues.empty()) mode_ = later_mode();
    if (mode_ == "error" && table_.exists) return exists_error(into_);
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
                          "table " + into_.name + ", row " + std::to_string(inserted_ + 1) + " (" +
                              binder_->describe(row) +
                              "): " + (why->column.empty() ? "" : "column " + why->column + ": ") + why->message,
                          "correct it in a unit before, or reject such rows: on_error: reject");
      }
    }
    return {};
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    if (!staged_) SLUICE_TRY(open_staging());
    // Rows are merged by joining them with the table: SQLite reads the smaller one, if it knows which that is.
    if (into_.history) SLUICE_TRY(staged_->run("PRAGMA analysis_limit = 1000; ANALYZE"));
    SLUICE_TRY(staged_->run("COMMIT"));
    SLUICE_ASSIGN(const auto counted, staged_->rows("SELECT count(*) FROM " + quoted_name(table_.name)));
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
                          .target = into_.path + ":" + into_.name},
                         token_of(made)};
    prepared_.push_back(std::exchange(staged_path_, {}));
    mode_ = later_mode();
    inserted_ = 0;
    return given;
  }

  status commit(const std::string& token) override {
    SLUICE_ASSIGN(const auto epoch, read_token(token));
    SLUICE_TRY(publish(into_, epoch, stopped_));
    committed_ = true;
    std::erase(prepared_, epoch.path);
    return {};
  }

  status recover(const std::vector<std::string>& tokens) override {
    for (const auto& token : tokens) SLUICE_TRY(commit(token));
    remove_hidden_files(into_.path, into_.run, request_.unit, {});
    return {};
  }

  status keep(const std::vector<std::string>& tokens) override {
    std::vector<std::string> kept;
    for (const auto& token : tokens) {
      SLUICE_ASSIGN(const auto epoch, read_token(token));
      kept.push_back(epoch.path);
    }
    remove_hidden_files(into_.path, into_.run, request_.unit, kept);
    return {};
  }

  void interrupt() noexcept override { stopped_.raise(); }

  result<std::vector<staged_source>> staged(const std::string& token) override {
    SLUICE_ASSIGN(const auto epoch, read_token(token));
    std::vector<staged_source> all;
    if (epoch.rows == 0) return all;
    std::string columns;
    for (std::size_t i = 0; i < table_.columns.size(); ++i)
      columns += (columns.empty() ? "" : ", ") + quoted_name(table_.columns[i].name) + " AS " +
                 quoted_name(request_.schema->field(static_cast<int>(i))->name());
    all.push_back(
        {.component = "sqlite",
         .own = options({{"path", epoch.path}, {"query", "SELECT " + columns + " FROM " + quoted_name(table_.name)}})});
    return all;
  }

  void abort() noexcept override {
    drop_staging();
    for (const auto& path : std::exchange(prepared_, {})) remove_staged(path);
    if (!committed_) folders_.remove();
  }

 private:
  /// What the epochs behind the first one do: that one has made or emptied the table.
  [[nodiscard]] std::string later_mode() const {
    return request_.mode == "upsert" || into_.history ? request_.mode : "append";
  }

  status open_staging() {
    staged_path_ = hidden_path(into_.path, into_.run, request_.unit, attempt_, part_++);
    remove_staged(staged_path_);
    // The target may be closed to others, and so are its rows here. Where it can't be made SQLite says why.
    if (const int file = ::open(staged_path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600); file >= 0)
      ::close(file);
    SLUICE_ASSIGN(auto opened, connection::open(staged_path_, connection::access::create, stopped_));
    staged_.emplace(std::move(opened));
    // What a crash leaves of it is thrown away; prepare makes it durable.
    SLUICE_TRY(
        staged_->run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; "
                     "PRAGMA cache_size = -16384; BEGIN"));
    for (const auto& sql : table_.definition) SLUICE_TRY(staged_->run(sql));
    SLUICE_TRY(add_columns(*staged_, table_));
    SLUICE_ASSIGN(insert_, staged_->prepare(insert_statement(table_)));
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
        where += (where.empty() ? "" : " AND ") + quoted_name(name) + " = ?";
        check.message += (check.message.empty() ? "" : ", ") + table_.name + "." + name;
      }
      // A key that SQLite fills in by itself can't be repeated.
      if (check.columns.size() != key.size()) continue;
      check.message = "UNIQUE constraint failed: " + check.message + " (the table already has a row with these values)";
      SLUICE_ASSIGN(check.query, target_->prepare("SELECT 1 FROM " + quoted_name(table_.name) + " WHERE " + where));
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
      auto problem = staged_->failed(code, "store rows of the table " + into_.name);
      sqlite3_reset(insert_.get());
      return problem;
    }
    sqlite3_reset(insert_.get());
    return refused;
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

  interruption stopped_;  ///< before the connections
  sink_request request_;
  loaded_table into_;
  std::string mode_ = request_.mode;  ///< of the epoch that is being written
  made_folders folders_;
  table table_;
  std::optional<connection> target_;  ///< read only; open while rows are looked up in it
  std::string staged_path_;           ///< of the epoch that is being written; empty: none
  std::optional<connection> staged_;
  statement insert_;
  std::optional<row_binder> binder_;
  std::vector<duplicate_check> checks_;
  std::vector<std::string> prepared_;  ///< staging databases that nobody has committed yet
  std::uint64_t part_ = 0;             ///< numbers the staging databases
  std::uint64_t inserted_ = 0;         ///< rows that the staging table took, repeated keys too
  std::uint32_t attempt_ = 0;
  bool committed_ = false;
};

}  // namespace

std::unique_ptr<sink> make_table_sink(const sink_request& request, const std::string& path, const std::string& name,
                                      std::shared_ptr<const history::history_rule> history) {
  return std::make_unique<sqlite_table>(request, path, name, std::move(history));
}

}  // namespace sluice::sqlite
