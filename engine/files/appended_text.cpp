#include "engine/files/appended_text.hpp"

#include "engine/error/names.hpp"
#include "engine/files/foreign_bytes.hpp"
#include "engine/formats/csv/chunk_reader.hpp"
#include "engine/formats/csv/layout.hpp"

#include <simdjson.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 256 * 1024;
constexpr std::int64_t first_look = 64 * 1024;

error other_encoding(const input_file& old, const std::string& what) {
  return user_error("invalid_utf8", "the target " + old.name + " is " + what + ", but the appended rows would be UTF-8",
                    "write to another file, use mode: replace, or convert the file: iconv -f latin1 -t utf-8");
}

/// Refuses what the first bytes show: a byte order mark of another encoding, packed bytes, UTF-16 without a mark.
status check_first_bytes(const input_file& old) {
  SLUICE_ASSIGN(const auto begin, peek_file(old, first_look));
  auto mark = encoding_by_mark(begin, text_encoding::utf8);
  if (!mark.ok()) return other_encoding(old, "not UTF-8");
  if (*mark != text_encoding::utf8 || looks_like_utf16(begin)) return other_encoding(old, "UTF-16");
  if (const auto packed = packed_as(begin); packed != compression::none)
    return user_error("invalid_utf8",
                      "the target " + old.name + " is compressed with " + std::string(name_of(packed)) +
                          ", but the appended rows would be uncompressed",
                      "compression: " + std::string(name_of(packed)) + ", or write to another file");
  return {};
}

/// Reads a file from begin to end, unpacked, and sees to it that it is UTF-8.
class checked_text {
 public:
  static result<checked_text> open(const input_file& old) {
    SLUICE_TRY(check_first_bytes(old));
    SLUICE_ASSIGN(auto stream, open_stream(old));
    return checked_text(old, std::move(stream));
  }

  /// Passes over a byte order mark; gives its size.
  result<std::int64_t> skip_mark() {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    first_.resize(mark.size());
    SLUICE_ASSIGN(const auto got, stream_->read(reinterpret_cast<std::uint8_t*>(first_.data()), std::ssize(mark)));
    first_.resize(static_cast<std::size_t>(got));
    if (first_ != mark) return std::int64_t{0};
    first_.clear();
    return got;
  }

  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) {
    const auto kept = std::min(size, static_cast<std::int64_t>(first_.size()));
    std::copy_n(first_.begin(), kept, into);
    first_.erase(0, static_cast<std::size_t>(kept));
    SLUICE_ASSIGN(const auto more, stream_->read(into + kept, size - kept));
    const auto got = kept + more;
    const bool good = check_.add({reinterpret_cast<const char*>(into), static_cast<std::size_t>(got)});
    if (!good || (got < size && !check_.complete()))
      return other_encoding(old_, "not UTF-8 (near byte " + std::to_string(check_.checked()) + ")");
    return got;
  }

 private:
  checked_text(input_file old, std::unique_ptr<byte_stream> stream)
      : old_(std::move(old)), stream_(std::move(stream)) {}

  input_file old_;
  std::unique_ptr<byte_stream> stream_;
  std::string first_;  ///< read early
  utf8_check check_;
};

/// Compares the names, or their number where there are none. False: the file has no header yet.
result<bool> check_columns(const input_file& old, const csv::file_rules& as_written,
                           const std::vector<std::string>& columns) {
  auto layout = csv::read_layout(old, as_written);
  if (!layout.ok()) return std::move(layout).problem();
  const auto& found = layout->names;
  if (!as_written.header) {
    if (found.empty() || found.size() == columns.size()) return !found.empty();
    return user_error("different_columns",
                      "the records of the target " + old.name + " have " + std::to_string(found.size()) +
                          " fields, but the rows to append have " + std::to_string(columns.size()),
                      "match the file's columns with a select, or write to another file");
  }
  if (found.empty()) return false;
  if (found == csv::unique_names(columns)) return true;
  return user_error("different_columns",
                    "the target " + old.name + " has the columns " + joined(found) + ", but the rows to append have " +
                        joined(columns),
                    "match the file's columns and their order with select: [" + joined(found) +
                        "], or write to another file; use header: false to append to a file without header");
}

error other_fields(const input_file& old, std::uint64_t record, std::size_t found, std::size_t wanted) {
  return user_error("different_columns",
                    "record " + std::to_string(record) + " of the target " + old.name + " has " +
                        std::to_string(found) + (found == 1 ? " field" : " fields") + ", but the rows to append have " +
                        std::to_string(wanted) + ": the file may have another separator or quote",
                    "set separator: and quote: as in the file, or write to another file");
}

/// The line end at the end of a record: at an index_array's place.
std::string line_end_at(const std::uint8_t* bytes, std::uint32_t end, bool there) {
  if (!there) return {};
  if (bytes[end] == '\r') return "\r";
  return end > 0 && bytes[end - 1] == '\r' ? "\r\n" : "\n";
}

/// Looks at every record that a chunk holds.
status check_records(const input_file& old, const csv::chunk_reader& chunk, std::size_t wanted, std::uint64_t& records,
                     text_form& form) {
  const auto& index = chunk.index();
  const auto* bytes = chunk.bytes();
  for (std::size_t record = 0, first = 0; record < index.records(); first = index.record_ends()[record++] + 1) {
    const auto last = index.record_ends()[record];
    const auto begin = index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1;
    const auto end = index.ends()[last];
    const bool ended = chunk.offset_of(end) < chunk.read_so_far();
    if (auto found = line_end_at(bytes, end, ended); !found.empty()) form.line_end = std::move(found);
    form.ends_within_line = !ended;
    // An empty line, which readers pass over where records have more than one field.
    if (last == first && (end == begin || (end == begin + 1 && bytes[begin] == '\r'))) continue;
    ++records;
    if (last - first + 1 != wanted) return other_fields(old, records, last - first + 1, wanted);
  }
  return {};
}

