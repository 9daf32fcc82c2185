#include "engine/sinks/postgres/table_sink.hpp"

#include "engine/clients/postgres/session.hpp"
#include "engine/component/reads_back.hpp"
#include "engine/component/retry.hpp"
#include "engine/sinks/postgres/publish.hpp"
#include "engine/sinks/postgres/staging.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace sluice::postgres {

namespace {

bool is_text(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::DICTIONARY;
}

/// What a unit waits between two tries must differ from what others wait.
std::uint64_t seed_of(const sink_request& request) {
  return (request.context != nullptr ? request.context->seed : 0) ^ std::hash<std::string>()(request.unit);
}

/// Gathers the rows of each epoch in a staging table of its own; see staging and publish.
class postgres_table : public sink, public may_be_down, public reads_back {
 public:
  postgres_table(const sink_request& request, load_request what, const std::string& url)
      : policy_(request.policy),
        continues_(!request.continues.empty()),
        url_(url),
        retry_(retry_of(request.own)),
        seed_(seed_of(request)),
        request_(std::move(what)),
        session_(url_, retry_, seed_, stopped_) {}
  ~postgres_table() override { drop_unprepared(); }

  status open(std::uint32_t attempt) override {
    attempt_ = attempt;
    auto reached = session_.with_connection([&](connection& server) -> status {
      where_ = server.where();
      SLUICE_TRY(look_up(server));
      SLUICE_TRY(make_notes_table(server, table_.name.schema));
      SLUICE_ASSIGN(const auto done, committed_epoch(server, request_, table_.name.schema));
      // Behind a checkpoint of another run its epochs have made or emptied the table, or do so before ours.
      if (done > 0 || continues_) request_.mode = later_mode();
      request_.behind_replace = done == 0 && continues_ && original_mode_ == "replace";
      return {};
    });
    if (!reached.ok()) return std::move(reached).problem();
    if (request_.mode == "error" && table_.exists) return exists_error(table_.name, where_);
    looked_up_ = true;
    return {};
  }

  status write(const batch& rows, row_errors& refused) override {
    SLUICE_TRY(open_staging());
    return staging_->write(rows, refused);
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    // An epoch without rows needs a table only where one has to be made or emptied.
    const bool needs_table = (first_epoch_ && !table_.exists) || request_.history;
    if (needs_table) SLUICE_TRY(open_staging());
    staged_rows rows;
    if (staging_) {
      SLUICE_ASSIGN(rows, staging_->finish());
    }
    const staged_epoch made{.staged = staging_ ? staging_->name() : table_name{},
                            .mode = request_.mode,
                            .epoch = epoch,
                            .attempt = attempt_,
                            .rows = rows.rows};
    prepared_epoch given{{.loaded = rows.rows,
                          .merged = rows.merged,
                          .set_null = rows.set_null,
                          .bytes = rows.bytes,
                          .target = where_ + ":" + table_.name.shown()},
                         token_of(made)};
    if (staging_) prepared_.push_back(staging_->name());
    staging_.reset();
    request_.behind_replace = request_.behind_replace || request_.mode == "replace";
    request_.mode = later_mode();
    first_epoch_ = false;
    looked_up_ = false;
    return given;
  }

  status commit(const std::string& token) override {
    SLUICE_ASSIGN(const auto epoch, read_token(token));
    SLUICE_TRY(publish(session_, request_, epoch));
    request_.behind_replace = false;
    std::erase_if(prepared_, [&](const auto& name) { return name.table == epoch.staged.table; });
    return {};
  }

  status recover(const std::vector<std::string>& tokens) override {
    for (const auto& token : tokens) SLUICE_TRY(commit(token));
    return session_.with_connection([&](connection& server) -> status {
      auto found = find_table(server, request_of_target(request_));
      // A table that does not fit any more has nothing to do with what was left beside it.
      const auto schema = found.ok() ? found->name.schema : request_.name.schema;
      if (!found.ok() && schema.empty()) return std::move(found).problem();
      return drop_staging(server, request_, schema);
    });
  }

  void interrupt() noexcept override { stopped_.raise(); }

