#include "engine/columns/typed/spelling.hpp"

#include "engine/columns/typed/read_value.hpp"
#include "engine/values/value_text.hpp"

#include <algorithm>

namespace sluice::typed {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_minus(std::string_view text) {
  return !text.empty() && text[0] == '-' ? text.substr(1) : text;
}

/// 0, or digits that don't begin with it.
bool plain_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), digit) && (text[0] != '0' || text.size() == 1);
}

}  // namespace

bool spells_integer(std::string_view text, std::int64_t& out) {
  return plain_digits(without_minus(text)) && text != "-0" && read_integer(text, out);
}

bool spells_double(std::string_view text, double& out) {
  if (text.empty() || text.size() > longest_value || !read_double(text, out)) return false;
  char written[longest_value];
  const auto* end = write_double(written, out);
  return text == std::string_view(written, static_cast<std::size_t>(end - written)) && text != "-0";
}

bool spells_decimal(std::string_view text, decimal_digits& out) {
  const auto digits = without_minus(text);
  const auto point = digits.find('.');
  if (point == std::string_view::npos) return false;
  const auto behind = digits.substr(point + 1);
  if (!plain_digits(digits.substr(0, point)) || behind.empty() || !std::all_of(behind.begin(), behind.end(), digit))
    return false;
  const bool zero = digits.find_first_not_of("0.") == std::string_view::npos;
  if (zero && digits.size() != text.size()) return false;  // decimals have no -0.0
  out = {.whole = digits[0] == '0' ? 0 : static_cast<int>(point), .scale = static_cast<int>(behind.size())};
  return true;
}

bool spells_boolean(std::string_view text) { return text == "true" || text == "false"; }

}  // namespace sluice::typed
