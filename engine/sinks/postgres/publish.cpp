#include "engine/sinks/postgres/publish.hpp"

#include "engine/component/opaque.hpp"
#include "engine/sinks/history/history_sql.hpp"
#include "engine/sinks/postgres/staging.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::postgres {

namespace {

constexpr char table_token = 'p';

std::string notes_table(const std::string& schema) {
  return table_name{.schema = schema, .table = "_sluice_commits"}.quoted();
}

/// One attempt at a commit, in a transaction.
class commit {
 public:
  commit(connection& server, const load_request& request, const staged_epoch& epoch)
      : server_(server), request_(request), epoch_(epoch) {}

  status run() {
    SLUICE_ASSIGN(auto into, find_table(server_, request_of_target(request_)));
    schema_ = into.name.schema;
    SLUICE_TRY(make_notes_table(server_, schema_));
    SLUICE_TRY(
        server_.run("BEGIN; SELECT set_config('synchronous_commit', 'on', true) WHERE "
                    "current_setting('synchronous_commit') = 'off'"));
    // A transaction of ours whose answer was lost holds the row until it has ended.
    SLUICE_ASSIGN(const bool first, advance());
    if (!first) return server_.run("ROLLBACK");
    SLUICE_ASSIGN(const bool staged, has_rows());
    if (!staged && !epoch_.staged.table.empty())
      return external_error(
          "prepared_lost", "the table " + epoch_.staged.shown() + " with rows for " + into.name.shown() + " is missing",
          "somebody has dropped it: run the pipeline again");
    SLUICE_TRY(user_statements(request_.before, "before"));
    if (staged) {
      SLUICE_TRY(move(into));
    } else if (epoch_.mode == "replace" && into.exists) {
      SLUICE_TRY(empty(into));
    }
    SLUICE_TRY(user_statements(request_.after, "after"));
    return server_.run("COMMIT");
  }

 private:
  result<bool> advance() {
    SLUICE_ASSIGN(const auto changed,
                  server_.change("INSERT INTO " + notes_table(schema_) +
                                     " AS n (sink, run, epoch, attempt, target, rows, committed_at) "
                                     "VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT (sink, run) DO UPDATE SET "
                                     "epoch = excluded.epoch, attempt = excluded.attempt, target = excluded.target, "
                                     "rows = n.rows + excluded.rows, committed_at = excluded.committed_at "
                                     "WHERE n.epoch < excluded.epoch",
                                 {request_.sink, request_.run, std::to_string(epoch_.epoch),
                                  std::to_string(epoch_.attempt), request_.name.shown(), std::to_string(epoch_.rows)}));
    return changed == 1;
  }

  result<bool> has_rows() {
    if (epoch_.staged.table.empty()) return false;
    SLUICE_ASSIGN(const auto found, server_.rows("SELECT to_regclass($1)", {epoch_.staged.quoted()}));
    return found.at(0).at(0).has_value();
  }

  status user_statements(const std::vector<std::string>& all, const char* which) {
    for (const auto& sql : all) {
      SLUICE_TRY(server_.run(sql));
      if (server_.in_transaction()) continue;
      return user_error("database_error",
                        std::string("a statement of ") + which + " has ended the transaction: " + sql.substr(0, 100),
                        "remove COMMIT and ROLLBACK from it");
    }
    return {};
  }

  status empty(const target_table& into) {
    return server_.run((into.can_truncate ? "TRUNCATE " : "DELETE FROM ") + into.name.quoted());
  }

  status move(const target_table& into) {
    const auto staged = epoch_.staged.quoted();
    if (request_.history) return merge(into, staged);
    if (!into.exists)
      return server_.run("ALTER TABLE " + staged + " DROP COLUMN IF EXISTS _sluice_row; COMMENT ON TABLE " + staged +
                         " IS NULL; ALTER TABLE " + staged + " RENAME TO " + quoted_name(into.name.table));
    if (epoch_.mode == "error") return exists_error(into.name, server_.where());
    std::string added;
    for (const auto& one : into.added) added += (added.empty() ? " " : ", ") + one;
    if (!added.empty()) SLUICE_TRY(server_.run("ALTER TABLE " + into.name.quoted() + added));
    if (epoch_.mode == "replace") SLUICE_TRY(empty(into));
    const auto columns = quoted_names(into.column_names());
    SLUICE_ASSIGN(const auto moved, server_.change("INSERT INTO " + into.name.quoted() + " (" + columns + ")" +
                                                   (into.overrides_identity ? " OVERRIDING SYSTEM VALUE" : "") +
                                                   " SELECT " + columns + " FROM " + staged + on_conflict(into)));
    if (moved != epoch_.rows)
      return user_error("rows_lost",
                        "the table " + into.name.shown() + " took " + std::to_string(moved) + " of " +
                            std::to_string(epoch_.rows) + " rows",
                        "a trigger or rule of the table probably removes some: nothing was loaded");
    return server_.run("DROP TABLE " + staged);
  }

