#include "engine/expression/parse/lexer.hpp"

#include <arrow/util/utf8.h>

#include <array>
#include <optional>

namespace sluice::expression {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_name(char c) { return is_name_start(c) || is_digit(c); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Longest first: "<=" must not be read as "<".
constexpr std::array<std::string_view, 47> symbols = {"#>>", "->>", "->",  "#>", "#-", "@>", "<@", "&&", "?|", "?&",
                                                      "@?",  "^@",  "!~*", "::", "||", "<=", ">=", "<>", "!=", "!~",
                                                      "~*",  "=>",  "<<",  ">>", "+",  "-",  "*",  "/",  "%",  "^",
                                                      "(",   ")",   "[",   "]",  ",",  ".",  "<",  ">",  "=",  "~",
                                                      ":",   "@",   "?",   "{",  "&",  "|",  "#"};

struct mistaken {
  std::string_view symbol;
  const char* hint;
};

// What users of other languages write.
constexpr mistaken mistakes[] = {
    {"==", "SQL compares with a single ="},      {"!", "write not, or <> for not equal"},
    {"`", "quote names with \"double quotes\""}, {"//", "/ between integers is already integer division: write /"},
    {";", "an expression needs no semicolon"},   {"\\", "a backslash can only be used inside E'...'"},
};

/// A token and what is made of it take some 1,500 bytes until the expression is bound.
constexpr std::size_t most_tokens = 65'536;
/// Of one expression; more tell nothing new.
constexpr std::size_t most_faults = 100;

class lexer {
 public:
  lexer(std::string_view text, const std::string& path, diagnostics& faults)
      : text_(text), path_(path), faults_(faults), before_(faults.size()) {}

  std::vector<token> run() {
    while (skip_blank(), at_ < text_.size()) {
      next();
      if (tokens_.size() <= most_tokens && faults_.size() < before_ + most_faults) continue;
      if (tokens_.size() > most_tokens)
        fault(at_, "expression_too_long", "the expression has more than 65,536 tokens",
              "put long lists of values into a file and join it, or split the expression with derive");
      at_ = text_.size();
    }
    tokens_.push_back({.kind = token_kind::end, .text = {}, .begin = text_.size(), .end = text_.size()});
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void fault(std::size_t at, std::string code, std::string message, std::string hint = {}) {
    faults_.push_back(fault_at(path_, at, std::move(code), std::move(message), std::move(hint)));
  }

  void skip_blank() {
    for (;;) {
      const char c = peek();
      if (at_ < text_.size() && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')) {
        ++at_;
      } else if (c == '-' && peek(1) == '-') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '/' && peek(1) == '*') {
        const auto end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos)
          fault(at_, "invalid_expression", "the comment is not closed: */ is missing", "write */");
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
      } else {
        return;
      }
    }
  }

  void push(token_kind kind, std::string value, std::size_t begin, std::string written = {}) {
    tokens_.push_back(
        {.kind = kind, .text = std::move(value), .begin = begin, .end = at_, .written = std::move(written)});
  }

  void next() {
    const char c = peek();
    if ((c == 'e' || c == 'E') && peek(1) == '\'') return quoted_text(1, true);
    if (is_name_start(c)) return word();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '\'') return quoted_text(0, false);
    if (c == '"') return quoted_name();
    if (c == '$') return parameter();
    symbol();
  }

  void word() {
    const auto begin = at_;
    std::string name;
    while (at_ < text_.size() && is_name(text_[at_])) name += lower(text_[at_++]);
    push(token_kind::word, std::move(name), begin, std::string(text_.substr(begin, at_ - begin)));
  }

