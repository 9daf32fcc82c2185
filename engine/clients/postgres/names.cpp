#include "engine/clients/postgres/names.hpp"

#include <cctype>
#include <optional>

namespace sluice::postgres {

namespace {

std::string doubled(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

/// Reads one part of a name at `at`; nothing where there is none.
std::optional<std::string> read_part(const std::string& text, std::size_t& at) {
  std::string part;
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size(); ++at) {
      if (text[at] != '"') {
        part += text[at];
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        part += '"';
        ++at;
      } else {
        ++at;
        return part.empty() ? std::optional<std::string>() : part;
      }
    }
    return {};
  }
  for (; at < text.size() && text[at] != '.'; ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (std::isalnum(c) == 0 && c != '_' && c != '$' && c < 0x80) return {};
    // Only ASCII letters: what the server does to others depends on its locale.
    part += static_cast<char>(c < 0x80 ? std::tolower(c) : c);
  }
  if (part.empty() || std::isdigit(static_cast<unsigned char>(part.front())) != 0) return {};
  return part;
}

}  // namespace

std::string quoted_name(const std::string& name) { return doubled(name, '"'); }
std::string quoted_text(const std::string& text) { return doubled(text, '\''); }

std::string quoted_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + quoted_name(name);
  return out;
}

std::string table_name::quoted() const {
  return schema.empty() ? quoted_name(table) : quoted_name(schema) + "." + quoted_name(table);
}

std::string table_name::shown() const { return schema.empty() ? table : schema + "." + table; }

result<table_name> parse_table_name(const std::string& text) {
  const auto wrong = [&] {
    return user_error("invalid_name", "'" + text + "' is not the name of a table",
                      "write table or schema.table; quote names with other characters: table: '\"My Schema\".\"T\"'");
  };
  std::size_t at = 0;
  auto first = read_part(text, at);
  if (!first) return wrong();
  table_name made{.schema = {}, .table = *std::move(first)};
  if (at < text.size()) {
    if (text[at] != '.') return wrong();
    auto second = read_part(text, ++at);
    if (!second || at < text.size()) return wrong();
    made.schema = std::exchange(made.table, *std::move(second));
  }
  if (made.schema.size() > longest_name || made.table.size() > longest_name)
    return user_error("invalid_name", "'" + text + "' is longer than PostgreSQL's names, which have at most " +
                                          std::to_string(longest_name) + " bytes");
  return made;
}

}  // namespace sluice::postgres
