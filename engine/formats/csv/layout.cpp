#include "engine/formats/csv/layout.hpp"

#include "engine/files/foreign_bytes.hpp"
#include "engine/files/foreign_formats.hpp"
#include "engine/formats/csv/record_index.hpp"
#include "engine/formats/csv/runaway.hpp"
#include "engine/values/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_set>

namespace sluice::csv {

namespace {

constexpr std::int64_t first_look = 64 * 1024;
constexpr std::int64_t longest_header = 32 * 1024 * 1024;
constexpr std::size_t padding = 64;
constexpr std::int64_t most_lines_of_a_name = 20;

/// The begin of a file, with room around it for SIMD.
struct head {
  std::string padded;
  std::int64_t size = 0;
  bool whole = false;
  [[nodiscard]] const std::uint8_t* data() const {
    return reinterpret_cast<const std::uint8_t*>(padded.data()) + padding;
  }
};

result<head> look(const input_file& file, std::int64_t bytes) {
  SLUICE_ASSIGN(const auto text, peek_file(file, bytes));
  head begin;
  begin.size = static_cast<std::int64_t>(text.size());
  begin.whole = begin.size < bytes;
  begin.padded = std::string(padding, '\0') + text + std::string(padding * 2, '\0');
  return begin;
}

/// The byte behind the next line end, or -1 where none is seen.
std::int64_t next_line(const head& in, std::int64_t at) {
  for (; at < in.size; ++at) {
    if (in.data()[at] == '\n') return at + 1;
    if (in.data()[at] == '\r') {
      if (at + 1 == in.size && !in.whole) return -1;
      return at + 1 < in.size && in.data()[at + 1] == '\n' ? at + 2 : at + 1;
    }
  }
  return -1;
}

error no_header(const input_file& file, const head& in, const std::string& what) {
  const std::string_view begin(reinterpret_cast<const char*>(in.data()), static_cast<std::size_t>(in.size));
  auto hint = option_for_bytes(file, begin);
  if (hint.empty()) hint = "check the file, or give the names yourself: header: [id, name], skip_rows: 1";
  return user_error("invalid_header", "the first line of " + file.name + " can't be column names: " + what,
                    std::move(hint));
}

/// Looks at a head; nullopt where it ends too early to tell.
class layout_reader {
 public:
  layout_reader(const input_file& file, const file_rules& rules, const head& in)
      : file_(file), rules_(rules), in_(in) {}

  result<std::optional<file_layout>> read() {
    const std::string_view begin(reinterpret_cast<const char*>(in_.data()), static_cast<std::size_t>(in_.size));
    if (auto foreign = not_wanted_format(file_.name, begin.substr(0, format_bytes), "CSV")) return std::move(*foreign);
    if (looks_like_utf16(begin) || (file_.packed == compression::none && packed_as(begin) != compression::none))
      return user_error("invalid_utf8", "the file " + file_.name + " is not UTF-8 text",
                        option_for_bytes(file_, begin));
    if (in_.size >= 3 && std::memcmp(in_.data(), "\xEF\xBB\xBF", 3) == 0) at_ = 3;
    for (std::int64_t i = 0; i < rules_.skip_rows; ++i) {
      const auto next = next_line(in_, at_);
      if (next < 0) {
        if (!in_.whole) return std::optional<file_layout>();
        return empty_file(
            file_, rules_,
            "has only " + std::to_string(i) + " lines, but skip_rows is " + std::to_string(rules_.skip_rows));
      }
      at_ = next;
    }
    layout_.data_begin = at_;
    if (!rules_.header && !rules_.names.empty()) {
      layout_.names = unique_names(rules_.names);
      return std::optional(layout_);
    }
    return first_record();
  }

 private:
  result<std::optional<file_layout>> first_record() {
    record_index index(rules_.rules, simd_level::scalar);
    const auto from = static_cast<std::uint32_t>(padding + static_cast<std::size_t>(at_));
    const auto to = static_cast<std::uint32_t>(padding + static_cast<std::size_t>(in_.size));
    const auto* base = reinterpret_cast<const std::uint8_t*>(in_.padded.data());
    index.reset(from);
    index.scan(base, from, to, in_.whole);
    for (std::size_t record = 0, first = 0; record < index.records(); first = index.record_ends()[record++] + 1) {
      const auto last = index.record_ends()[record];
      const auto begin = index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1;
      if (ignored(base, begin, index.ends()[first], last == first)) continue;
      if (in_.whole && index.in_quotes() && record + 1 == index.records()) return unclosed(begin - padding);
      take_fields(base, index, first, last);
      SLUICE_TRY(check_names());
      const auto end = index.ends()[last];
      const bool line_feed = end < to && base[end] != '\n' && base[end] != '\r';
      if (rules_.header) layout_.data_begin = static_cast<std::int64_t>(end + (line_feed ? 0 : 1) - padding);
      layout_.data_begin = std::min(layout_.data_begin, in_.size);
      return std::optional(layout_);
    }
    if (!in_.whole) return std::optional<file_layout>();
    layout_.data_begin = in_.size;
    return std::optional(layout_);  // no record, no names
  }

