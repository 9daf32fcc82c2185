#include "engine/formats/csv/sniff.hpp"

#include "engine/files/encoding.hpp"
#include "engine/files/foreign_bytes.hpp"
#include "engine/formats/csv/columns.hpp"
#include "engine/formats/csv/layout.hpp"
#include "engine/formats/csv/record_index.hpp"
#include "engine/formats/csv/sniff_cells.hpp"
#include "engine/values/utf8.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace sluice::csv {

namespace {

constexpr std::size_t padding = 64;
constexpr std::size_t most_records = 500;

/// Text as the reader would have it, and the option that it takes.
struct sniffed_text {
  std::string text;
  std::string encoding;  ///< empty: UTF-8
};

bool begins_as_utf8(std::string_view text, bool whole) {
  // The begin of a text may end within a character.
  for (int cut = 0; cut < (whole ? 1 : 4) && !text.empty(); ++cut, text.remove_suffix(1))
    if (is_utf8(text)) return true;
  return text.empty();
}

/// Bytes that Windows-1252 has letters and signs for, and Latin-1 control characters.
bool has_windows_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 && byte < 0xA0;
  });
}

sniffed_text decode(std::string_view raw, bool whole, const options& fixed) {
  sniffed_text made;
  auto encoding = text_encoding::utf8;
  if (const auto marked = encoding_by_mark(raw.substr(0, 4), text_encoding::as_it_is);
      marked.ok() && *marked != text_encoding::as_it_is) {
    encoding = *marked;
  } else if (fixed.contains("encoding") && fixed["encoding"].is_string()) {
    encoding = encoding_of(fixed["encoding"].get<std::string>()).ok()
                   ? *encoding_of(fixed["encoding"].get<std::string>())
                   : text_encoding::utf8;
  } else if (looks_like_utf16(raw)) {
    const auto zero_first = raw.size() > 1 && raw[0] == '\0';
    encoding = zero_first ? text_encoding::utf16_be : text_encoding::utf16_le;
    made.encoding = zero_first ? "utf-16be" : "utf-16le";
  } else if (!begins_as_utf8(raw, whole)) {
    const bool windows = has_windows_bytes(raw);
    encoding = windows ? text_encoding::windows1252 : text_encoding::latin1;
    made.encoding = windows ? "windows-1252" : "latin-1";
  }
  text_decoder(encoding).decode(raw, whole, made.text);
  if (made.text.starts_with("\xEF\xBB\xBF")) made.text.erase(0, 3);
  if (!whole) {
    // The last line may be cut.
    const auto end = made.text.find_last_of("\r\n");
    if (end != std::string::npos) made.text.resize(end + 1);
  }
  return made;
}

/// The records of a text in one dialect.
struct parsed_text {
  sniffed_rows rows;
  std::vector<std::size_t> begins;  ///< of each record, in the text
  std::size_t odd = 0;              ///< fields with quotes that don't fit
  std::size_t quoted = 0;           ///< fields in quotes
};

parsed_text parse(const std::string& text, const dialect& rules) {
  parsed_text made;
  const auto padded = std::string(padding, '\0') + text + std::string(2 * padding, '\0');
  const auto* base = reinterpret_cast<const std::uint8_t*>(padded.data());
  record_index index(rules, simd_level::scalar);
  index.reset(padding);
  index.scan(base, padding, static_cast<std::uint32_t>(padding + text.size()), true);
  unquoter unquote(rules);
  for (std::size_t record = 0, first = 0; record < index.records() && made.rows.size() < most_records;
       first = index.record_ends()[record++] + 1) {
    const auto last = index.record_ends()[record];
    auto begin = index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1;
    std::vector<std::string> row;
    const auto record_begin = begin;
    for (auto i = first; i <= last; ++i) {
      if (i > first) begin = index.ends()[i - 1] + rules.step();
      auto end = index.ends()[i];
      if (i == last && end > begin && base[end] == '\n' && base[end - 1] == '\r') --end;
      const auto content = unquote.content(base + begin, base + end);
      made.odd += content.broken ? 1 : 0;
      made.quoted += content.quoted && !content.broken ? 1 : 0;
      row.emplace_back(content.text);
    }
    if (row.size() == 1 && row[0].empty()) continue;  // an empty line
    made.begins.push_back(record_begin - padding);
    made.rows.push_back(std::move(row));
  }
  return made;
}

