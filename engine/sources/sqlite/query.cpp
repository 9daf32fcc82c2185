#include "engine/sources/sqlite/query.hpp"

#include "engine/error/names.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <sqlite3.h>

#include <set>

namespace sluice::sqlite {

namespace {

constexpr int sampled_rows = 1000;

/// The kinds of values that a column without a type had in the sample.
struct seen_values {
  bool integers = false;
  bool floats = false;
  bool texts = false;
  bool blobs = false;

  void look(int kind) {
    integers = integers || kind == SQLITE_INTEGER;
    floats = floats || kind == SQLITE_FLOAT;
    texts = texts || kind == SQLITE_TEXT;
    blobs = blobs || kind == SQLITE_BLOB;
  }
  [[nodiscard]] std::shared_ptr<arrow::DataType> type() const {
    if (blobs) return arrow::binary();
    if (texts) return arrow::utf8();
    if (floats) return arrow::float64();
    return integers ? arrow::int64() : arrow::utf8();
  }
};

}  // namespace

std::optional<int> column_of(const statement& query, const std::string& name) {
  for (int at = 0; at < sqlite3_column_count(query.get()); ++at)
    if (name == sqlite3_column_name(query.get(), at)) return at;
  return {};
}

std::shared_ptr<arrow::DataType> type_of_declaration(const std::string& declared) {
  const auto type = ascii::upper(declared);
  const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
  if (has("BOOL")) return arrow::boolean();
  if (has("INTERVAL")) return arrow::utf8();
  // The rules of SQLite's affinities come first: what they say of the stored values holds whatever else is in the name.
  if (has("INT")) return arrow::int64();
  if (has("CHAR") || has("CLOB") || has("TEXT") || has("JSON") || has("UUID")) return arrow::utf8();
  if (has("BLOB") || has("BYTEA")) return arrow::binary();
  if (has("REAL") || has("FLOA") || has("DOUB")) return arrow::float64();
  if (has("TIMESTAMPTZ") || has("WITH TIME ZONE")) return timestamptz_type();
  if (has("TIMESTAMP") || has("DATETIME")) return arrow::timestamp(arrow::TimeUnit::MICRO);
  if (has("DATE")) return arrow::date32();
  if (has("TIME")) return arrow::time64(arrow::TimeUnit::MICRO);
  const bool decimal = type.starts_with("DECIMAL") || type.starts_with("NUMERIC");
  if (const auto open = type.find('('); decimal && open != std::string::npos)
    if (auto made = parse_type("decimal" + type.substr(open)); made.ok()) return *made;
  return nullptr;
}

status mark_guesses(connection& in, const std::string& select, std::vector<typed::column_plan>& columns) {
  SLUICE_ASSIGN(const auto query, in.prepare(select));
  for (auto& column : columns) {
    const auto at = column_of(query, column.name);
    const char* declared = at ? sqlite3_column_decltype(query.get(), *at) : nullptr;
    column.inferred = column.inferred && (declared == nullptr || !type_of_declaration(declared));
  }
  return {};
}

result<std::vector<typed::column_plan>> describe_query(connection& in, const std::string& select,
                                                       const std::map<std::string, typed::column_plan>& given) {
  SLUICE_ASSIGN(const auto query, in.prepare(select));
  const int count = sqlite3_column_count(query.get());
  if (sqlite3_stmt_readonly(query.get()) == 0)
    return user_error("invalid_value", "the statement changes the database", "a source takes a SELECT only");
  if (count == 0)
    return user_error("invalid_value", "the statement gives no rows", "query: \"select id, name from customers\"");
  std::vector<typed::column_plan> made;
  std::set<std::string> names;
  bool complete = true;
  for (int i = 0; i < count; ++i) {
    const char* name = sqlite3_column_name(query.get(), i);
    typed::column_plan column;
    column.name = name == nullptr ? "" : name;
    if (!names.insert(column.name).second)
      return user_error("duplicate_column", "two columns of the query are called " + column.name,
                        "give one another name: select a.id, b.id as other_id ...");
    if (const auto found = given.find(column.name); found != given.end() && found->second.type) {
      column = found->second;
      column.inferred = false;
    } else if (const char* declared = sqlite3_column_decltype(query.get(), i); declared != nullptr) {
      column.type = type_of_declaration(declared);
      column.inferred = false;
    }
    complete = complete && column.type;
    made.push_back(std::move(column));
  }
  for (const auto& [name, ignored] : given)
    if (!names.contains(name)) {
      const auto near = nearest_name(name, {names.begin(), names.end()});
      auto why = user_error(
          "unknown_column", "types: names the column " + name + ", which the query does not give",
          near.empty() ? "the columns are " + joined({names.begin(), names.end()}) : "did you mean " + near + "?");
      why.path = "/types/" + name;
      return why;
    }
  if (complete) return made;
  std::vector<seen_values> seen(made.size());
  for (int row = 0; row < sampled_rows; ++row) {
    const int code = sqlite3_step(query.get());
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return in.failed(code, "read the first rows");
    for (int i = 0; i < count; ++i) seen[static_cast<std::size_t>(i)].look(sqlite3_column_type(query.get(), i));
  }
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (made[i].type) continue;
    made[i].type = seen[i].type();
    made[i].inferred = true;
  }
  return made;
}

}  // namespace sluice::sqlite
