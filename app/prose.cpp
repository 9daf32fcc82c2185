#include "app/prose.hpp"

#include "app/console.hpp"
#include "app/text.hpp"

#include <algorithm>

namespace sluice::app {

namespace {

constexpr int widest_text = 110;  // longer lines are hard to read
constexpr int widest_name = 26;   // of the left column

/// The text without the escape sequences of colours.
std::string uncoloured(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\x1b') {
      plain += text[at];
    } else {
      while (at + 1 < text.size() && text[at] != 'm') ++at;
    }
  }
  return plain;
}

int columns(std::string_view text) { return display_width(uncoloured(text)); }

/// Where the lines that continue a line begin.
int hanging(const std::string& line, int width) {
  const auto first = std::min(line.find_first_not_of(' '), line.size());
  for (const std::string_view label : {"hint: ", "What to do: "})
    if (line.compare(first, label.size(), label) == 0) return static_cast<int>(first + label.size());
  const auto gap = line.find("  ", first);
  if (gap != std::string::npos && gap > first) {
    const auto text = line.find_first_not_of(' ', gap);
    if (text != std::string::npos) {
      const int begin = display_width(std::string_view(line).substr(0, text));
      if (begin <= width / 2) return begin;
    }
  }
  return std::min(static_cast<int>(first) + 2, width / 2);
}

/// How much of a word that is wider than the room goes on the line: up to behind a slash, or all of it.
std::size_t part_of(std::string_view word, int room) {
  std::size_t best = word.size();
  for (std::size_t at = 1; at < word.size(); ++at)
    if (word[at - 1] == '/' && columns(word.substr(0, at)) <= room) best = at;
  return best;
}

void wrap_line(std::string_view line, int width, std::string& out) {
  const auto plain = uncoloured(line);
  if (display_width(plain) <= width) {
    out += line;
    return;
  }
  const auto indent = hanging(plain, width);
  int used = 0;       // columns on the present line
  bool fresh = true;  // it has no word yet
  for (std::size_t at = 0; at < line.size();) {
    const auto begin = std::min(line.find_first_not_of(' ', at), line.size());
    const auto end = std::min(line.find(' ', begin), line.size());
    auto blanks = static_cast<int>(begin - at);
    auto word = line.substr(begin, end - begin);
    at = end;
    const auto put = [&](std::string_view part) {
      out.append(static_cast<std::size_t>(blanks), ' ').append(part);
      used += blanks + columns(part);
      fresh = false;
    };
    while (!word.empty()) {
      const bool fits_alone = columns(word) <= width - indent;
      const auto part = fits_alone ? word.size() : part_of(word, width - used - blanks);
      if (used + blanks + columns(word) <= width || (fresh && part == word.size())) {
        put(word);  // what can't be broken is left to the terminal
        break;
      }
      if (part < word.size()) {
        put(word.substr(0, part));
        word.remove_prefix(part);
      }
      out += '\n';
      out.append(static_cast<std::size_t>(indent), ' ');
      used = indent;
      blanks = 0;
      fresh = true;
    }
  }
}

}  // namespace

std::string wrapped(std::string_view text, int width) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    wrap_line(text.substr(at, end - at), std::max(width, 8), out);
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, int width, bool color) {
  int left = 0;
  for (const auto& row : rows)
    if (const int own = display_width(row.first); own <= widest_name) left = std::max(left, own);
  const auto indent = std::string(static_cast<std::size_t>(left) + 4, ' ');
  std::string text;
  for (const auto& [name, help] : rows) {
    const int own = display_width(name);
    auto line = "  " + std::string(name);
    if (own > left) {
      text += wrapped("  " + paint(name, style::bold, color), std::min(width, widest_text)) + "\n";
      line = indent.substr(2) + "  ";
    } else {
      line = "  " + paint(name, style::bold, color) + std::string(static_cast<std::size_t>(left - own) + 2, ' ');
    }
    // A letter holds the place of the name, so that the lines which continue are below the help.
    const auto body =
        wrapped(std::string(static_cast<std::size_t>(left) + 2, '-') + "  " + help, std::min(width, widest_text));
    text += line + (body.size() > indent.size() ? body.substr(indent.size()) : "") + "\n";
  }
  return text;
}

}  // namespace sluice::app
