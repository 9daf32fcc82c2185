#include "app/database_tables.hpp"

#include "engine/clients/postgres/connection.hpp"
#include "engine/clients/sqlite/connection.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

namespace sluice::app {

namespace {

/// Names by which people call the time of a row's last change.
constexpr std::array change_columns = {"updated_at",   "modified_at", "changed_at", "last_modified",
                                       "last_updated", "update_time", "updated"};

void note_change_column(database_table& of, const std::string& column, bool is_time) {
  if (!is_time || !of.changed_at.empty()) return;
  auto lower = column;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::find(change_columns.begin(), change_columns.end(), lower) != change_columns.end()) of.changed_at = column;
}

result<std::vector<database_table>> tables_of_postgres(const database_address& database) {
  interruption stop;
  auto url = database.url;
  if (!database.password.empty()) url.insert(url.find('@'), ":" + database.password);
  SLUICE_ASSIGN(const auto server, postgres::connection::open(url, stop));
  SLUICE_ASSIGN(const auto rows,
                server->rows("select n.nspname, c.relname, c.reltuples::bigint, a.attname, "
                             "format_type(a.atttypid, a.atttypmod), "
                             "coalesce(a.attnum = any (i.indkey::smallint[]), false), "
                             "format_type(a.atttypid, null) like 'timestamp%' "
                             "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                             "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
                             "left join pg_index i on i.indrelid = c.oid and i.indisprimary "
                             "where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition "
                             "and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%' "
                             "and has_table_privilege(c.oid, 'select') "
                             "order by n.nspname, c.relname, a.attnum"));
  std::vector<database_table> made;
  for (const auto& row : rows) {
    const auto text = [&](std::size_t at) { return row[at].value_or(""); };
    if (made.empty() || made.back().schema != text(0) || made.back().table != text(1)) {
      made.push_back({.schema = text(0), .table = text(1), .columns = {}, .key = {}, .changed_at = {}});
      made.back().rows = std::stoll(text(2));
    }
    made.back().columns.push_back(text(3) + " " + text(4));
    if (text(5) == "t") made.back().key.push_back(text(3));
    note_change_column(made.back(), text(3), text(6) == "t");
  }
  return made;
}

result<std::vector<database_table>> tables_of_sqlite(const database_address& database) {
  interruption stop;
  SLUICE_ASSIGN(auto file, sqlite::connection::open(database.path, sqlite::connection::access::read, stop));
  SLUICE_ASSIGN(const auto names, file.rows("select name from sqlite_master where type in ('table', 'view') "
                                            "and name not like 'sqlite\\_%' escape '\\' and name not like "
                                            "'\\_sluice\\_%' escape '\\' order by name"));
  std::vector<database_table> made;
  for (const auto& name : names) {
    database_table one{.schema = {}, .table = name[0], .columns = {}, .key = {}, .changed_at = {}};
    SLUICE_ASSIGN(const auto columns, file.rows("select name, type, pk from pragma_table_info(" +
                                                sqlite::quoted_text(one.table) + ") order by cid"));
    for (const auto& column : columns) {
      one.columns.push_back(column[0] + (column[1].empty() ? "" : " " + column[1]));
      if (column[2] != "0") one.key.push_back(column[0]);
      // A SQLite column of times may hold anything; it is compared as the source reads it.
      note_change_column(one, column[0], true);
    }
    made.push_back(std::move(one));
  }
  return made;
}

}  // namespace

result<database_address> parse_database(const std::string& from) {
  database_address made;
  if (from.starts_with("postgres://") || from.starts_with("postgresql://")) {
    SLUICE_TRY(postgres::check_url(from));
    made.kind = "postgres";
    made.url = from;
    const auto begin = from.find("://") + 3;
    const auto host = std::min(from.find_first_of("/?", begin), from.size());
    const auto at = from.rfind('@', host);
    if (const auto colon = from.find(':', begin); at != std::string::npos && at >= begin && colon < at) {
      made.password = from.substr(colon + 1, at - colon - 1);
      made.url.erase(colon, at - colon);
    }
    const auto path = made.url.find('/', begin);
    if (path != std::string::npos) made.name = made.url.substr(path + 1, made.url.find('?', path) - path - 1);
    if (made.name.empty()) made.name = "database";
    return made;
  }
  const bool named = from.starts_with("sqlite:");
  if (from.find("://") != std::string::npos && !named)
    return user_error("bad_arguments",
                      "init --from takes PostgreSQL and SQLite, found " + from.substr(0, from.find("://")),
                      "postgres://user@host/database, or sqlite:FILE");
  made.kind = "sqlite";
  made.path = named ? from.substr(7) : from;
  if (made.path.starts_with("//")) made.path.erase(0, 2);
  made.name = std::filesystem::path(made.path).stem().string();
  return made;
}

result<std::vector<database_table>> tables_of(const database_address& database) {
  return database.kind == "postgres" ? tables_of_postgres(database) : tables_of_sqlite(database);
}

}  // namespace sluice::app
