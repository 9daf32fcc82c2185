#include "engine/component/json_pointer.hpp"

namespace sluice {

std::string pointer(const std::vector<std::string>& parts) {
  std::string path;
  for (const auto& part : parts) {
    path += '/';
    for (const char c : part) {
      if (c == '~') {
        path += "~0";
      } else if (c == '/') {
        path += "~1";
      } else {
        path += c;
      }
    }
  }
  return path;
}

std::vector<std::string> pointer_parts(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '/') {
      parts.emplace_back();
    } else if (parts.empty()) {
      return {};
    } else if (text[at] != '~') {
      parts.back() += text[at];
    } else if (at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1')) {
      parts.back() += text[++at] == '0' ? '~' : '/';
    } else {
      return {};
    }
  }
  return parts;
}

}  // namespace sluice