  void number() {
    const auto begin = at_;
    while (is_digit(peek())) ++at_;
    if (peek() == '.') {
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (lower(peek()) == 'e' && (is_digit(peek(1)) || ((peek(1) == '+' || peek(1) == '-') && is_digit(peek(2))))) {
      at_ += 2;
      while (is_digit(peek())) ++at_;
    }
    if (is_name_start(peek())) {
      while (is_name(peek())) ++at_;
      const auto written = std::string(text_.substr(begin, at_ - begin));
      fault(begin, "invalid_expression", "'" + written + "' is neither a number nor a name",
            "put a name that begins with a digit in \"double quotes\"");
    }
    push(token_kind::number, std::string(text_.substr(begin, at_ - begin)), begin);
  }

  void quoted_text(std::size_t prefix, bool escapes) {
    const auto begin = at_;
    at_ += prefix + 1;
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\'' && peek() == '\'') {
        value += c;
        ++at_;
      } else if (c == '\'') {
        if (escapes) check_bytes(value, begin);
        return push(token_kind::string, std::move(value), begin);
      } else if (c == '\\' && escapes) {
        escaped(value);
      } else {
        value += c;
      }
    }
    fault(begin, "invalid_expression", "the text that begins here has no closing quote '",
          "write a ' inside a text twice: 'it''s'");
    push(token_kind::string, std::move(value), begin);
  }

  void escaped(std::string& value) {
    const auto at = at_ - 1;
    const char c = peek();
    if (at_ < text_.size()) ++at_;
    switch (c) {
      case 'n':
        value += '\n';
        return;
      case 't':
        value += '\t';
        return;
      case 'r':
        value += '\r';
        return;
      case 'b':
        value += '\b';
        return;
      case 'f':
        value += '\f';
        return;
      case 'x':
        return byte(value, 16, 2);
      case 'u':
        return character(value, at, 4);
      case 'U':
        return character(value, at, 8);
      default:
        if (c < '0' || c > '7') {
          value += c;
          return;
        }
        --at_;
        return byte(value, 8, 3);
    }
  }

  // The value of the digit that follows; -1 where there is none.
  int digit(int base) const {
    const char c = lower(peek());
    const int value = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : base;
    return value < base ? value : -1;
  }

  // \101 and \x41 are bytes; without a digit, \x is the letter.
  void byte(std::string& value, int base, int most) {
    int code = 0;
    int taken = 0;
    for (int next = digit(base); taken < most && next >= 0; ++taken, next = digit(base)) {
      code = code * base + next;
      ++at_;
    }
    value += taken == 0 ? 'x' : static_cast<char>(code & 0xff);
  }

  // Bytes that were written one by one must make characters.
  void check_bytes(const std::string& value, std::size_t begin) {
    if (value.find('\0') == std::string::npos &&
        arrow::util::ValidateUTF8(reinterpret_cast<const std::uint8_t*>(value.data()),
                                  static_cast<std::int64_t>(value.size())))
      return;
    fault(begin, "invalid_expression", "this text is not valid UTF-8", "write characters as \\u00e4");
  }

  // \u and \U: a code point. Two of them may be a pair of surrogates.
  void character(std::string& value, std::size_t at, int digits) {
    auto code = code_point(digits);
    if (code && *code >= 0xd800 && *code < 0xdc00 && peek() == '\\' && lower(peek(1)) == 'u') {
      const int more = peek(1) == 'u' ? 4 : 8;
      at_ += 2;
      const auto low = code_point(more);
      code = low && *low >= 0xdc00 && *low < 0xe000
                 ? std::optional(0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00))
                 : std::nullopt;
    }
    if (!code || *code == 0 || *code >= 0x110000 || (*code >= 0xd800 && *code < 0xe000))
      return fault(at, "invalid_expression", "this escape is not a character", "write \\u followed by four hex digits");
    append_utf8(value, *code);
  }

  std::optional<std::uint32_t> code_point(int digits) {
    std::uint32_t code = 0;
    for (int taken = 0; taken < digits; ++taken, ++at_) {
      const int next = digit(16);
      if (next < 0) return {};
      code = code * 16 + static_cast<std::uint32_t>(next);
    }
    return code;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
      return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr std::uint32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out += static_cast<char>(lead[more] | (code >> (6 * more)));
    for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3f));
  }

  void quoted_name() {
    const auto begin = at_++;
    std::string name;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && peek() == '"') {
        name += c;
        ++at_;
      } else if (c == '"') {
        if (name.empty()) fault(begin, "invalid_expression", "a quoted name can't be empty", "empty text is ''");
        return push(token_kind::identifier, std::move(name), begin);
      } else {
        name += c;
      }
    }
    fault(begin, "invalid_expression", "the name that begins here has no closing quote \"");
    push(token_kind::identifier, std::move(name), begin);
  }

  void parameter() {
    const auto begin = at_++;
    if (peek() == '{') {
      fault(begin, "invalid_expression", "write a parameter as $name in an expression",
            "its typed value is used, not its text");
      const auto end = text_.find('}', at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
      return;
    }
    const auto name_begin = at_;
    while (is_name(peek())) ++at_;
    if (at_ == name_begin)
      return fault(begin, "invalid_expression", "expected the name of a parameter after $", "write $day");
    push(token_kind::parameter, std::string(text_.substr(name_begin, at_ - name_begin)), begin);
  }

  void symbol() {
    const auto rest = text_.substr(at_);
    for (const auto& mistake : mistakes) {
      if (!rest.starts_with(mistake.symbol) || rest.starts_with("!=") || rest.starts_with("!~")) continue;
      fault(at_, "invalid_expression", std::string(mistake.symbol) + " is not an operator here", mistake.hint);
      at_ += mistake.symbol.size();
      // Reading on as if it were the right one finds the further faults.
      if (mistake.symbol == "==") push(token_kind::symbol, "=", at_ - 2);
      if (mistake.symbol == "//") push(token_kind::symbol, "/", at_ - 2);
      return;
    }
    for (const auto known : symbols) {
      if (!rest.starts_with(known)) continue;
      const auto begin = at_;
      at_ += known.size();
      return push(token_kind::symbol, std::string(known), begin);
    }
    const auto code = static_cast<unsigned char>(peek());
    fault(at_, "invalid_expression",
          code < 0x20 || code == 0x7f ? "unexpected control character"
                                      : "unexpected character " + std::string(1, peek()));
    ++at_;
  }

  std::string_view text_;
  const std::string& path_;
  diagnostics& faults_;
  std::size_t before_;  ///< faults that were there
  std::size_t at_ = 0;
  std::vector<token> tokens_;
};

}  // namespace

std::vector<token> lex(std::string_view text, const std::string& path, diagnostics& faults) {
  return lexer(text, path, faults).run();
}

error fault_at(const std::string& path, std::size_t offset, std::string code, std::string message, std::string hint) {
  auto problem = user_error(std::move(code), std::move(message), std::move(hint));
  problem.path = path;
  problem.offset = offset;
  return problem;
}

}  // namespace sluice::expression
