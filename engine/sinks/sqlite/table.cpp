#include "engine/sinks/sqlite/table.hpp"

#include "engine/error/names.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cctype>

namespace sluice::sqlite {

namespace {

bool same_name(const std::string& a, const std::string& b) { return ascii::upper(a) == ascii::upper(b); }

std::string quoted_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + quoted_name(name);
  return out;
}

enum class value_kind { integer, large_integer, number, small_decimal, large_decimal, text, moment, bytes };

value_kind kind_of(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
      return value_kind::integer;
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
      return value_kind::large_integer;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return value_kind::number;
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return static_cast<const arrow::DecimalType&>(type).precision() <= exact_digits ? value_kind::small_decimal
                                                                                      : value_kind::large_decimal;
    case arrow::Type::DATE32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
      return value_kind::moment;
    case arrow::Type::BINARY:
      return value_kind::bytes;
    default:
      return value_kind::text;
  }
}

/// True where the column gives every value back as it was put in.
bool keeps(affinity kind, const arrow::DataType& type) {
  switch (kind_of(type)) {
    case value_kind::integer:
      return kind != affinity::text;
    case value_kind::large_integer:
      return kind != affinity::text && kind != affinity::real;
    case value_kind::number:
      return kind != affinity::text;
    case value_kind::small_decimal:
      return true;
    // "007" in a column of numbers becomes 7.
    case value_kind::large_decimal:
    case value_kind::text:
      return kind == affinity::text || kind == affinity::none;
    // A date in a column declared DATE stays text: it is no number.
    case value_kind::moment:
    case value_kind::bytes:
      return true;
  }
  return false;
}

struct existing_column {
  std::string name;
  std::string declared;
  bool required = false;
  bool generated = false;
};

result<std::vector<existing_column>> existing_columns(connection& database, const std::string& name) {
  SLUICE_ASSIGN(
      const auto rows,
      database.rows("SELECT name, type, \"notnull\", dflt_value IS NULL, pk, hidden FROM pragma_table_xinfo(?)",
                    {name}));
  std::vector<existing_column> columns;
  for (const auto& row : rows) {
    // An INTEGER PRIMARY KEY is filled in by SQLite.
    const bool rowid = row[4] == "1" && ascii::upper(row[1]) == "INTEGER";
    columns.push_back({.name = row[0],
                       .declared = row[1],
                       .required = row[2] == "1" && row[3] == "1" && !rowid,
                       .generated = row[5] != "0"});
  }
  return columns;
}

result<std::vector<std::vector<std::string>>> unique_keys(connection& database, const std::string& name) {
  std::vector<std::vector<std::string>> keys;
  // The primary key of an ordinary table with an integer has no index of its own.
  SLUICE_ASSIGN(const auto primary,
                database.rows("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", {name}));
  if (!primary.empty()) {
    auto& key = keys.emplace_back();
    for (const auto& row : primary) key.push_back(row[0]);
  }
  SLUICE_ASSIGN(
      const auto indexes,
      database.rows("SELECT name FROM pragma_index_list(?) WHERE \"unique\" = 1 AND partial = 0 AND origin <> 'pk'",
                    {name}));
  for (const auto& index : indexes) {
    SLUICE_ASSIGN(const auto members,
                  database.rows("SELECT name FROM pragma_index_info(?) ORDER BY seqno", {index[0]}));
    auto& key = keys.emplace_back();
    for (const auto& row : members) key.push_back(row[0]);
    // An index over an expression has no column names.
    if (std::any_of(key.begin(), key.end(), [](const auto& column) { return column.empty(); })) keys.pop_back();
  }
  return keys;
}

bool same_columns(std::vector<std::string> a, std::vector<std::string> b) {
  for (auto* names : {&a, &b}) {
    for (auto& name : *names) name = ascii::upper(name);
    std::sort(names->begin(), names->end());
  }
  return a == b;
}

status check_columns(table& found, const std::vector<existing_column>& theirs, const arrow::Schema& schema,
                     bool evolve) {
  std::vector<std::string> names;
  for (const auto& one : theirs)
    if (!one.generated) names.push_back(one.name);
  for (const auto& field : schema.fields()) {
    const auto match =
        std::find_if(theirs.begin(), theirs.end(), [&](const auto& one) { return same_name(one.name, field->name()); });
    if (match == theirs.end() && evolve) {
      const auto declared = declared_type(*field->type());
      found.columns.push_back({.name = field->name(), .type = field->type(), .kind = affinity_of(declared)});
      found.added.push_back(quoted_name(field->name()) + " " + declared);
      continue;
    }
    if (match == theirs.end() || match->generated) {
      const auto near = nearest_name(field->name(), names);
      return user_error("unknown_column",
                        "the table " + found.name + " has no column " + field->name() +
                            " to write to; its columns are " + joined(names),
                        near.empty() ? "leave the column out with select, add it to the table, or write create: evolve"
                                     : "did you mean " + near + "? rename the column in a unit before");
    }
    const auto kind = affinity_of(match->declared);
    if (!keeps(kind, *field->type()))
      return user_error("type_mismatch",
                        "column " + match->name + " of the table " + found.name + " is " +
                            (match->declared.empty() ? "untyped" : match->declared) +
                            ", which would change values of type " + type_name(*field->type()),
                        "cast the column before, or give the table's column the type " + declared_type(*field->type()));
    found.columns.push_back({.name = match->name, .type = field->type(), .kind = kind});
  }
  for (const auto& one : theirs) {
    const bool filled = std::any_of(found.columns.begin(), found.columns.end(),
                                    [&](const auto& ours) { return ours.name == one.name; });
    if (one.required && !one.generated && !filled)
      return user_error("missing_column",
                        "column " + one.name + " of the table " + found.name +
                            " must have a value, but the rows do not have this column",
                        "derive the column, or give it a default in the table");
  }
  return {};
}

}  // namespace