  status merge(const target_table& into, const std::string& staged) {
    const auto table = into.name.quoted();
    if (!into.exists)
      SLUICE_TRY(server_.run("CREATE TABLE " + table + " (" + column_definitions(into) + ", PRIMARY KEY (" +
                             quoted_names(into.key) + "))"));
    std::string added;
    for (const auto& one : into.added) added += (added.empty() ? " " : ", ") + one;
    if (!added.empty()) SLUICE_TRY(server_.run("ALTER TABLE " + table + added));
    // What is joined with the table is as large as an extract, and new.
    SLUICE_TRY(server_.run("ANALYZE " + staged));
    const history::history_database in{.run = [this](const std::string& sql) { return server_.run(sql); },
                                       .number = [this](const std::string& sql) -> result<std::int64_t> {
                                         SLUICE_ASSIGN(const auto rows, server_.rows(sql));
                                         std::int64_t number = 0;
                                         if (!rows.empty() && rows[0][0])
                                           (void)std::from_chars(rows[0][0]->data(),
                                                                 rows[0][0]->data() + rows[0][0]->size(), number);
                                         return number;
                                       },
                                       .make_temporary = "CREATE TEMP TABLE _sluice_rounds ON COMMIT DROP AS ",
                                       .temporary = "pg_temp._sluice_rounds"};
    SLUICE_TRY(apply_history(*request_.history, table, staged, in));
    return server_.run("DROP TABLE " + staged);
  }

  [[nodiscard]] std::string on_conflict(const target_table& into) const {
    if (epoch_.mode != "upsert") return {};
    std::string set;
    for (const auto& column : into.columns)
      if (!column.key)
        set += (set.empty() ? "" : ", ") + quoted_name(column.name) + " = excluded." + quoted_name(column.name);
    // A table that has only its key: a row that is there already counts as loaded too.
    if (set.empty()) set = quoted_name(into.key.front()) + " = excluded." + quoted_name(into.key.front());
    return " ON CONFLICT (" + quoted_names(into.key) + ") DO UPDATE SET " + set;
  }

  connection& server_;
  const load_request& request_;
  const staged_epoch& epoch_;
  std::string schema_;
};

}  // namespace

std::string token_of(const staged_epoch& of) {
  return opaque_writer(table_token)
      .text(of.staged.schema)
      .text(of.staged.table)
      .text(of.mode)
      .number(static_cast<std::int64_t>(of.epoch))
      .number(of.attempt)
      .number(static_cast<std::int64_t>(of.rows))
      .take();
}

result<staged_epoch> read_token(const std::string& token) {
  opaque_reader from(token, table_token);
  staged_epoch made;
  made.staged.schema = from.text();
  made.staged.table = from.text();
  made.mode = from.text();
  made.epoch = static_cast<std::uint64_t>(from.number());
  made.attempt = static_cast<std::uint32_t>(from.number());
  made.rows = static_cast<std::uint64_t>(from.number());
  SLUICE_TRY(from.done("the token of rows for the table"));
  return made;
}

status make_notes_table(connection& server, const std::string& schema) {
  const auto table = notes_table(schema);
  SLUICE_ASSIGN(const auto found, server.rows("SELECT to_regclass($1)", {table}));
  if (found.at(0).at(0)) return {};
  const auto made =
      server.run("CREATE TABLE IF NOT EXISTS " + table +
                 " (sink text NOT NULL, run text NOT NULL, epoch bigint NOT NULL, attempt integer NOT NULL, "
                 "target text NOT NULL, rows bigint NOT NULL, committed_at timestamptz NOT NULL, "
                 "PRIMARY KEY (sink, run))");
  // Another run has made it at the same moment: IF NOT EXISTS does not see that.
  if (!made.ok() && (server.why().state == "23505" || server.why().state == "42P07")) return {};
  return made;
}

result<std::uint64_t> committed_epoch(connection& server, const load_request& request, const std::string& schema) {
  const auto table = notes_table(schema);
  SLUICE_ASSIGN(const auto there, server.rows("SELECT to_regclass($1)", {table}));
  if (!there.at(0).at(0)) return std::uint64_t{0};
  SLUICE_ASSIGN(const auto found, server.rows("SELECT epoch FROM " + table + " WHERE sink = $1 AND run = $2",
                                              {request.sink, request.run}));
  std::uint64_t epoch = 0;
  if (!found.empty()) (void)std::from_chars(found[0][0]->data(), found[0][0]->data() + found[0][0]->size(), epoch);
  return epoch;
}

status publish(session& to, const load_request& request, const staged_epoch& epoch) {
  return to.with_connection([&](connection& server) { return commit(server, request, epoch).run(); });
}

status drop_staging(connection& server, const load_request& request, const std::string& schema) {
  auto pattern = staging_prefix(request);
  for (std::size_t at = 0; (at = pattern.find('_', at)) != std::string::npos; at += 2) pattern.insert(at, "\\");
  SLUICE_ASSIGN(const auto found,
                server.rows("SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                            "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname LIKE $2",
                            {schema, pattern + "%"}));
  for (const auto& each : found)
    SLUICE_TRY(server.run("DROP TABLE IF EXISTS " + table_name{.schema = schema, .table = *each[0]}.quoted()));
  return {};
}

}  // namespace sluice::postgres
