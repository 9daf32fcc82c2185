#include "engine/clients/postgres/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <charconv>
#include <cstring>

namespace sluice::postgres {

namespace {

constexpr auto longest_connect = std::chrono::seconds(10);

std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

/// libpq's messages on one line.
std::string trimmed(const std::string& text) {
  std::string line;
  for (const char c : text)
    if (c != '\n' && c != '\t')
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// Waits until a socket is ready, or until the time has come or the interruption was raised: then false.
bool wait_until(const interruption& stop, int file, bool writable, std::chrono::steady_clock::time_point when) {
  constexpr int step = 50;  // milliseconds
  while (!stop.raised() && std::chrono::steady_clock::now() < when) {
    pollfd waiting{.fd = file, .events = static_cast<short>(writable ? POLLOUT : POLLIN), .revents = 0};
    if (::poll(&waiting, 1, step) > 0) return !stop.raised();
  }
  return false;
}

struct option_list {
  PQconninfoOption* first = nullptr;
  explicit option_list(const std::string& url) {
    char* problem = nullptr;
    first = PQconninfoParse(url.c_str(), &problem);
    PQfreemem(problem);
  }
  ~option_list() { PQconninfoFree(first); }
  option_list(const option_list&) = delete;
  option_list& operator=(const option_list&) = delete;

  [[nodiscard]] std::string get(std::string_view name) const {
    for (auto* one = first; one != nullptr && one->keyword != nullptr; ++one)
      if (name == one->keyword) return text_of(one->val);
    return {};
  }
};

/// "COPY orders, line 17, column amount"
std::optional<std::uint64_t> line_of_copy(const std::string& context) {
  constexpr std::string_view mark = ", line ";
  // What a function of a type says of the value may stand above it.
  auto begin_of_line = context.starts_with("COPY ") ? 0 : context.rfind("\nCOPY ");
  if (begin_of_line == std::string::npos) return {};
  const auto at = context.find(mark, begin_of_line);
  if (at == std::string::npos) return {};
  std::uint64_t line = 0;
  const auto* begin = context.data() + at + mark.size();
  const auto [end, problem] = std::from_chars(begin, context.data() + context.size(), line);
  if (problem != std::errc() || end == begin || line == 0) return {};
  return line;
}

std::vector<text_row> rows_of(const pg_result& got) {
  std::vector<text_row> all(static_cast<std::size_t>(PQntuples(&got)));
  const int columns = PQnfields(&got);
  for (std::size_t at = 0; at < all.size(); ++at)
    for (int column = 0; column < columns; ++column) {
      const int number = static_cast<int>(at);
      if (PQgetisnull(&got, number, column) != 0)
        all[at].emplace_back();
      else
        all[at].emplace_back(
            std::string(PQgetvalue(&got, number, column), static_cast<std::size_t>(PQgetlength(&got, number, column))));
    }
  return all;
}

std::uint64_t changed_by(const pg_result& got) {
  const std::string count = PQcmdTuples(const_cast<pg_result*>(&got));
  std::uint64_t number = 0;
  (void)std::from_chars(count.data(), count.data() + count.size(), number);
  return number;
}

refusal read_refusal(const pg_result& of) {
  const auto field = [&](int code) { return text_of(PQresultErrorField(&of, code)); };
  refusal made{.state = field(PG_DIAG_SQLSTATE),
               .primary = field(PG_DIAG_MESSAGE_PRIMARY),
               .detail = field(PG_DIAG_MESSAGE_DETAIL),
               .context = field(PG_DIAG_CONTEXT),
               .column = field(PG_DIAG_COLUMN_NAME),
               .constraint = field(PG_DIAG_CONSTRAINT_NAME),
               .copy_line = {}};
  made.copy_line = line_of_copy(made.context);
  return made;
}

}  // namespace

void connection::closer::operator()(pg_conn* handle) const { PQfinish(handle); }
void connection::clearer::operator()(pg_result* held) const { PQclear(held); }

connection::~connection() { PQfreemem(copied_); }

bool connection::alive() const { return handle_ && PQstatus(handle_.get()) == CONNECTION_OK; }
bool connection::in_transaction() const { return PQtransactionStatus(handle_.get()) == PQTRANS_INTRANS; }
int connection::version() const { return PQserverVersion(handle_.get()); }

status check_url(const std::string& url) {
  const option_list parsed(url);
  if (parsed.first != nullptr) return {};
  return user_error("invalid_url", "url is not the address of a PostgreSQL database",
                    "for example: postgresql://user:password@host:5432/database; in user and password, write "
                    "characters like @ : / percent-encoded (%40 %3A %2F)");
}

std::string place_of(const std::string& url) {
  const option_list parsed(url);
  const auto either = [&](const char* name, const char* other) {
    const auto found = parsed.get(name);
    return found.empty() ? std::string(other) : found;
  };
  return either("host", "localhost") + ":" + either("port", "5432") + "/" +
         either("dbname", parsed.get("user").c_str());
}

result<std::unique_ptr<connection>> connection::open(const std::string& url, interruption& stop) {
  SLUICE_TRY(check_url(url));
  std::unique_ptr<connection> made(new connection(stop));
  made->where_ = place_of(url);
  // Those before the URL are defaults: what it says comes later and wins. A peer that is gone without a word is
  // noticed.
  constexpr std::array keys = {"fallback_application_name",
                               "keepalives_idle",
                               "keepalives_interval",
                               "keepalives_count",
                               "tcp_user_timeout",
                               "client_encoding",
                               "dbname",
                               static_cast<const char*>(nullptr)};
  const std::array values = {"sluice", "10", "5", "3", "30000", "UTF8", url.c_str(), static_cast<const char*>(nullptr)};
  made->handle_.reset(PQconnectStartParams(keys.data(), values.data(), 1));
  if (!made->handle_) return internal_error("out_of_memory", "no memory for a connection");
  const auto own = option_list(url).get("connect_timeout");
  auto limit = std::chrono::seconds(longest_connect);
  int seconds = 0;
  if (std::from_chars(own.data(), own.data() + own.size(), seconds).ec == std::errc() && seconds > 0)
    limit = std::chrono::seconds(seconds);
  SLUICE_TRY(made->finish_connecting(std::chrono::steady_clock::now() + limit));
  PQsetnonblocking(made->handle_.get(), 1);
  // A statement whose client is gone is ended by the server; what a value looks like must not depend on the server.
  SLUICE_TRY(made->run(
      "SET standard_conforming_strings = on; SET DateStyle = ISO; SET IntervalStyle = postgres; SET bytea_output = "
      "hex; "
      "SET extra_float_digits = 3; SET client_min_messages = error; SET TimeZone = 'UTC'; SET statement_timeout = 0; "
      "SET idle_in_transaction_session_timeout = 0" +
      std::string(made->version() >= 140000 ? "; SET client_connection_check_interval = '5s'" : "")));
  return made;
}

status connection::finish_connecting(std::chrono::steady_clock::time_point until) {
  auto* handle = handle_.get();
  for (auto wanted = PGRES_POLLING_WRITING;;) {
    if (PQstatus(handle) == CONNECTION_BAD) return refused_to_connect();
    const int file = PQsocket(handle);
    const bool ready = file >= 0 && wait_until(stop_, file, wanted == PGRES_POLLING_WRITING, until);
    if (stop_.raised()) return interrupted_error("connecting to " + where_);
    if (!ready)
      return external_error("cannot_connect", "cannot connect to " + where_ + ": no answer in time",
                            "check that the server runs and that this machine can reach it", true);
    wanted = PQconnectPoll(handle);
    if (wanted == PGRES_POLLING_OK) return {};
    if (wanted == PGRES_POLLING_FAILED) return refused_to_connect();
  }
}

/// libpq gives no SQLSTATE here, only the text. It names the user, never the password.
error connection::refused_to_connect() const {
  const auto said = trimmed(text_of(PQerrorMessage(handle_.get())));
  const auto has = [&](const char* part) { return said.find(part) != std::string::npos; };
  const auto text = "cannot connect to " + where_ + ": " + said;
  if (has("password authentication failed") || has("no password supplied") || has("authentication failed") ||
      has("no pg_hba.conf entry") || (has("role \"") && has("does not exist")))
    return user_error("authentication_failed", text,
                      "check user and password of url, and what pg_hba.conf of the server allows");
  if (has("database \"") && has("does not exist"))
    return user_error("unknown_database", text, "create the database, or correct url");
  if (has("too many clients") || has("too many connections") || has("remaining connection slots"))
    return external_error("too_many_connections", text, "close other connections, or raise the limit of the server",
                          true);
  if (has("could not translate host name"))
    return external_error("cannot_connect", text, "check the host in url", true);
  if (has("SSL") || has("certificate")) return user_error("tls_failed", text, "check sslmode and sslrootcert in url");
  return external_error("cannot_connect", text, "check that the server runs and that this machine can reach it", true);
}

error connection::lost() {
  const auto said = trimmed(text_of(PQerrorMessage(handle_.get())));
  why_ = {};
  return external_error("connection_lost",
                        "the connection to " + where_ + " was lost" + (said.empty() ? "" : ": " + said),
                        "check the server and the network", true);
}

status connection::flush() {
  auto* handle = handle_.get();
  for (;;) {
    const int left = PQflush(handle);
    if (left < 0) return lost();
    if (left == 0) return {};
    if (!stop_.wait_writable(PQsocket(handle))) return interrupted_error("waiting for " + where_);
    // What the server says meanwhile must be read, or it takes no more.
    if (PQconsumeInput(handle) == 0) return lost();
  }
}

status connection::send(const std::string& sql, const std::vector<text_value>& arguments) {
  auto* handle = handle_.get();
  if (stop_.raised()) return interrupted_error("waiting for " + where_);
  if (!alive()) return lost();
  int sent = 0;
  if (arguments.empty()) {
    sent = PQsendQuery(handle, sql.c_str());
  } else {
    std::vector<const char*> values;
    values.reserve(arguments.size());
    for (const auto& one : arguments) values.push_back(one ? one->c_str() : nullptr);
    sent = PQsendQueryParams(handle, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                             nullptr, 0);
  }
  if (sent == 0) return lost();
  return flush();
}

result<connection::answer> connection::next() {
  auto* handle = handle_.get();
  while (PQisBusy(handle) != 0) {
    if (!stop_.wait_readable(PQsocket(handle))) return interrupted_error("waiting for " + where_);
    if (PQconsumeInput(handle) == 0) return lost();
  }
  return answer(PQgetResult(handle));
}

status connection::check(const pg_result& of) {
  switch (PQresultStatus(&of)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_EMPTY_QUERY:
      return {};
    default:
      break;
  }
  why_ = read_refusal(of);
  if (why_.state.empty()) return lost();
  return refused_error(why_, {}, where_);
}

result<connection::answer> connection::finish() {
  answer last;
  status good;
  for (;;) {
    SLUICE_ASSIGN(auto one, next());
    if (!one) break;
    if (auto checked = check(*one); !checked.ok() && good.ok()) good = std::move(checked);
    last = std::move(one);
    const auto what = PQresultStatus(last.get());
    if (what == PGRES_COPY_IN || what == PGRES_COPY_OUT) break;
  }
  if (!good.ok()) return std::move(good).problem();
  if (!last) return lost();
  return last;
}

status connection::run(const std::string& sql, const std::vector<text_value>& arguments) {
  SLUICE_TRY(send(sql, arguments));
  auto done = finish();
  return done.ok() ? status{} : status(std::move(done).problem());
}

result<std::vector<text_row>> connection::rows(const std::string& sql, const std::vector<text_value>& arguments) {
  SLUICE_TRY(send(sql, arguments));
  SLUICE_ASSIGN(const auto got, finish());
  return rows_of(*got);
}

result<std::uint64_t> connection::change(const std::string& sql, const std::vector<text_value>& arguments) {
  SLUICE_TRY(send(sql, arguments));
  SLUICE_ASSIGN(const auto got, finish());
  return changed_by(*got);
}

status connection::prepare(const std::string& name, const std::string& sql, const std::vector<std::uint32_t>& types) {
  if (stop_.raised()) return interrupted_error("waiting for " + where_);
  if (!alive() ||
      PQsendPrepare(handle_.get(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()) == 0)
    return lost();
  SLUICE_TRY(flush());
  auto done = finish();
  return done.ok() ? status{} : status(std::move(done).problem());
}

result<executed> connection::execute(const std::string& name, const std::vector<text_value>& arguments) {
  if (stop_.raised()) return interrupted_error("waiting for " + where_);
  std::vector<const char*> values;
  values.reserve(arguments.size());
  for (const auto& one : arguments) values.push_back(one ? one->c_str() : nullptr);
  if (!alive() || PQsendQueryPrepared(handle_.get(), name.c_str(), static_cast<int>(values.size()), values.data(),
                                      nullptr, nullptr, 0) == 0)
    return lost();
  SLUICE_TRY(flush());
  SLUICE_ASSIGN(const auto got, finish());
  return executed{rows_of(*got), static_cast<std::int64_t>(changed_by(*got))};
}

result<std::vector<described_column>> connection::describe(const std::string& sql) {
  if (stop_.raised()) return interrupted_error("waiting for " + where_);
  if (!alive() || PQsendPrepare(handle_.get(), "", sql.c_str(), 0, nullptr) == 0) return lost();
  SLUICE_TRY(flush());
  SLUICE_ASSIGN(const auto prepared, finish());
  if (PQsendDescribePrepared(handle_.get(), "") == 0) return lost();
  SLUICE_TRY(flush());
  SLUICE_ASSIGN(const auto got, finish());
  std::vector<described_column> columns;
  columns.reserve(static_cast<std::size_t>(PQnfields(got.get())));
  for (int at = 0; at < PQnfields(got.get()); ++at)
    columns.push_back({PQfname(got.get(), at), PQftype(got.get(), at), PQfmod(got.get(), at)});
  return columns;
}

status connection::start_copy_in(const std::string& sql) { return run(sql); }

status connection::put(std::string_view bytes) {
  auto* handle = handle_.get();
  constexpr std::size_t piece = 1024 * 1024;
  while (!bytes.empty()) {
    if (stop_.raised()) return interrupted_error("waiting for " + where_);
    const auto part = bytes.substr(0, piece);
    const int taken = PQputCopyData(handle, part.data(), static_cast<int>(part.size()));
    if (taken < 0) return lost();
    if (taken > 0) bytes.remove_prefix(part.size());
    SLUICE_TRY(flush());
    // A server that has refused a row reads on and says so at the end; asking here costs nothing.
    if (PQconsumeInput(handle) == 0) return lost();
  }
  return {};
}

result<std::uint64_t> connection::end_copy() {
  auto* handle = handle_.get();
  int ended = 0;
  while ((ended = PQputCopyEnd(handle, nullptr)) == 0) SLUICE_TRY(flush());
  if (ended < 0) return lost();
  SLUICE_TRY(flush());
  SLUICE_ASSIGN(const auto got, finish());
  const std::string count = PQcmdTuples(got.get());
  std::uint64_t number = 0;
  (void)std::from_chars(count.data(), count.data() + count.size(), number);
  return number;
}

status connection::start_copy_out(const std::string& sql) { return run(sql); }

result<std::optional<std::string_view>> connection::next_copied() {
  auto* handle = handle_.get();
  PQfreemem(std::exchange(copied_, nullptr));
  for (;;) {
    const int length = PQgetCopyData(handle, &copied_, 1);
    if (length > 0) return std::optional(std::string_view(copied_, static_cast<std::size_t>(length)));
    if (length == -2) return lost();
    if (length == -1) {
      SLUICE_ASSIGN(const auto got, finish());
      return std::optional<std::string_view>();
    }
    if (!stop_.wait_readable(PQsocket(handle))) return interrupted_error("waiting for " + where_);
    if (PQconsumeInput(handle) == 0) return lost();
  }
}

}  // namespace sluice::postgres
