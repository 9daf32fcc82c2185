#include "engine/values/json_text.hpp"

#include "engine/values/value_text.hpp"

#include <algorithm>
#include <vector>

namespace sluice::json {

namespace {

constexpr int deepest = 1000;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
int hex(char c) {
  if (is_digit(c)) return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

const char* skip_blanks(const char* at, const char* end) {
  while (at != end && is_blank(*at)) ++at;
  return at;
}

/// Checks values; each function gives the end of what it has checked, or null.
struct checker {
  const char* end;

  [[nodiscard]] int unit(const char* at) const {
    if (end - at < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = hex(at[i]);
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  [[nodiscard]] const char* escape(const char* at) const {
    if (at == end) return nullptr;
    if (*at != 'u') return std::string_view("\"\\/bfnrt").find(*at) != std::string_view::npos ? at + 1 : nullptr;
    const int first = unit(at + 1);
    if (first < 0 || (first >= 0xdc00 && first < 0xe000)) return nullptr;
    at += 5;
    if (first < 0xd800 || first >= 0xdc00) return at;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return nullptr;
    const int second = unit(at + 2);
    return second >= 0xdc00 && second < 0xe000 ? at + 6 : nullptr;
  }

  [[nodiscard]] const char* text(const char* at) const {
    for (++at; at != end;) {
      const char c = *at++;
      if (c == '"') return at;
      if (static_cast<unsigned char>(c) < 0x20) return nullptr;
      if (c != '\\') continue;
      at = escape(at);
      if (at == nullptr) return nullptr;
    }
    return nullptr;
  }

  [[nodiscard]] const char* digits(const char* at) const {
    if (at == end || !is_digit(*at)) return nullptr;
    while (at != end && is_digit(*at)) ++at;
    return at;
  }

  [[nodiscard]] const char* number(const char* at) const {
    if (*at == '-') ++at;
    if (at != end && *at == '0' && at + 1 != end && is_digit(at[1])) return nullptr;
    at = digits(at);
    if (at != nullptr && at != end && *at == '.') at = digits(at + 1);
    if (at == nullptr || at == end || (*at | 0x20) != 'e') return at;
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    return digits(at);
  }

  [[nodiscard]] const char* word(const char* at, std::string_view wanted) const {
    return std::string_view(at, static_cast<std::size_t>(end - at)).starts_with(wanted) ? at + wanted.size() : nullptr;
  }

  [[nodiscard]] const char* container(const char* at, int depth) const {
    const bool object = *at == '{';
    const char close = object ? '}' : ']';
    at = skip_blanks(at + 1, end);
    if (at != end && *at == close) return at + 1;
    for (;;) {
      if (object) {
        if (at == end || *at != '"') return nullptr;
        at = text(at);
        if (at == nullptr) return nullptr;
        at = skip_blanks(at, end);
        if (at == end || *at != ':') return nullptr;
        at = skip_blanks(at + 1, end);
      }
      at = value(at, depth + 1);
      if (at == nullptr) return nullptr;
      at = skip_blanks(at, end);
      if (at == end) return nullptr;
      if (*at == close) return at + 1;
      if (*at != ',') return nullptr;
      at = skip_blanks(at + 1, end);
    }
  }

  [[nodiscard]] const char* value(const char* at, int depth) const {
    if (at == end || depth > deepest) return nullptr;
    switch (*at) {
      case '{':
      case '[':
        return container(at, depth);
      case '"':
        return text(at);
      case 't':
        return word(at, "true");
      case 'f':
        return word(at, "false");
      case 'n':
        return word(at, "null");
      default:
        return number(at);
    }
  }
};

/// Passes over a text that is good.
const char* skip_text(const char* at) {
  for (++at; *at != '"'; ++at)
    if (*at == '\\') ++at;
  return at + 1;
}

/// Passes over a value that is good.
const char* skip_value(const char* at, const char* end) {
  if (*at == '"') return skip_text(at);
  if (*at != '{' && *at != '[') {
    while (at != end && *at != ',' && *at != '}' && *at != ']' && !is_blank(*at)) ++at;
    return at;
  }
  for (int depth = 0;;) {
    switch (*at) {
      case '"':
        at = skip_text(at);
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
    ++at;
  }
}

std::string_view inside(std::string_view written) { return written.substr(1, written.size() - 2); }

void append_character(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0U | code >> 6U);
  } else if (code < 0x10000) {
    put(0xe0U | code >> 12U);
    put(0x80U | (code >> 6U & 63U));
  } else {
    put(0xf0U | code >> 18U);
    put(0x80U | (code >> 12U & 63U));
    put(0x80U | (code >> 6U & 63U));
  }
  put(0x80U | (code & 63U));
}

unsigned read_unit(const char* at) {
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) value = value * 16 + static_cast<unsigned>(hex(at[i]));
  return value;
}

/// A number by its digits: no zeros in front, none behind. Zero has none.
struct decimal_digits {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;  ///< of the last digit
  friend bool operator==(const decimal_digits&, const decimal_digits&) = default;
};

/// Takes the digits of a number apart; `behind` is how many stand behind the point, less the exponent.
decimal_digits digits_of(std::string_view number, std::int64_t& behind) {
  decimal_digits made;
  std::size_t at = number[0] == '-' ? 1 : 0;
  made.negative = at == 1;
  std::int64_t fraction = 0;
  bool point = false;
  for (; at < number.size() && (is_digit(number[at]) || number[at] == '.'); ++at) {
    if (number[at] == '.') {
      point = true;
      continue;
    }
    made.digits += number[at];
    fraction += point ? 1 : 0;
  }
  std::int64_t exponent = 0;
  if (at < number.size()) {
    const bool down = number[at + 1] == '-';
    for (++at; at < number.size(); ++at)
      if (is_digit(number[at]) && exponent < 1'000'000) exponent = exponent * 10 + (number[at] - '0');
    if (down) exponent = -exponent;
  }
  behind = fraction - exponent;
  made.exponent = -behind;
  return made;
}

decimal_digits canonical(std::string_view number) {
  std::int64_t behind = 0;
  auto made = digits_of(number, behind);
  made.digits.erase(0, made.digits.find_first_not_of('0'));
  while (!made.digits.empty() && made.digits.back() == '0') {
    made.digits.pop_back();
    ++made.exponent;
  }
  if (made.digits.empty()) made = {};
  return made;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool valid(std::string_view text) {
  const auto value = trimmed(text);
  const checker check{value.data() + value.size()};
  return !value.empty() && check.value(value.data(), 0) == check.end;
}

kind kind_of(std::string_view value) {
  switch (value[0]) {
    case '{':
      return kind::object;
    case '[':
      return kind::list;
    case '"':
      return kind::text;
    case 't':
    case 'f':
      return kind::boolean;
    case 'n':
      return kind::null;
    default:
      return kind::number;
  }
}

std::string_view name_of(kind of) {
  constexpr std::string_view names[] = {"object", "array", "string", "number", "boolean", "null"};
  return names[static_cast<int>(of)];
}

members::members(std::string_view container)
    : at_(container.data() + 1), end_(container.data() + container.size() - 1), object_(container[0] == '{') {}

bool members::next() {
  at_ = skip_blanks(at_, end_);
  if (at_ != end_ && *at_ == ',') at_ = skip_blanks(at_ + 1, end_);
  if (at_ == end_) return false;
  const auto take = [&] {
    const auto* const begin = at_;
    at_ = skip_value(at_, end_);
    return std::string_view(begin, static_cast<std::size_t>(at_ - begin));
  };
  if (object_) {
    key_ = take();
    at_ = skip_blanks(at_, end_);
    at_ = skip_blanks(at_ + 1, end_);
  }
  value_ = take();
  return true;
}

bool means(std::string_view written, std::string_view wanted) {
  const auto plain = inside(written);
  if (plain.find('\\') == std::string_view::npos) return plain == wanted;
  std::string meaning;
  append_meaning(meaning, written);
  return meaning == wanted;
}

bool find_member(std::string_view object, std::string_view name, std::string_view& out) {
  bool found = false;
  for (members each(object); each.next();) {
    if (!means(each.key(), name)) continue;
    out = each.value();
    found = true;
  }
  return found;
}

bool find_element(std::string_view list, std::int64_t index, std::string_view& out) {
  if (index < 0) index += count_of(list);
  if (index < 0) return false;
  for (members each(list); each.next();) {
    if (index-- > 0) continue;
    out = each.value();
    return true;
  }
  return false;
}

std::int64_t count_of(std::string_view container) {
  std::int64_t count = 0;
  for (members each(container); each.next();) ++count;
  return count;
}

void append_meaning(std::string& out, std::string_view written) {
  const auto text = inside(written);
  for (std::size_t at = 0; at < text.size();) {
    const auto stop = std::min(text.find('\\', at), text.size());
    out.append(text.substr(at, stop - at));
    if (stop == text.size()) return;
    at = stop + 2;
    switch (text[stop + 1]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        auto code = read_unit(text.data() + at);
        at += 4;
        if (code >= 0xd800 && code < 0xdc00) {
          code = 0x10000U + ((code - 0xd800U) << 10U) + (read_unit(text.data() + at + 2) - 0xdc00U);
          at += 6;
        }
        append_character(out, code);
        break;
      }
      default:
        out += text[stop + 1];
    }
  }
}

void append_plain_number(std::string& out, std::string_view number) {
  std::int64_t behind = 0;
  auto made = digits_of(number, behind);
  // Beyond this many digits the number stays as it is written.
  constexpr std::int64_t most = 100'000;
  if (behind > most || behind < -most) {
    out.append(number);
    return;
  }
  auto& digits = made.digits;
  if (behind < 0) digits.append(static_cast<std::size_t>(-behind), '0');
  behind = std::max<std::int64_t>(behind, 0);
  if (std::ssize(digits) <= behind) digits.insert(0, static_cast<std::size_t>(behind - std::ssize(digits) + 1), '0');
  const auto whole = digits.size() - static_cast<std::size_t>(behind);
  const auto first = std::min(digits.find_first_not_of('0'), whole - 1);
  const bool zero = digits.find_first_not_of('0') == std::string::npos;
  if (made.negative && !zero) out += '-';
  out.append(digits, first, whole - first);
  if (behind > 0) out.append(".").append(digits, whole);
}

void append_normal(std::string& out, std::string_view value) {
  switch (kind_of(value)) {
    case kind::object: {
      std::vector<std::pair<std::string, std::string_view>> all;
      for (members each(value); each.next();) {
        std::string key;
        append_meaning(key, each.key());
        const auto known = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == key; });
        if (known != all.end())
          known->second = each.value();
        else
          all.emplace_back(std::move(key), each.value());
      }
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return a.first.size() != b.first.size() ? a.first.size() < b.first.size() : a.first < b.first;
      });
      out += '{';
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i > 0) out += ", ";
        append_json_text(out, all[i].first);
        out += ": ";
        append_normal(out, all[i].second);
      }
      out += '}';
      return;
    }
    case kind::list: {
      out += '[';
      bool first = true;
      for (members each(value); each.next(); first = false) {
        if (!first) out += ", ";
        append_normal(out, each.value());
      }
      out += ']';
      return;
    }
    case kind::text: {
      std::string meaning;
      append_meaning(meaning, value);
      append_json_text(out, meaning);
      return;
    }
    case kind::number:
      return append_plain_number(out, value);
    default:
      out.append(value);
  }
}