/// How well a dialect explains a text.
struct judged {
  double score = 0;
  std::size_t width = 0;
};

judged judge(const parsed_text& parsed) {
  judged made;
  if (parsed.rows.empty()) return made;
  std::map<std::size_t, std::size_t> widths;
  std::size_t cells = 0;
  double known = 0;
  for (const auto& row : parsed.rows) {
    ++widths[row.size()];
    for (const auto& text : row) {
      ++cells;
      const auto kind = cell_of(text);
      known += kind == cell::odd ? 0 : kind == cell::empty || kind == cell::word ? 0.9 : 1;
    }
  }
  known -= 2 * static_cast<double>(parsed.odd);
  double pattern = 0;
  std::size_t most = 0;
  for (const auto& [width, count] : widths) {
    const auto size = static_cast<double>(width);
    pattern += static_cast<double>(count) * std::max(size - 1, 1e-3) / size;
    if (count > most || (count == most && width > made.width)) {
      most = count;
      made.width = width;
    }
  }
  pattern /= static_cast<double>(widths.size());
  made.score = pattern / static_cast<double>(parsed.rows.size()) * std::max(0.0, known / static_cast<double>(cells));
  return made;
}

struct candidate {
  const char* separator;
  double weight;      ///< rare ones must explain more
  bool needs_header;  ///< blanks and colons stand in dates, times and names as well
};

constexpr candidate candidates[] = {{",", 1, false},    {";", 1, false},     {"\t", 1, false},  {"|", 1, false},
                                    {", ", 1, false},   {"; ", 0.99, false}, {"^", 0.9, false}, {"~", 0.9, false},
                                    {"\x1F", 1, false}, {":", 0.7, true},    {" ", 0.7, true}};

dialect dialect_of(const std::string& separator, std::optional<std::uint8_t> quote) {
  dialect rules;
  rules.separator = static_cast<std::uint8_t>(separator[0]);
  rules.separator_rest = separator.substr(1);
  rules.quote = quote;
  return rules;
}

/// The first record of the table itself, behind lines of titles.
std::size_t table_begin(const parsed_text& parsed, std::size_t width) {
  for (std::size_t row = 0; row < parsed.rows.size(); ++row) {
    if (parsed.rows[row].size() != width) continue;
    if (row + 1 == parsed.rows.size() || parsed.rows[row + 1].size() == width) return row;
  }
  return 0;
}

std::size_t lines_before(std::string_view text, std::size_t end) {
  std::size_t lines = 0;
  for (std::size_t i = 0; i < end; ++i)
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))) ++lines;
  return lines;
}

/// Removes lines that begin with # where no record of the table does; true where there were any.
bool drop_comments(sniffed_rows& table, std::size_t width) {
  const auto begins = [](const auto& row) { return row.front().starts_with('#'); };
  const bool used =
      std::any_of(table.begin(), table.end(), [&](const auto& row) { return row.size() == width && begins(row); });
  return !used && std::erase_if(table, begins) > 0;
}

bool words_only(const std::vector<std::string>& row) {
  return std::all_of(row.begin(), row.end(), [](const auto& text) { return cell_of(text) == cell::word; });
}

std::string first_line_of(std::string_view text, std::size_t begin) {
  return std::string(text.substr(begin, text.find_first_of("\r\n", begin) - begin));
}

}  // namespace