  result<std::vector<staged_source>> staged(const std::string& token) override {
    SLUICE_ASSIGN(const auto epoch, read_token(token));
    std::vector<staged_source> all;
    if (epoch.rows == 0) return all;
    // Texts may stand in columns of types that no source reads.
    std::string columns;
    const auto& table = request_.history ? staged_table_ : table_;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const auto& field = *request_.schema->field(static_cast<int>(i));
      columns += (columns.empty() ? "" : ", ") + quoted_name(table.columns[i].name) +
                 (is_text(*field.type()) ? "::text AS " : " AS ") + quoted_name(field.name());
    }
    all.push_back({.component = "postgres",
                   .own = options({{"url", url_}, {"query", "SELECT " + columns + " FROM " + epoch.staged.quoted()}})});
    return all;
  }
  [[nodiscard]] std::optional<down_state> down() const override { return session_.down(); }

  void abort() noexcept override {
    drop_unprepared();
    drop(std::exchange(prepared_, {}));
  }

 private:
  /// What the epochs behind the first one do: that one has made or emptied the table.
  [[nodiscard]] std::string later_mode() const {
    return original_mode_ == "upsert" || request_.history ? original_mode_ : "append";
  }

  /// The table; for merge and scd2 also what the staged rows need, which is a table that is not there.
  status look_up(connection& server) {
    SLUICE_ASSIGN(table_, find_table(server, request_of_target(request_)));
    if (!request_.history) return {};
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const auto& wanted = request_.history->target->field(static_cast<int>(i))->name();
      if (table_.columns[i].name != wanted)
        return user_error(
            "unknown_column",
            "the table " + table_.name.shown() + " has no column " + wanted + ", but " + table_.columns[i].name,
            "rename the column in a unit before");
    }
    staged_request_ = request_;
    staged_request_.mode = "upsert";
    staged_request_.create = create_rule::if_missing;
    staged_request_.name = {.schema = table_.name.schema, .table = staging_name(request_, attempt_, 0)};
    SLUICE_ASSIGN(staged_table_, find_table(server, staged_request_));
    return {};
  }

  status open_staging() {
    if (staging_) return {};
    if (!looked_up_) {
      auto reached = session_.with_connection([&](connection& server) -> status { return look_up(server); });
      if (!reached.ok()) return std::move(reached).problem();
    }
    looked_up_ = true;
    staging_.emplace(session_, request_.history ? staged_request_ : request_, request_.history ? staged_table_ : table_,
                     policy_, staging_name(request_, attempt_, part_++));
    return staging_->open();
  }

  void drop_unprepared() noexcept {
    if (!staging_) return;
    const std::vector<table_name> unprepared{staging_->name()};
    staging_.reset();
    drop(unprepared);
  }

  /// Removes staging tables, also after an interruption and in the middle of a COPY: on a connection of its own, which
  /// is tried once. What stays is removed when the run is settled.
  void drop(const std::vector<table_name>& names) noexcept try {
    if (names.empty()) return;
    session_.close();
    interruption own;
    auto opened = connection::open(url_, own);
    if (!opened.ok()) return;
    (void)(*opened)->run("SET lock_timeout = '5s'");
    for (const auto& name : names) (void)(*opened)->run("DROP TABLE IF EXISTS " + name.quoted());
  } catch (...) {  // NOLINT(bugprone-empty-catch): it is removed later
  }

  interruption stopped_;  ///< before the connections
  on_error policy_;
  bool continues_;  ///< goes on behind the last checkpoint of another run
  std::string url_;
  retry_rule retry_;
  std::uint64_t seed_;
  load_request request_;  ///< its mode is that of the epoch that is being written
  std::string original_mode_ = request_.mode;
  session session_;
  target_table table_;
  load_request staged_request_;  ///< of merge and scd2
  target_table staged_table_;
  std::string where_;
  std::optional<staging> staging_;    ///< of the epoch that is being written
  std::vector<table_name> prepared_;  ///< staging tables that nobody has committed yet
  std::uint64_t part_ = 1;            ///< numbers them
  std::uint32_t attempt_ = 0;
  bool first_epoch_ = true;
  bool looked_up_ = false;  ///< table_ is as the table was after the last epoch
};

}  // namespace

std::unique_ptr<sink> make_table_sink(const sink_request& request, load_request what, const std::string& url) {
  return std::make_unique<postgres_table>(request, std::move(what), url);
}

}  // namespace sluice::postgres
