#include "config/render.hpp"

#include "engine/values/utf8.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::config {

namespace {

constexpr int widest_line = 160;  // columns of the line that is shown, with what stands around it

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string_view skip_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size() && (count > 0 || !begins_character(text[at]))) {
    ++at;
    if (at == text.size() || begins_character(text[at])) --count;
    if (count == 0) break;
  }
  return text.substr(at);
}

/// Bytes of data may stand in messages and lines: none of them may move the cursor or set the terminal's title.
std::string printable(std::string_view text, bool one_each) {
  constexpr char digits[] = "0123456789abcdef";
  std::string made;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    const auto character = text.substr(i, length);
    // The controls of ISO 8859 are C2 80 to C2 9F in UTF-8; alone, as any byte that is no UTF-8, they are not shown.
    const bool control =
        byte < 0x20 || byte == 0x7F || (byte == 0xC2 && static_cast<unsigned char>(character.back()) < 0xA0);
    if (is_utf8(character) && (!control || (byte == '\n' && !one_each))) {
      made += character;
      i += length;
      continue;
    }
    if (one_each) {
      made += '?';
    } else {
      (made += "\\x") += {digits[byte >> 4], digits[byte & 15]};
    }
    ++i;
  }
  return made;
}

/// The source line and a caret below it; long lines are cut on both sides of the caret.
std::string excerpt(std::string_view line, int number, int column, int width, const char* green, const char* plain) {
  auto before = static_cast<std::size_t>(std::max(column - 1, 0));
  // "  5 | " before it, and "..." where it is cut.
  const auto around = static_cast<int>(std::to_string(number).size()) + 5;
  const auto room = static_cast<std::size_t>(std::max(20, std::min(width, widest_line) - around));
  std::string shown_begin;
  if (count_characters(line) > room && before > room / 2) {
    const auto cut = std::min(before - room / 2, count_characters(line) - (room - 3)) + 3;
    line = skip_characters(line, cut);
    before -= cut;
    shown_begin = "...";
  }
  std::string shown_end;
  if (const auto left = room - shown_begin.size(); count_characters(line) > left) {
    line = line.substr(0, line.size() - skip_characters(line, left - 3).size());
    shown_end = "...";
  }
  std::string shown(line);
  std::replace(shown.begin(), shown.end(), '\t', ' ');
  shown = printable(shown, true);
  const auto margin = std::to_string(number);
  std::string text = "  " + margin + " | " + shown_begin + shown + shown_end + "\n";
  text += "  " + std::string(margin.size(), ' ') + " | " + std::string(shown_begin.size() + before, ' ') + green + "^" +
          plain + "\n";
  return text;
}

std::string indent(const std::string& text, const std::string& by) {
  std::string made;
  for (const char c : printable(text, false)) {
    made += c;
    if (c == '\n') made += by;
  }
  return made;
}

}  // namespace

std::string render(const error& fault, const document* source, bool colour, const std::string& word, int width) {
  const char* strong = colour ? (word == "error" ? "\033[1;31m" : "\033[1;33m") : "";
  const char* green = colour ? "\033[1;32m" : "";
  const char* plain = colour ? "\033[0m" : "";
  std::string text = strong + word + "[" + fault.code + "]" + plain;
  if (fault.at.line > 0)
    text += " " + printable(fault.at.file, true) + ":" + std::to_string(fault.at.line) + ":" +
            std::to_string(fault.at.column) + ":";
  if (!fault.where.empty()) text += " " + printable(fault.where, false) + ":";
  if (fault.at.line == 0 && fault.where.empty()) text += ":";
  text += " " + indent(fault.message, "  ") + "\n";
  if (source != nullptr && fault.at.line > 0) {
    const auto line = source->line(fault.at.file, fault.at.line);
    if (!line.empty()) text += excerpt(line, fault.at.line, fault.at.column, width, green, plain);
  }
  if (!fault.hint.empty()) text += "  hint: " + indent(fault.hint, "        ") + "\n";
  return text;
}

std::string render(const diagnostics& faults, const document* source, bool colour) {
  std::string text;
  for (const auto& fault : faults) text += render(fault, source, colour);
  return text;
}

}  // namespace sluice::config