sniffed_file sniff(std::string_view raw, bool whole, const options& fixed) {
  sniffed_file found;
  const auto decoded = decode(raw, whole, fixed);
  const auto& text = decoded.text;
  if (!decoded.encoding.empty()) found.own["encoding"] = decoded.encoding;
  parsed_text best;
  std::string separator = ",";
  char quote = '"';
  const auto given = [&](const char* name) -> std::optional<std::string> {
    if (!fixed.contains(name) || !fixed[name].is_string() || fixed[name].get<std::string>().empty()) return {};
    const auto value = fixed[name].get<std::string>();
    return value == "\\t" ? "\t" : value;
  };
  const auto try_one = [&](const std::string& by, double weight, bool needs_header) {
    const auto known = given("quote");
    for (const char mark : known ? *known : std::string("\"'")) {
      auto parsed = parse(text, dialect_of(by, static_cast<std::uint8_t>(mark)));
      // What quotes nothing is no quote.
      if (mark == '\'' && parsed.quoted == 0 && !known) continue;
      const auto how = judge(parsed);
      if (needs_header) {
        const auto begin = table_begin(parsed, how.width);
        if (how.width < 3 || parsed.rows.size() < 3 || !words_only(parsed.rows[begin])) continue;
      }
      if (how.score * weight <= found.score) continue;
      found.score = how.score * weight;
      found.width = how.width;
      separator = by;
      quote = mark;
      best = std::move(parsed);
    }
  };
  if (const auto known = given("separator")) {
    try_one(*known, 1, false);
  } else {
    for (const auto& each : candidates) try_one(each.separator, each.weight, each.needs_header);
  }
  if (best.rows.empty()) return found;
  if (found.width > 1) {
    if (separator != "," && !given("separator")) found.own["separator"] = separator == "\t" ? "\\t" : separator;
    if (quote != '"' && !given("quote")) found.own["quote"] = std::string(1, quote);
  }
  const auto begin = found.width > 1 && !fixed.contains("skip_rows") ? table_begin(best, found.width) : 0;
  if (begin > 0) found.own["skip_rows"] = lines_before(text, best.begins[begin]);
  found.first_line = first_line_of(text, best.begins[begin]);
  sniffed_rows table(best.rows.begin() + static_cast<std::ptrdiff_t>(begin), best.rows.end());
  if (found.width > 1 && !fixed.contains("comment") && drop_comments(table, found.width)) found.own["comment"] = "#";
  const auto fitting =
      std::count_if(table.begin(), table.end(), [&](const auto& row) { return row.size() == found.width; });
  found.share = static_cast<double>(fitting) / static_cast<double>(table.size());
  bool header = true;
  std::vector<std::string> names = table.front();
  if (fixed.contains("header")) {
    header = fixed["header"] == true;
    if (fixed["header"].is_array()) return found;
  } else if (!has_header(table)) {
    header = false;
    found.own["header"] = false;
  }
  if (!header)
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = "column_" + std::to_string(i + 1);
  std::vector<std::string> nulls;
  found.types = special_types(table, unique_names(names), header, nulls);
  if (!nulls.empty() && !fixed.contains("null_values")) {
    nulls.insert(nulls.begin(), "");
    found.own["null_values"] = options(nulls);
  }
  return found;
}

result<sniffed_file> sniff_file(const input_file& file, const options& fixed) {
  auto raw = file;
  raw.encoding = text_encoding::as_it_is;
  SLUICE_ASSIGN(const auto first, peek_file(raw, sniffed_bytes));
  return sniff(first, static_cast<std::int64_t>(first.size()) < sniffed_bytes, fixed);
}

std::string options_text(const options& own) {
  std::string text;
  for (const auto& [name, value] : own.items()) {
    if (!text.empty()) text += ", ";
    text += name + ": ";
    const bool quoted = value.is_string() && name != "encoding";
    // In double quotes YAML and JSON agree; a tab is written as the option has it.
    text += !value.is_string() ? value.dump()
            : !quoted          ? value.get<std::string>()
            : value == "\\t"   ? "\"\\t\""
                               : value.dump();
  }
  return text;
}

}  // namespace sluice::csv
