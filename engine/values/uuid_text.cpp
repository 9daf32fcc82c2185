#include "engine/values/uuid_text.hpp"

namespace sluice {

bool read_uuid(std::string_view text, std::string& out) {
  constexpr int digits = 32;
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') text = text.substr(1, text.size() - 2);
  out.clear();
  int read = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '-') {
      if (read % 4 != 0 || read == 0 || read == digits || text[at - 1] == '-') return false;
      continue;
    }
    const bool digit = c >= '0' && c <= '9';
    const char low = static_cast<char>(c | 0x20);
    if ((!digit && (low < 'a' || low > 'f')) || read == digits) return false;
    if (read == 8 || read == 12 || read == 16 || read == 20) out += '-';
    out += digit ? c : low;
    ++read;
  }
  return read == digits;
}

}  // namespace sluice