/// The lines of an NDJSON file, one after the other.
class line_check {
 public:
  explicit line_check(const input_file& old) : old_(old) {}

  status add(std::string_view text) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      line_.append(text.substr(0, end));
      SLUICE_TRY(check_begin());
      if (end == std::string_view::npos) return {};
      text.remove_prefix(end + 1);
      SLUICE_TRY(check_line());
      form_.line_end = line_.ends_with('\r') ? "\r\n" : "\n";
      line_.clear();
    }
    return {};
  }

  result<text_form> finish() {
    form_.ends_within_line = !line_.empty();
    SLUICE_TRY(check_line());
    // The last line in whole: that its end fits its begin does not say that a record is complete.
    if (!last_.empty()) {
      simdjson::dom::parser parser;
      if (parser.parse(last_).error() != simdjson::SUCCESS)
        return other_format("there is no JSON object in line ", lines_);
    }
    return form_;
  }

 private:
  status check_line() {
    const auto text = trimmed();
    ++lines_;
    if (text.empty()) return {};
    if (text.back() != '}') return other_format("there is no JSON object in line ", lines_);
    last_.assign(text);
    return {};
  }

  /// Sees at once that a line, which may be as long as the file, is none.
  [[nodiscard]] status check_begin() const {
    const auto text = trimmed();
    if (text.empty() || text.front() == '{') return {};
    return other_format(text.front() == '[' ? "a JSON array begins in line " : "there is no JSON object in line ",
                        lines_ + 1);
  }

  [[nodiscard]] std::string_view trimmed() const {
    const auto text = std::string_view(line_);
    const auto first = text.find_first_not_of(" \t\r");
    return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
  }

  [[nodiscard]] error other_format(const std::string& what, std::uint64_t line) const {
    return user_error(
        "different_format",
        "the target " + old_.name + " is not NDJSON (one object per line): " + what + std::to_string(line),
        "write to another file, or use mode: replace");
  }

  const input_file& old_;
  text_form form_;
  std::string line_;
  std::string last_;
  std::uint64_t lines_ = 0;
};

}  // namespace

result<std::string> packed_whole(std::string_view bytes, compression kind) {
  if (bytes.empty() || kind == compression::none) return std::string(bytes);
  SLUICE_ASSIGN(const auto packer, make_packer(kind));
  std::string packed;
  SLUICE_TRY(packer->pack(bytes, packed));
  SLUICE_TRY(packer->finish(packed));
  return packed;
}

error other_line_ends(const std::string& target) {
  return external_error("target_changed",
                        "the target " + target + " was changed during the run: its line breaks are different now",
                        "run again: the rows are then written with the new line breaks");
}

bool utf8_check::add(std::string_view piece) {
  if (!good_) return false;
  std::string glued;
  if (!rest_.empty()) {
    glued = rest_ + std::string(piece);
    piece = glued;
  }
  // The last character may go on in the next piece.
  std::size_t tail = 0;
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, piece.size()); ++back) {
    const auto byte = static_cast<unsigned char>(piece[piece.size() - back]);
    if ((byte & 0xC0U) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length > back) tail = back;
    break;
  }
  const auto whole = piece.substr(0, piece.size() - tail);
  good_ = simdjson::validate_utf8(whole.data(), whole.size());
  if (good_) checked_ += static_cast<std::int64_t>(whole.size());
  rest_.assign(piece.substr(whole.size()));
  return good_;
}

result<text_form> form_of_csv(const input_file& old, const csv::writer_rules& rules,
                              const std::vector<std::string>& columns) {
  SLUICE_ASSIGN(auto text, checked_text::open(old));
  csv::file_rules as_written;
  as_written.rules.separator = static_cast<std::uint8_t>(rules.separator);
  as_written.rules.quote = static_cast<std::uint8_t>(rules.quote);
  as_written.header = rules.header;
  text_form form;
  SLUICE_ASSIGN(form.has_header, check_columns(old, as_written, columns));
  csv::chunk_reader chunk([&](std::int64_t, std::uint8_t* into, std::int64_t size) { return text.read(into, size); },
                          as_written.rules, nullptr);
  SLUICE_ASSIGN(const auto begin, text.skip_mark());
  chunk.start(begin);
  for (std::uint64_t records = 0;;) {
    SLUICE_ASSIGN(const bool more, chunk.fill(chunk.read_so_far() + block_bytes));
    if (chunk.runaway())
      return user_error(chunk.runaway()->open ? "unclosed_quote" : "record_too_large",
                        "the target " + old.name + " has a record at byte " + std::to_string(chunk.runaway()->begin) +
                            (chunk.runaway()->open ? " whose quote is never closed" : " that is larger than 256 MiB") +
                            ": the appended rows would become part of it",
                        "close the quote in the target, or write to another file");
    if (!more) return form;
    SLUICE_TRY(check_records(old, chunk, columns.size(), records, form));
  }
}

result<text_form> form_of_ndjson(const input_file& old) {
  SLUICE_ASSIGN(auto text, checked_text::open(old));
  SLUICE_TRY(text.skip_mark());
  std::string block(static_cast<std::size_t>(block_bytes), '\0');
  for (line_check lines(old);;) {
    SLUICE_ASSIGN(const auto got, text.read(reinterpret_cast<std::uint8_t*>(block.data()), block_bytes));
    SLUICE_TRY(lines.add(std::string_view(block).substr(0, static_cast<std::size_t>(got))));
    if (got < block_bytes) return lines.finish();
  }
}

}  // namespace sluice
