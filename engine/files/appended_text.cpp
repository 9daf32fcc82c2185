#include "engine/files/appended_text.hpp"

#include "engine/error/names.hpp"
#include "engine/formats/csv/layout.hpp"

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 256 * 1024;

result<char> last_byte(const input_file& old) {
  SLUICE_ASSIGN(const auto stream, open_stream(old));
  std::vector<std::uint8_t> block(static_cast<std::size_t>(block_bytes));
  char last = '\n';
  for (;;) {
    SLUICE_ASSIGN(const auto got, stream->read(block.data(), block_bytes));
    if (got > 0) last = static_cast<char>(block[static_cast<std::size_t>(got) - 1]);
    if (got < block_bytes) return last;
  }
}

}  // namespace

std::optional<input_file> old_text(const file_target& target, compression packed) {
  if (target.appended_to() == 0) return {};
  return input_file{.name = target.path(), .path = target.path(), .size = target.appended_to(), .packed = packed};
}

result<bool> lacks_line_end(const file_target& target, const input_file& old) {
  if (old.packed == compression::none) return target.last_old_byte().value_or('\n') != '\n';
  SLUICE_ASSIGN(const char last, last_byte(old));
  return last != '\n';
}

result<bool> has_header_of(const input_file& old, const csv::writer_rules& rules,
                           const std::vector<std::string>& columns) {
  SLUICE_ASSIGN(const auto begin, peek_file(old, 4));
  SLUICE_ASSIGN(const auto mark, encoding_by_mark(begin, text_encoding::utf8));
  if (mark != text_encoding::utf8)
    return user_error("invalid_utf8", "the target " + old.name + " is UTF-16, and what is appended would be UTF-8",
                      "write to another file, or let mode be replace");
  csv::file_rules as_written;
  as_written.rules.separator = static_cast<std::uint8_t>(rules.separator);
  as_written.rules.quote = static_cast<std::uint8_t>(rules.quote);
  as_written.header = rules.header;
  auto layout = csv::read_layout(old, as_written);
  if (!layout.ok() && layout.problem().code == "empty_file") return false;
  if (!layout.ok()) return std::move(layout).problem();
  const auto& found = layout->names;
  if (!rules.header) {
    if (found.empty() || found.size() == columns.size()) return true;
    return user_error("different_columns",
                      "the records of the target " + old.name + " have " + std::to_string(found.size()) +
                          " fields, and those to append " + std::to_string(columns.size()),
                      "bring the columns into line by a select, or write to another file");
  }
  if (found == csv::unique_names(columns)) return true;
  return user_error(
      "different_columns",
      "the target " + old.name + " has the columns " + joined(found) + ", and the rows to append " + joined(columns),
      "bring them into line and order by a select: [" + joined(found) +
          "], or write to another file; header: false appends to a file without header");
}

}  // namespace sluice