  /// A quote of the header that never closes would take the whole file along.
  [[nodiscard]] error unclosed(std::size_t record) const {
    const std::string_view all(reinterpret_cast<const char*>(in_.data()), static_cast<std::size_t>(in_.size));
    const auto extent = extent_of(all.substr(record), rules_.rules, static_cast<std::int64_t>(record));
    line_ends before(line_break::any);
    before.add(in_.data(), extent.quote);
    return user_error("unclosed_quote",
                      file_.name + " line " + std::to_string(before.count() + 1) +
                          ": the quote at the start of field " + std::to_string(extent.field + 1) +
                          " of the first record is never closed; it swallows " + std::to_string(extent.lines) +
                          " more line" + (extent.lines == 1 ? "" : "s") + " (" +
                          std::to_string(extent.end - extent.quote) + " bytes), up to the end of the file",
                      "close the quote there; if the file does not use quotes, set quote: \"\"; or give the names "
                      "yourself: header: [id, name], skip_rows: 1");
  }

  [[nodiscard]] bool ignored(const std::uint8_t* base, std::uint32_t begin, std::uint32_t end, bool only_field) const {
    if (rules_.rules.comment && begin < end && base[begin] == *rules_.rules.comment) return true;
    return only_field && (begin == end || (end == begin + 1 && base[begin] == '\r' && base[end] == '\n'));
  }

  void take_fields(const std::uint8_t* base, const record_index& index, std::size_t first, std::size_t last) {
    unquoter unquote(rules_.rules);
    for (auto i = first; i <= last; ++i) {
      const auto begin = index.ends()[static_cast<std::ptrdiff_t>(i) - 1] + (i == first ? 1 : rules_.rules.step());
      auto end = index.ends()[i];
      if (i == last && end > begin && base[end] == '\n' && base[end - 1] == '\r') --end;
      const auto content = unquote.content(base + begin, base + end);
      if (content.broken && broken_ == 0) broken_ = layout_.names.size() + 1;
      layout_.quotes_in_header |= content.quoted;
      layout_.names.push_back(rules_.header ? std::string(trim(content)) : std::string());
    }
    layout_.names = unique_names(std::move(layout_.names));
  }

  /// Names go into messages, expressions and other formats, all of which are UTF-8.
  [[nodiscard]] status check_names() const {
    // A quote that closes by chance makes the begin of the file one header, which would lose its rows.
    if (broken_ > 0 && rules_.header)
      return user_error("invalid_header",
                        "the first line of " + file_.name + " can't be column names: the quoted name of column " +
                            std::to_string(broken_) + " is not closed correctly",
                        "close the quote, or read without quotes: quote: \"\"; or give the names yourself: header: "
                        "[id, name], skip_rows: 1");
    for (std::size_t i = 0; i < layout_.names.size(); ++i) {
      const auto& name = layout_.names[i];
      if (const auto lines = std::count(name.begin(), name.end(), '\n'); lines > most_lines_of_a_name)
        return user_error("runaway_quote",
                          "the name of column " + std::to_string(i + 1) + " in the first record of " + file_.name +
                              " has " + std::to_string(lines + 1) + " lines: a quote is probably missing",
                          "close the quote in its line; if the file does not use quotes, set quote: \"\"");
      const char* fault = !is_utf8(name)                         ? " is not UTF-8"
                          : name.find('\0') != std::string::npos ? " contains a zero byte"
                                                                 : nullptr;
      if (fault != nullptr) return no_header(file_, in_, "that of column " + std::to_string(i + 1) + fault);
    }
    return {};
  }

  /// Blanks around a name that is not quoted are typing, not naming.
  static std::string_view trim(const field_text& content) {
    auto text = content.text;
    if (content.quoted) return text;
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  }

  const input_file& file_;
  const file_rules& rules_;
  const head& in_;
  std::int64_t at_ = 0;
  std::size_t broken_ = 0;  ///< number of the first name with quotes that do not fit; 0: none
  file_layout layout_;
};

}  // namespace

error empty_file(const input_file& file, const file_rules& rules, const std::string& what) {
  return user_error("empty_file", "the file " + file.name + " " + what,
                    rules.header ? "a CSV file must begin with a line of column names; remove this file from path, or, "
                                   "if the files have no such line, give the names: header: [id, name]"
                                 : "the columns are unknown: give their names, header: [id, name]");
}

status name_empty_files(const std::vector<input_file>& files, std::vector<file_layout>& layouts,
                        const file_rules& rules) {
  const auto named = std::find_if(layouts.begin(), layouts.end(), [](const auto& one) { return !one.names.empty(); });
  if (named == layouts.end())
    return empty_file(files.front(), rules, files.front().size == 0 ? "is empty" : "contains no record");
  const auto names = named->names;
  for (auto& each : layouts)
    if (each.names.empty()) each.names = names;
  return {};
}

std::vector<std::string> unique_names(std::vector<std::string> names) {
  std::unordered_set<std::string> taken(names.begin(), names.end());
  std::unordered_set<std::string> used;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto& name = names[i];
    if (!name.empty() && used.insert(name).second) continue;
    const bool empty = name.empty();
    const auto stem = empty ? "column_" : name + "_";
    auto number = empty ? i + 1 : 2;
    while (taken.contains(stem + std::to_string(number))) ++number;
    name = stem + std::to_string(number);
    taken.insert(name);
    used.insert(name);
  }
  return names;
}

result<file_layout> read_layout(const input_file& file, const file_rules& rules) {
  for (auto bytes = first_look; bytes <= longest_header; bytes *= 8) {
    SLUICE_ASSIGN(const auto begin, look(file, bytes));
    SLUICE_ASSIGN(auto layout, layout_reader(file, rules, begin).read());
    if (layout) return std::move(*layout);
  }
  return user_error("record_too_large", "the header of " + file.name + " does not end within 32 MiB",
                    "look for a quote that is never closed, or another separator or line break");
}

}  // namespace sluice::csv
