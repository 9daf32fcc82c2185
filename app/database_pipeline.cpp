#include "app/database_pipeline.hpp"

#include "app/text.hpp"
#include "engine/component/options.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace sluice::app {

namespace {

constexpr std::int64_t many_rows = 5'000'000;
constexpr std::size_t widest_comment = 110;

/// * stands for any text.
bool fits(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  for (auto at = star; at <= text.size(); ++at)
    if (fits(pattern.substr(star + 1), text.substr(at))) return true;
  return false;
}

std::string identifier(const std::string& name) {
  std::string made;
  for (const unsigned char c : name)
    made += std::isalnum(c) != 0 && c < 0x80 ? static_cast<char>(std::tolower(c)) : '_';
  if (made.empty() || std::isdigit(static_cast<unsigned char>(made.front())) != 0) made.insert(0, "t_");
  return made;
}

std::string pipeline_name(const std::string& database) {
  auto name = identifier(database);
  std::replace(name.begin(), name.end(), '_', '-');
  return "copy-" + name;
}

/// A text as YAML's double-quoted style has it, `$` kept from standing for something else.
std::string in_quotes(const std::string& text) {
  auto made = options(text).dump();
  for (auto at = made.find('$'); at != std::string::npos; at = made.find('$', at + 2)) made.insert(at, 1, '$');
  return made;
}

/// As the component takes a table: quoted where it is not written as it is.
std::string table_option(const database_address& from, const database_table& table) {
  if (from.kind == "sqlite") return table.table;
  const auto part = [](const std::string& name) {
    const bool plain = identifier(name) == name;
    return plain ? name : "\"" + name + "\"";
  };
  return part(table.schema) + "." + part(table.table);
}

std::string columns_comment(const database_table& table) {
  std::string line, all;
  for (const auto& column : table.columns) {
    if (!line.empty() && line.size() + column.size() > widest_comment) {
      all += "    # " + line + ",\n";
      line.clear();
    }
    line += (line.empty() ? "" : ", ") + column;
  }
  return line.empty() ? all : all + "    # " + line + "\n";
}

}  // namespace

std::string secret_of(const database_address& from) {
  if (from.password.empty()) return {};
  auto name = identifier(from.name);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name + "_PASSWORD";
}

result<std::vector<database_table>> chosen_tables(const std::vector<database_table>& all,
                                                  const std::vector<std::string>& patterns) {
  std::vector<database_table> made;
  for (const auto& table : all)
    if (patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& one) {
          return fits(one, table.shown()) || (one.find('.') == std::string::npos && fits(one, table.table));
        }))
      made.push_back(table);
  if (!made.empty()) return made;
  std::string known;
  for (const auto& table : all) {
    if (known.size() > 300) {
      known += ", ...";
      break;
    }
    known += (known.empty() ? "" : ", ") + table.shown();
  }
  return user_error("no_tables",
                    all.empty() ? "the database has no tables that this user may read" : "no table fits --tables",
                    all.empty() ? "grant select on them, or use another user" : "the tables are: " + known);
}

std::string pipeline_of_tables(const database_address& from, const std::vector<database_table>& tables) {
  const auto secret = secret_of(from);
  std::set<std::string> names, twice;
  for (const auto& table : tables)
    if (!names.insert(identifier(table.table)).second) twice.insert(identifier(table.table));
  std::string text = "# Copies tables of " + from.name + " into Parquet files.\n#\n";
  if (!secret.empty()) text += "#   export SLUICE_SECRET_" + secret + "=...        the password\n";
  text += "#   sluice validate FILE     checks it\n#   sluice run FILE          copies the tables\n\n";
  text += "version: 1\npipeline: " + pipeline_name(from.name) + "\n\n";
  if (from.kind == "postgres") {
    auto url = from.url;
    std::string shown;
    if (secret.empty()) {
      shown = in_quotes(url);
    } else {
      const auto at = url.find('@');
      shown = in_quotes(url.substr(0, at));
      shown.pop_back();
      shown += ":${secret:" + secret + "}" + in_quotes(url.substr(at)).substr(1);
    }
    text += "connections:\n  database: { postgres: { url: " + shown + " } }\n\n";
  }
  std::string sources = "extract:\n", sinks = "load:\n";
  std::set<std::string> taken;
  for (const auto& table : tables) {
    auto name = identifier(table.table);
    if (twice.contains(name)) name = identifier(table.schema) + "_" + name;
    for (const auto base = name; !taken.insert(name).second;) name = base + "_" + std::to_string(taken.size());
    sources += columns_comment(table) + "  " + name + ":\n";
    const bool parts = from.kind == "postgres" && table.rows > many_rows && table.key.size() == 1;
    sources +=
        from.kind == "postgres"
            ? "    postgres: { connection: database, table: " + in_quotes(table_option(from, table)) +
                  (parts ? ", partition: { column: " + in_quotes(table.key.front()) + ", parts: 4 }" : "") + " }"
            : "    sqlite: { path: " + in_quotes(from.path) + ", table: " + in_quotes(table_option(from, table)) + " }";
    if (table.rows > 0) sources += "    # about " + thousands(static_cast<std::uint64_t>(table.rows)) + " rows";
    sources += "\n";
    if (!table.changed_at.empty())
      sources += "    # incremental: { by: column, column: " + in_quotes(table.changed_at) +
                 " }    # only rows that have changed; then write the files with mode: append\n";
    std::string file = name;
    sinks += "  " + name + "_file: { from: " + name + ", parquet: { path: " + in_quotes("out/" + file + ".parquet") +
             " } }\n";
  }
  return text + sources + "\n" + sinks;
}

}  // namespace sluice::app