affinity affinity_of(const std::string& declared) {
  const auto type = ascii::upper(declared);
  const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
  if (has("INT")) return affinity::integer;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return affinity::text;
  if (type.empty() || has("BLOB") || type == "ANY") return affinity::none;
  if (has("REAL") || has("FLOA") || has("DOUB")) return affinity::real;
  return affinity::numeric;
}

std::string declared_type(const arrow::DataType& type) {
  switch (kind_of(type)) {
    case value_kind::integer:
    case value_kind::large_integer:
      return type.id() == arrow::Type::BOOL ? "BOOLEAN" : "INTEGER";
    case value_kind::number:
      return "REAL";
    case value_kind::small_decimal:
      return ascii::upper(type_name(type));
    case value_kind::bytes:
      return "BLOB";
    default:
      return "TEXT";
  }
}

table new_table(const std::string& name, const arrow::Schema& schema, const std::vector<std::string>& key) {
  table made{
      .name = name, .exists = false, .columns = {}, .key = key, .added = {}, .definition = {}, .unique_keys = {}};
  std::string sql;
  for (const auto& field : schema.fields()) {
    const auto declared = declared_type(*field->type());
    made.columns.push_back({.name = field->name(), .type = field->type(), .kind = affinity_of(declared)});
    sql += (sql.empty() ? "" : ", ") + quoted_name(field->name()) + " " + declared;
    if (std::find(key.begin(), key.end(), field->name()) != key.end()) sql += " NOT NULL";
  }
  if (!key.empty()) {
    sql += ", PRIMARY KEY (" + quoted_names(key) + ")";
    made.unique_keys.push_back(key);
  }
  made.definition.push_back("CREATE TABLE " + quoted_name(name) + " (" + sql + ")");
  return made;
}

result<table> find_table(connection& database, const std::string& name, const arrow::Schema& schema,
                         const std::vector<std::string>& key, bool evolve) {
  SLUICE_ASSIGN(
      const auto entries,
      database.rows(
          "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(?)",
          {name}));
  if (entries.empty()) return new_table(name, schema, key);
  if (entries[0][0] == "view")
    return user_error("is_a_view", name + " is a view, but a table is needed", "use the table that the view reads");
  table found{.name = entries[0][1],
              .exists = true,
              .columns = {},
              .key = {},
              .added = {},
              .definition = {entries[0][2]},
              .unique_keys = {}};
  SLUICE_ASSIGN(const auto theirs, existing_columns(database, found.name));
  SLUICE_TRY(check_columns(found, theirs, schema, evolve));
  SLUICE_ASSIGN(found.unique_keys, unique_keys(database, found.name));
  SLUICE_ASSIGN(
      const auto indexes,
      database.rows("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql LIKE 'CREATE UNIQUE%'",
                    {found.name}));
  for (const auto& index : indexes) found.definition.push_back(index[0]);
  if (key.empty()) return found;
  for (const auto& name_of_key : key) {
    const auto field = schema.GetFieldIndex(name_of_key);
    if (field >= 0) found.key.push_back(found.columns[static_cast<std::size_t>(field)].name);
  }
  const bool unique = std::any_of(found.unique_keys.begin(), found.unique_keys.end(),
                                  [&](const auto& one) { return same_columns(one, found.key); });
  if (!unique)
    return user_error("no_unique_key",
                      "rows of the table " + found.name + " are found by " + joined(found.key) +
                          ", but the table has no unique index on it",
                      "CREATE UNIQUE INDEX " + found.name + "_key ON " + quoted_name(found.name) + " (" +
                          quoted_names(found.key) + ")");
  return found;
}

namespace {

std::string names_of(const table& into) {
  std::vector<std::string> names;
  for (const auto& one : into.columns) names.push_back(one.name);
  return quoted_names(names);
}

std::string on_conflict(const table& into) {
  if (into.key.empty()) return "";
  std::string sets;
  for (const auto& one : into.columns) {
    if (std::find(into.key.begin(), into.key.end(), one.name) != into.key.end()) continue;
    sets += (sets.empty() ? "" : ", ") + quoted_name(one.name) + " = excluded." + quoted_name(one.name);
  }
  // With nothing but the key a repeated row is the same row: set to itself, so that it counts as changed.
  if (sets.empty()) sets = quoted_name(into.key[0]) + " = excluded." + quoted_name(into.key[0]);
  return " ON CONFLICT (" + quoted_names(into.key) + ") DO UPDATE SET " + sets;
}

}  // namespace

status add_columns(connection& database, const table& to) {
  for (const auto& column : to.added)
    SLUICE_TRY(database.run("ALTER TABLE main." + quoted_name(to.name) + " ADD COLUMN " + column));
  return {};
}

std::string insert_statement(const table& into) {
  std::string marks;
  for (std::size_t i = 0; i < into.columns.size(); ++i) marks += i == 0 ? "?" : ", ?";
  return "INSERT INTO " + quoted_name(into.name) + " (" + names_of(into) + ") VALUES (" + marks + ")" +
         on_conflict(into);
}

std::string move_statement(const table& into, const std::string& from) {
  // "WHERE true" keeps the parser from reading ON as part of a join (https://sqlite.org/lang_UPSERT.html).
  return "INSERT INTO main." + quoted_name(into.name) + " (" + names_of(into) + ") SELECT " + names_of(into) +
         " FROM " + quoted_name(from) + "." + quoted_name(into.name) + " WHERE true" + on_conflict(into);
}

}  // namespace sluice::sqlite