bool contains(std::string_view whole, std::string_view part) {
  const auto kind_of_whole = kind_of(whole);
  const auto kind_of_part = kind_of(part);
  if (kind_of_whole == kind::list && kind_of_part != kind::object) {
    // A list contains a single value, too.
    const auto has = [&](std::string_view wanted) {
      for (members each(whole); each.next();) {
        const auto other = kind_of(each.value());
        if (other == kind_of(wanted) && contains(each.value(), wanted)) return true;
      }
      return false;
    };
    if (kind_of_part != kind::list) return has(part);
    for (members each(part); each.next();)
      if (!has(each.value())) return false;
    return true;
  }
  if (kind_of_whole != kind_of_part) return false;
  switch (kind_of_part) {
    case kind::object:
      for (members each(part); each.next();) {
        std::string key;
        append_meaning(key, each.key());
        std::string_view found;
        if (!find_member(whole, key, found)) return false;
        // Only at the top a list contains a single value.
        if (kind_of(found) != kind_of(each.value()) || !contains(found, each.value())) return false;
      }
      return true;
    case kind::text: {
      std::string meaning;
      append_meaning(meaning, part);
      return means(whole, meaning);
    }
    case kind::number:
      return canonical(whole) == canonical(part);
    default:
      return whole == part;
  }
}

}  // namespace sluice::json
