#include "engine/store/postgres_database.hpp"

#include "engine/component/retry.hpp"
#include "engine/store/postgres_text.hpp"

#include <charconv>
#include <chrono>
#include <utility>

namespace sluice::store {

namespace {

constexpr auto patience = std::chrono::seconds(30);
constexpr int most_tries = 5;  ///< of one transaction

constexpr std::uint32_t bigint_oid = 20;
constexpr std::uint32_t text_oid = 25;

/// Of this Store's schema, so that two processes don't make it at the same time.
#define SLUICE_SCHEMA_LOCK "pg_advisory_xact_lock(83577181053)"
#define SLUICE_SERVER_TIME "(extract(epoch from clock_timestamp()) * 1000000)::bigint"

std::int64_t number_in(const postgres::text_value& value) {
  if (!value) return 0;
  if (*value == "t") return 1;
  std::int64_t number = 0;
  (void)std::from_chars(value->data(), value->data() + value->size(), number);
  return number;
}

class fetched_row final : public database_row {
 public:
  explicit fetched_row(const postgres::text_row& row) : row_(row) {}
  [[nodiscard]] std::int64_t integer(int column) const override { return number_in(at(column)); }
  [[nodiscard]] std::string text(int column) const override { return from_postgres_text(at(column).value_or("")); }

