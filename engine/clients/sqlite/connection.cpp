#include "engine/clients/sqlite/connection.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace sluice::sqlite {

namespace {

constexpr auto busy_limit = std::chrono::seconds(10);
constexpr int longest_pause = 50;  // milliseconds

std::string doubled(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

}  // namespace

std::string quoted_name(const std::string& name) { return doubled(name, '"'); }
std::string quoted_text(const std::string& text) { return doubled(text, '\''); }

void finalizer::operator()(sqlite3_stmt* finished) const { sqlite3_finalize(finished); }
void connection::closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

error connection::failed(int code, const std::string& doing) const {
  const auto* said = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  const auto text = "cannot " + doing + " (database " + path_ + "): " + said;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (waiting_->stop.raised()) return interrupted_error("waiting for the database " + path_);
      return external_error("database_busy", text, "another program is writing to it: wait until it has finished",
                            true);
    case SQLITE_FULL:
      return external_error("disk_full", text, "free space on that disk, or write to another one");
    case SQLITE_NOTADB:
      return user_error("not_a_database", text, "the file is not a SQLite database: use another path");
    case SQLITE_CORRUPT:
      return external_error("database_corrupt", text, "check it: sqlite3 " + path_ + " 'pragma integrity_check'");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return external_error("permission_denied", text, "check who owns the file and its folder, and their permissions");
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      if (handle_ && sqlite3_system_errno(handle_.get()) != 0)
        return from_errno(sqlite3_system_errno(handle_.get()), doing + " (database " + path_ + ")");
      return external_error("database_error", text, "check the disk and the file's folder");
    case SQLITE_CONSTRAINT:
      return user_error("constraint_violated", text, "a constraint of the table refuses the row");
    case SQLITE_ERROR:
      return user_error("database_error", text);
    default:
      return external_error("database_error", text);
  }
}

int connection::wait_for_others(void* state, int tries) {
  auto& waits = *static_cast<waiting*>(state);
  const auto now = std::chrono::steady_clock::now();
  if (tries == 0) waits.until = now + busy_limit;
  if (now >= waits.until) return 0;
  const auto pause = std::chrono::milliseconds(std::min(1 << std::min(tries, 10), longest_pause));
  return waits.stop.sleep_until(std::min(now + pause, waits.until)) ? 1 : 0;
}

result<connection> connection::open(const std::string& path, access how, interruption& stop) {
  connection made(path, stop);
  int flags = SQLITE_OPEN_NOMUTEX;
  if (how == access::read) flags |= SQLITE_OPEN_READONLY;
  if (how != access::read) flags |= SQLITE_OPEN_READWRITE;
  if (how == access::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  made.handle_.reset(handle);
  if (code != SQLITE_OK) return made.failed(code, "open it");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_handler(handle, &connection::wait_for_others, made.waiting_.get());
  return made;
}

status connection::run(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? status{} : status(failed(code, "run " + sql.substr(0, 120)));
}

result<statement> connection::prepare(const std::string& sql) {
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.c_str(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  if (code != SQLITE_OK) return failed(code, "run " + sql.substr(0, 120));
  return statement(made);
}

result<std::vector<std::vector<std::string>>> connection::rows(const std::string& sql,
                                                               const std::vector<std::string>& arguments) {
  SLUICE_ASSIGN(const auto query, prepare(sql));
  for (std::size_t i = 0; i < arguments.size(); ++i)
    sqlite3_bind_text(query.get(), static_cast<int>(i) + 1, arguments[i].data(), static_cast<int>(arguments[i].size()),
                      SQLITE_STATIC);
  std::vector<std::vector<std::string>> all;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(query.get())) == SQLITE_ROW) {
    auto& row = all.emplace_back();
    for (int i = 0; i < sqlite3_column_count(query.get()); ++i) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(query.get(), i));
      row.emplace_back(text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(query.get(), i)));
    }
  }
  if (code != SQLITE_DONE) return failed(code, "run " + sql.substr(0, 120));
  return all;
}

std::int64_t connection::changes() const { return sqlite3_changes64(handle_.get()); }

}  // namespace sluice::sqlite
