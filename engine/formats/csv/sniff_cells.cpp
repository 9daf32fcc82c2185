#include "engine/formats/csv/sniff_cells.hpp"

#include "engine/columns/typed/read_value.hpp"
#include "engine/columns/typed/type_guess.hpp"
#include "engine/values/ascii.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace sluice::csv {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

/// -1.234.567,89 or 12,5: digits in front of the comma, groups of three between points.
struct comma_digits {
  bool fits = false;
  bool grouped = false;
  int whole = 0;
  int scale = 0;
};

comma_digits comma_number(std::string_view text) {
  comma_digits found;
  std::string plain;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const auto comma = text.find(',');
  if (text.empty() || !digit(text[0])) return found;
  found.grouped = text.substr(0, comma).find('.') != std::string_view::npos;
  if (!typed::plain_number(text, ',', '.', plain)) return found;
  const auto point = plain.find('.');
  const auto behind = point == std::string::npos ? std::string() : plain.substr(point + 1);
  if (!std::all_of(plain.begin(), plain.end(), [](char c) { return digit(c) || c == '.'; })) return found;
  if (comma != std::string_view::npos && behind.empty()) return found;
  found.fits = true;
  found.whole = static_cast<int>(point == std::string::npos ? plain.size() : point);
  found.scale = static_cast<int>(behind.size());
  return found;
}

/// 31.12.2024
bool dotted_date(std::string_view text) {
  typed::moment when;
  return typed::read_formatted(text, "%d.%m.%Y", when);
}

bool is_time(std::string_view text) {
  typed::moment when;
  std::int64_t time = 0;
  if (typed::read_moment(text, when) || typed::read_time(text, time) || dotted_date(text)) return true;
  for (const auto* format : {"%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
                             "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S"})
    if (typed::read_formatted(text, format, when)) return true;
  return false;
}

}  // namespace

cell cell_of(std::string_view text) {
  const auto trimmed = ascii::trimmed(text);
  if (trimmed.empty()) return text.empty() ? cell::empty : cell::odd;
  if (trimmed.size() != text.size()) return cell::odd;
  double number = 0;
  if (text.find_first_of("0123456789") != std::string_view::npos && typed::read_double(text, number))
    return cell::number;
  if (comma_number(text).fits) return cell::comma_number;
  if (is_time(text)) return cell::time;
  // Prose has commas and colons followed by a blank; a wrong separator leaves them between letters and digits.
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ';' || c == '|' || c == '\t' || c == '"') return cell::odd;
    if ((c == ',' || c == ':') && i + 1 < text.size() && text[i + 1] != ' ' && text[i + 1] != '/' &&
        text[i + 1] != '\\')
      return cell::odd;
  }
  if (text.size() > 1 && text.front() == '\'' && text.back() == '\'') return cell::odd;
  return cell::word;
}

bool has_header(const sniffed_rows& rows) {
  if (rows.size() < 2) return true;
  const auto& first = rows.front();
  std::unordered_set<std::string> names;
  bool years = true;
  bool typed = false;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto top = cell_of(first[i]);
    const bool text = top == cell::word || top == cell::odd;
    std::size_t same = 0;
    std::size_t other = 0;
    for (std::size_t row = 1; row < rows.size(); ++row) {
      if (i >= rows[row].size()) continue;
      const auto below = cell_of(rows[row][i]);
      if (below == cell::empty) continue;
      (below == top ? same : other) += 1;
    }
    // A name over numbers or dates.
    if (text && same == 0 && other > 0) return true;
    const bool is_year = first[i].size() == 4 && top == cell::number && first[i] >= "1800" && first[i] <= "2200";
    if (!text && top != cell::empty) {
      years = years && is_year;
      typed = typed || same * 10 >= (same + other) * 8;
    }
    names.insert(first[i]);
  }
  if (typed) return years;
  return names.size() == first.size() || names.size() > 1;
}

options special_types(const sniffed_rows& rows, const std::vector<std::string>& names, bool header,
                      std::vector<std::string>& nulls) {
  auto types = options::object();
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::size_t seen = 0;
    std::size_t commas = 0;
    std::size_t dates = 0;
    std::size_t iso_dates = 0;
    std::vector<std::string> words;
    std::size_t numbers = 0;
    bool grouped = false;
    int whole = 0;
    int least = 1000;
    int most = 0;
    for (std::size_t row = header ? 1 : 0; row < rows.size(); ++row) {
      if (i >= rows[row].size() || rows[row][i].empty()) continue;
      const auto& text = rows[row][i];
      std::int32_t day = 0;
      if (typed::is_null_word(text)) {
        if (std::find(words.begin(), words.end(), text) == words.end()) words.push_back(text);
        continue;
      }
      ++seen;
      if (dotted_date(text)) {
        ++dates;
      } else if (typed::read_date(text, day)) {
        ++iso_dates;
      } else if (const auto found = comma_number(text); found.fits) {
        ++numbers;
        commas += found.scale > 0 ? 1 : 0;
        grouped = grouped || found.grouped;
        whole = std::max(whole, found.whole);
        least = std::min(least, found.scale);
        most = std::max(most, found.scale);
      }
    }
    if (seen == 0) continue;
    if (dates > 0 && dates + iso_dates == seen) {
      auto formats = options::array({"%d.%m.%Y"});
      if (iso_dates > 0) formats.push_back("%Y-%m-%d");
      types[names[i]] = {{"type", "date"}, {"formats", formats}};
    } else if (numbers == seen && commas > 0) {
      const bool exact = least == most && whole + most <= 15;
      auto type = options{{"type", exact ? "decimal(18," + std::to_string(most) + ")" : "double"}, {"decimal", ","}};
      if (grouped) type["thousands"] = ".";
      types[names[i]] = std::move(type);
    } else {
      continue;
    }
    for (auto& word : words)
      if (std::find(nulls.begin(), nulls.end(), word) == nulls.end()) nulls.push_back(std::move(word));
  }
  return types;
}

}  // namespace sluice::csv
