#include "config/scalar_places.hpp"

#include "config/substitution.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::config {

namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Turns an offset in the value into one in the value as YAML saw it; `inside` says that it lies in a reference.
std::size_t masked_offset(const node& scalar, std::size_t offset) {
  std::size_t shift_text = 0;
  std::size_t shift_masked = 0;
  for (const auto& one : scalar.substitutions) {
    if (offset < one.text_begin) break;
    if (offset < one.text_begin + one.text_length) return one.masked_begin;
    shift_text = one.text_begin + one.text_length;
    shift_masked = one.masked_begin + one.masked_length;
  }
  return shift_masked + (offset - shift_text);
}

/// Skips tags and anchors, which stand before the value that they belong to.
std::size_t skip_properties(std::string_view file, std::size_t at) {
  while (at < file.size() && (file[at] == '!' || file[at] == '&')) {
    while (at < file.size() && !is_space(file[at])) ++at;
    while (at < file.size() && is_space(file[at])) ++at;
  }
  return at;
}

/// The length in the file of one escape of a double-quoted text.
std::size_t escape_length(std::string_view file, std::size_t at) {
  if (at + 1 >= file.size()) return 1;
  switch (file[at + 1]) {
    case 'x':
      return 4;
    case 'u':
      return 6;
    case 'U':
      return 10;
    default:
      return 2;
  }
}

std::size_t bytes_of_character(std::string_view value, std::size_t at) {
  std::size_t end = at + 1;
  while (end < value.size() && (static_cast<unsigned char>(value[end]) & 0xc0U) == 0x80) ++end;
  return end - at;
}

}  // namespace

std::size_t place_in_scalar(const std::string& file, const node& scalar, std::size_t offset) {
  const std::string& value = scalar.masked.empty() ? scalar.text : scalar.masked;
  const auto wanted = std::min(masked_offset(scalar, offset), value.size());
  auto at = skip_properties(file, scalar.begin);
  if (at >= file.size()) return file.size();
  const char quote = std::string_view("\"'|>").find(file[at]) == std::string_view::npos ? ' ' : file[at];
  if (quote == '"' || quote == '\'') ++at;
  if (quote == '|' || quote == '>') {
    at = std::min(file.find('\n', at), file.size() - 1) + 1;
    while (at < file.size() && file[at] == ' ') ++at;
  }
  // Value and file are walked side by side. The file may hold more: escapes, doubled quotes, folded white space.
  for (std::size_t done = 0; done < wanted && at < file.size();) {
    const char c = value[done];
    if (quote == '"' && file[at] == '\\') {
      at += escape_length(file, at);
      done += bytes_of_character(value, done);
    } else if (quote == '\'' && file[at] == '\'') {
      at += 2;
      ++done;
    } else if (is_space(c) && is_space(file[at]) && (c != file[at] || c == '\n')) {
      while (done < wanted && is_space(value[done])) ++done;
      while (at < file.size() && is_space(file[at])) ++at;
    } else {
      ++at;
      ++done;
    }
    if (done < wanted && value[done] == '\n' && at < file.size() && file[at] == '\r') ++at;
  }
  return std::min(at, file.size());
}

}  // namespace sluice::config