 private:
  [[nodiscard]] const postgres::text_value& at(int column) const { return row_.at(static_cast<std::size_t>(column)); }
  const postgres::text_row& row_;
};

bool is_lost(const error& problem) { return problem.code == "connection_lost"; }

}  // namespace

postgres_database::postgres_database(std::string url) : url_(std::move(url)) {}

status postgres_database::open() {
  SLUICE_TRY(postgres::check_url(url_));
  auto connected = connect();
  if (!connected.ok()) return told(std::move(connected).problem());
  auto made = make_schema();
  return made.ok() ? status{} : status(told(std::move(made).problem()));
}

status postgres_database::connect() {
  where_ = "postgresql://" + postgres::place_of(url_);
  held_.reset();
  statements_.clear();
  SLUICE_ASSIGN(auto made, postgres::connection::open(url_, stop_));
  // Who stops within a transaction must not keep the others waiting; who waits gives up after that.
  SLUICE_TRY(made->run(
      "SET search_path = sluice; SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '10s'; "
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"));
  SLUICE_ASSIGN(const auto told, made->rows("SELECT " SLUICE_SERVER_TIME));
  clock_ahead_ = number_in(told.at(0).at(0)) - observe().now;
  held_ = std::move(made);
  return {};
}

status postgres_database::connect_patiently() {
  const auto until = std::chrono::steady_clock::now() + patience;
  backoff waits({.attempts = 1000, .backoff = std::chrono::milliseconds(50), .max_backoff = std::chrono::seconds(1)},
                static_cast<std::uint64_t>(uptime_microseconds()));
  while (true) {
    auto connected = connect();
    if (connected.ok()) break;
    const auto wait = waits.next().value_or(std::chrono::seconds(1));
    const auto again = std::chrono::steady_clock::now() + wait;
    if (!connected.problem().retry || again > until) return told(std::move(connected).problem());
    (void)stop_.sleep_until(again);
  }
  found_again_ = uptime_microseconds();
  return {};
}

status postgres_database::make_schema() {
  SLUICE_ASSIGN(const auto found, held_->rows("SELECT to_regclass('sluice.store') IS NOT NULL"));
  if (number_in(found.at(0).at(0)) != 0) return {};
  return held_->run("BEGIN; SELECT " SLUICE_SCHEMA_LOCK
                    "; CREATE SCHEMA IF NOT EXISTS sluice; "
                    "CREATE TABLE IF NOT EXISTS sluice.store (version BIGINT NOT NULL, cursor BIGINT NOT NULL); "
                    "INSERT INTO sluice.store SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM sluice.store); COMMIT");
}

error postgres_database::told(error problem) {
  // The server ends a session that stood still within its transaction (25P03), or for other reasons of its own.
  const bool ended = held_ && (!held_->alive() || held_->why().state == "25P03" || held_->why().state == "57P05");
  if (ended) {
    problem.code = "connection_lost";
    problem.retry = true;
  }
  if (is_lost(problem)) {
    held_.reset();
    return problem;
  }
  if (problem.code == "database_busy") problem.code = "store_busy";
  if (problem.code == "cannot_connect" || problem.code == "too_many_connections" || problem.code == "tls_failed" ||
      problem.code == "authentication_failed" || problem.code == "unknown_database" ||
      problem.code == "permission_denied")
    problem.code = "store_unavailable";
  if (!problem.code.starts_with("store_") && problem.code != "disk_full" && problem.code != "invalid_url")
    problem.code = "store_failed";
  if (problem.code != "disk_full") problem.message = "the Store: " + problem.message;
  return problem;
}

result<std::string> postgres_database::prepared(const char* sql, std::span<const database_value> arguments) {
  if (const auto known = statements_.find(std::string_view(sql)); known != statements_.end()) return known->second;
  std::vector<std::uint32_t> types;
  types.reserve(arguments.size());
  for (const auto& one : arguments) types.push_back(std::holds_alternative<std::int64_t>(one) ? bigint_oid : text_oid);
  auto name = "s" + std::to_string(statements_.size());
  SLUICE_TRY(held_->prepare(name, postgres_sql(sql), types));
  statements_.emplace(sql, name);
  return name;
}

result<postgres::executed> postgres_database::run(const char* sql, std::span<const database_value> arguments) {
  if (!held_) return external_error("connection_lost", "the connection to " + where_ + " was lost", {}, true);
  auto name = prepared(sql, arguments);
  if (!name.ok()) return told(std::move(name).problem());
  std::vector<postgres::text_value> values;
  values.reserve(arguments.size());
  for (const auto& one : arguments) {
    const auto* number = std::get_if<std::int64_t>(&one);
    values.emplace_back(number != nullptr ? std::to_string(*number)
                                          : to_postgres_text(std::get<std::string_view>(one)));
  }
  auto done = held_->execute(*name, values);
  if (!done.ok()) return told(std::move(done).problem());
  return done;
}

status postgres_database::query(const char* sql, std::span<const database_value> arguments, const row_reader& row) {
  auto done = result<postgres::executed>(error{});
  for (int tried = 0;; ++tried) {
    if (!held_ && !within_) SLUICE_TRY(connect_patiently());
    done = run(sql, arguments);
    if (done.ok()) break;
    if (within_ || tried == most_tries || !is_lost(done.problem())) return std::move(done).problem();
  }
  if (!std::string_view(sql).starts_with("SELECT")) changed_ = done->changed;
  for (const auto& one : done->rows)
    if (!row(fetched_row(one))) break;
  return {};
}

status postgres_database::begin() {
  for (int tried = 0;; ++tried) {
    if (!held_) SLUICE_TRY(connect_patiently());
    auto begun = begin_once();
    if (begun.ok()) return {};
    auto problem = told(std::move(begun).problem());
    if (tried < most_tries && is_lost(problem)) continue;
    roll_back();
    return problem;
  }
}

status postgres_database::begin_once() {
  // The last statement sees what was committed while the second one waited.
  SLUICE_ASSIGN(const auto got, held_->rows("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT 1 FROM store FOR UPDATE; "
                                            "SELECT cursor, txid_current(), " SLUICE_SERVER_TIME " FROM store"));
  if (got.size() != 1)
    return external_error("store_corrupt", "the table sluice.store in " + where_ + " has not its one row",
                          "restore the schema sluice from a backup");
  begun_cursor_ = cursor_ = saved_cursor_ = number_in(got[0].at(0));
  number_ = number_in(got[0].at(1));
  has_savepoint_ = false;
  clock_ahead_ = number_in(got[0].at(2)) - observe().now;
  within_ = true;
  return {};
}

status postgres_database::commit() {
  within_ = false;
  if (!held_) return external_error("connection_lost", "the connection to " + where_ + " was lost", {}, true);
  if (!held_->in_transaction()) return internal_error("store_failed", "the Store's transaction has failed unnoticed");
  auto sql = std::string("COMMIT");
  if (cursor_ != begun_cursor_) sql = "UPDATE store SET cursor = " + std::to_string(cursor_) + "; COMMIT";
  auto done = held_->run(sql);
  if (!done.ok()) {
    auto problem = told(std::move(done).problem());
    if (!is_lost(problem)) return problem;
    SLUICE_TRY(ask_for_commit());
  }
  tries_ = 0;
  return {};
}

status postgres_database::ask_for_commit() {
  const auto until = std::chrono::steady_clock::now() + patience;
  const auto asked = number_;
  while (std::chrono::steady_clock::now() < until) {
    if (!held_ && !connect_patiently().ok()) break;
    const auto got = held_->rows("SELECT txid_status(" + std::to_string(asked) + ")");
    if (!got.ok()) {
      if (is_lost(told(got.problem()))) continue;
      break;
    }
    const auto state = got->at(0).at(0).value_or("");
    if (state == "committed") return {};
    if (state == "aborted")
      return external_error("connection_lost", "the connection to " + where_ + " was lost before COMMIT", {}, true);
    if (state != "in progress") break;
    // The server has not noticed yet that nobody listens any more.
    (void)stop_.sleep_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  }
  return external_error("store_answer_lost",
                        "the connection to " + where_ +
                            " was lost during COMMIT, and the server does not say whether it took "
                            "effect",
                        "check the server; what was written is read back when it answers again", true);
}

void postgres_database::roll_back() {
  within_ = false;
  if (!held_) return;
  auto done = held_->run("ROLLBACK");
  if (!done.ok()) held_.reset();
}

status postgres_database::set_savepoint() {
  saved_cursor_ = cursor_;
  // The one before is left here, with the same message.
  if (!held_) return external_error("connection_lost", "the connection to " + where_ + " was lost", {}, true);
  auto done = held_->run(std::exchange(has_savepoint_, true) ? "RELEASE one; SAVEPOINT one" : "SAVEPOINT one");
  return done.ok() ? status{} : status(told(std::move(done).problem()));
}

status postgres_database::go_back() {
  cursor_ = saved_cursor_;
  return execute("ROLLBACK TO one");
}

bool postgres_database::goes_again(const error& problem) {
  if (is_lost(problem) && ++tries_ < most_tries) return true;
  tries_ = 0;
  return false;
}

observer postgres_database::observed() {
  auto by = observe();
  by.now += clock_ahead_;
  // While the server was away nobody could renew a lease: all have one more lease's time for it.
  by.prompt = found_again_ == 0 || by.uptime - found_again_ >= lease_microseconds;
  return by;
}

result<std::int64_t> postgres_database::version() {
  std::int64_t found = 0;
  SLUICE_TRY(each("SELECT version FROM store", [&](const database_row& row) { return found = row.integer(0), false; }));
  return found;
}

status postgres_database::set_version(std::int64_t to) { return execute("UPDATE store SET version = ?", to); }

}  // namespace sluice::store
