#include "config/open_quote.hpp"

namespace sluice::config {

namespace {

/// The offset behind the quote that closes the one at `begin`, or npos.
std::size_t end_of_quoted(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  for (auto at = begin + 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || at + 1 >= text.size() || text[at + 1] != quote) return at + 1;
      ++at;  // '' stands for one quote
    }
  }
  return std::string_view::npos;
}

/// True where a text that was quoted may end: before a comma, a bracket, a colon, a comment or the end of the line.
bool may_end(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r')) ++at;
  return at >= text.size() || std::string_view(",]}:#\n").find(text[at]) != std::string_view::npos;
}

}  // namespace

std::optional<std::size_t> find_open_quote(std::string_view text) {
  bool value_may_begin = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '#' && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n')) {
      at = text.find('\n', at);
      if (at == std::string_view::npos) return {};
      value_may_begin = true;
    } else if (value_may_begin && (c == '"' || c == '\'')) {
      const auto end = end_of_quoted(text, at);
      if (end == std::string_view::npos) return at;
      const bool goes_on = text.substr(at, end - at).find('\n') != std::string_view::npos;
      if (goes_on && !may_end(text, end)) return at;
      at = end - 1;
      value_may_begin = false;
    } else if (c == '\n' || c == '{' || c == '[' || c == ',') {
      value_may_begin = true;
    } else if ((c == ':' || c == '-') && at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\n')) {
      value_may_begin = true;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      value_may_begin = false;
    }
  }
  return {};
}

}  // namespace sluice::config
