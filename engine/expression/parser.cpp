#include "engine/expression/parser.hpp"

#include "engine/expression/lexer.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace sluice::expression {

namespace {

// Words that can't be a column's name without quotes.
constexpr std::array<std::string_view, 23> reserved = {
    "and", "or", "not",  "is",     "in",   "between", "like",  "ilike", "case",   "when",    "then",    "else",
    "end", "as", "from", "isnull", "null", "true",    "false", "where", "select", "notnull", "distinct"};

bool is_reserved(std::string_view word) { return std::find(reserved.begin(), reserved.end(), word) != reserved.end(); }

// Recursive descent, one function a level of PostgreSQL's precedence. A syntax fault ends the parse: what follows it
// would only be guesses.
class parser {
 public:
  parser(std::string_view text, const std::string& path, diagnostics& faults)
      : text_(text), path_(path), faults_(faults), known_faults_(faults.size()), tokens_(lex(text, path, faults)) {}

  syntax_ptr run() {
    if (now().kind == token_kind::end && faults_.size() == known_faults_)
      fault(0, "the expression is empty", "write a column, as in amount, or a condition, as in amount > 0");
    auto tree = faults_.size() == known_faults_ || now().kind != token_kind::end ? disjunction() : nullptr;
    if (tree && now().kind != token_kind::end) unexpected("the expression should end before");
    return faults_.size() == known_faults_ ? std::move(tree) : nullptr;
  }

 private:
  // --- tokens -------------------------------------------------------------------------------------------------------
  const token& now() const { return tokens_[at_]; }
  const token& ahead(std::size_t by = 1) const { return tokens_[std::min(at_ + by, tokens_.size() - 1)]; }
  bool is_word(std::string_view word) const { return now().kind == token_kind::word && now().text == word; }
  bool is_symbol(std::string_view symbol) const { return now().kind == token_kind::symbol && now().text == symbol; }
  void advance() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool take_word(std::string_view word) {
    if (!is_word(word)) return false;
    advance();
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (!is_symbol(symbol)) return false;
    advance();
    return true;
  }

  // --- faults -------------------------------------------------------------------------------------------------------
  syntax_ptr fault(std::size_t at, std::string message, std::string hint = {},
                   std::string code = "invalid_expression") {
    if (!failed_) faults_.push_back(fault_at(path_, at, std::move(code), std::move(message), std::move(hint)));
    failed_ = true;
    return nullptr;
  }

  std::string found() const {
    if (now().kind == token_kind::end) return "the end";
    return std::string(text_.substr(now().begin, now().end - now().begin));
  }

  syntax_ptr unexpected(const std::string& expectation) {
    std::string hint;
    const bool name = now().kind == token_kind::word || now().kind == token_kind::identifier;
    if (name && at_ > 0 && tokens_[at_ - 1].kind == token_kind::word && !is_reserved(tokens_[at_ - 1].text))
      hint = "a name with a space in it stands in double quotes: \"" + tokens_[at_ - 1].written + " " + now().written +
             "\"";
    else if (now().kind == token_kind::word && is_reserved(now().text))
      hint = now().text + " is a word of SQL; a column of that name stands in double quotes: \"" + now().written + "\"";
    else if (now().kind == token_kind::string && at_ > 0 && tokens_[at_ - 1].kind == token_kind::string)
      hint = "a ' inside a text is written twice: 'it''s'";
    return fault(now().begin, expectation + " " + found(), hint);
  }

  bool expect(std::string_view symbol, const char* of_what) {
    if (take_symbol(symbol)) return true;
    fault(now().begin, "expected " + std::string(symbol) + " " + of_what + ", found " + found());
    return false;
  }
  bool expect_word(std::string_view word, const char* of_what) {
    if (take_word(word)) return true;
    fault(now().begin, "expected " + std::string(word) + " " + of_what + ", found " + found());
    return false;
  }

  // --- nodes --------------------------------------------------------------------------------------------------------
  template <class... Args>
  syntax_ptr make(syntax_kind kind, std::size_t begin, std::string text, Args... args) {
    auto made = std::make_unique<syntax>();
    made->kind = kind;
    made->begin = begin;
    made->text = std::move(text);
    (add(*made, std::move(args)), ...);
    return finished(std::move(made));
  }
  static void add(syntax& to, syntax_ptr arg) {
    if (arg) to.depth = std::max(to.depth, arg->depth + 1);
    to.args.push_back(std::move(arg));
  }
  syntax_ptr finished(syntax_ptr made) {
    if (failed_) return nullptr;
    if (made->depth > deepest_expression) return too_deep(made->begin);
    return made;
  }
  syntax_ptr too_deep(std::size_t at) {
    return fault(at, "the expression is nested more than " + std::to_string(deepest_expression) + " levels deep",
                 "split it over several derived columns, or write x in (...)", "expression_too_deep");
  }

  // --- levels of precedence, loosest first --------------------------------------------------------------------------
  syntax_ptr disjunction() {
    if (++nesting_ > 150) return too_deep(now().begin);
    auto left = conjunction();
    while (left && is_word("or")) {
      const auto begin = now().begin;
      advance();
      left = make(syntax_kind::binary, begin, "or", std::move(left), conjunction());
    }
    --nesting_;
    return left;
  }

  syntax_ptr conjunction() {
    auto left = negation();
    while (left && is_word("and")) {
      const auto begin = now().begin;
      advance();
      left = make(syntax_kind::binary, begin, "and", std::move(left), negation());
    }
    return left;
  }

  syntax_ptr negation() {
    std::vector<std::size_t> offsets;
    while (is_word("not")) {
      offsets.push_back(now().begin);
      advance();
    }
    auto value = test();
    for (auto offset = offsets.rbegin(); value && offset != offsets.rend(); ++offset)
      value = make(syntax_kind::unary, *offset, "not", std::move(value));
    return value;
  }

  syntax_ptr test() {
    auto value = comparison();
    while (value && (is_word("is") || is_word("isnull") || is_word("notnull"))) {
      const auto begin = now().begin;
      const bool is = is_word("is");
      bool negated = is_word("notnull");
      advance();
      if (is) negated = take_word("not");
      if (!is || take_word("null")) {
        value = make(syntax_kind::is_null, begin, "", std::move(value));
      } else if (is_word("true") || is_word("false")) {
        const auto wanted = now().text;
        advance();
        value = make(syntax_kind::is_boolean, begin, wanted, std::move(value));
      } else if (take_word("unknown")) {
        value = make(syntax_kind::is_null, begin, "", std::move(value));
      } else if (take_word("distinct")) {
        if (!expect_word("from", "of is distinct from")) return nullptr;
        value = make(syntax_kind::is_distinct, begin, "", std::move(value), comparison());
      } else {
        return unexpected("expected null, true, false or distinct from behind is, found");
      }
      if (value) value->negated = negated;
    }
    return value;
  }

  bool at_comparison() const {
    static constexpr std::array<std::string_view, 7> operators = {"=", "<>", "!=", "<", "<=", ">", ">="};
    return now().kind == token_kind::symbol &&
           std::find(operators.begin(), operators.end(), now().text) != operators.end();
  }

  syntax_ptr comparison() {
    auto left = range();
    if (!left || !at_comparison()) return left;
    const auto begin = now().begin;
    const auto name = now().text == "!=" ? "<>" : now().text;
    advance();
    left = make(syntax_kind::binary, begin, name, std::move(left), range());
    if (left && at_comparison()) return fault(now().begin, "comparisons can't be chained", "write a < b and b < c");
    return left;
  }

  syntax_ptr range() {
    auto value = other_operator();
    while (value) {
      const auto& keyword = is_word("not") ? ahead() : now();
      if (keyword.kind != token_kind::word) return value;
      const auto begin = now().begin;
      const auto name = keyword.text;
      if (name != "between" && name != "in" && name != "like" && name != "ilike") return value;
      const bool negated = take_word("not");
      advance();
      if (name == "between")
        value = between(std::move(value), begin);
      else if (name == "in")
        value = in(std::move(value), begin);
      else
        value = like(std::move(value), name, begin);
      if (value) value->negated = negated;
    }
    return value;
  }

  syntax_ptr between(syntax_ptr value, std::size_t begin) {
    auto low = other_operator();
    if (!low || !expect_word("and", "of between")) return nullptr;
    return make(syntax_kind::between, begin, "", std::move(value), std::move(low), other_operator());
  }

  syntax_ptr in(syntax_ptr value, std::size_t begin) {
    if (!expect("(", "behind in")) return nullptr;
    if (is_word("select")) return subquery();
    auto made = make(syntax_kind::in, begin, "", std::move(value));
    if (!made || !arguments(*made, "of in")) return nullptr;
    if (made->args.size() == 1) return fault(begin, "the list of in is empty", "write at least one value: x in (1, 2)");
    return finished(std::move(made));
  }

  syntax_ptr like(syntax_ptr value, const std::string& name, std::size_t begin) {
    auto pattern = other_operator();
    if (!pattern) return nullptr;
    if (!take_word("escape")) return make(syntax_kind::like, begin, name, std::move(value), std::move(pattern));
    return make(syntax_kind::like, begin, name, std::move(value), std::move(pattern), other_operator());
  }

  syntax_ptr operators(std::initializer_list<std::string_view> names, syntax_ptr (parser::*operand)()) {
    auto left = (this->*operand)();
    while (left && now().kind == token_kind::symbol &&
           std::find(names.begin(), names.end(), now().text) != names.end()) {
      const auto begin = now().begin;
      const auto name = now().text;
      advance();
      left = make(syntax_kind::binary, begin, name, std::move(left), (this->*operand)());
    }
    return left;
  }

  syntax_ptr other_operator() { return operators({"||", "~", "~*", "!~", "!~*"}, &parser::sum); }
  syntax_ptr sum() { return operators({"+", "-"}, &parser::product); }
  syntax_ptr product() { return operators({"*", "/", "%"}, &parser::power); }
  syntax_ptr power() { return operators({"^"}, &parser::sign); }

  syntax_ptr sign() {
    std::vector<token> signs;
    while (is_symbol("-") || is_symbol("+")) {
      signs.push_back(now());
      advance();
    }
    auto value = postfix();
    for (auto sign = signs.rbegin(); value && sign != signs.rend(); ++sign)
      value = make(syntax_kind::unary, sign->begin, sign->text, std::move(value));
    return value;
  }

  syntax_ptr postfix() {
    auto value = primary();
    while (value) {
      const auto begin = now().begin;
      if (take_symbol("::")) {
        value = cast_to(std::move(value), begin);
      } else if (take_symbol("[")) {
        auto index = disjunction();
        if (!index || !expect("]", "behind the index")) return nullptr;
        value = make(syntax_kind::element, begin, "", std::move(value), std::move(index));
      } else if (is_symbol(".") && (ahead().kind == token_kind::word || ahead().kind == token_kind::identifier)) {
        advance();
        const auto name = now().kind == token_kind::word ? now().written : now().text;
        advance();
        value = make(syntax_kind::field, begin, name, std::move(value));
      } else {
        return value;
      }
    }
    return value;
  }

  // --- types --------------------------------------------------------------------------------------------------------
  // Takes the tokens of a type and gives their text: parse_type reads it.
  std::string type_text(std::size_t& begin) {
    begin = now().begin;
    auto end = begin;
    if (now().kind != token_kind::word) {
      fault(begin, "expected a type, found " + found(), "write x::bigint or cast(x as bigint)");
      return {};
    }
    const auto first = now().text;
    const auto take = [&] {
      end = now().end;
      advance();
    };
    take();
    if ((first == "double" && is_word("precision")) || (first == "character" && is_word("varying"))) take();
    if ((first == "timestamp" || first == "time") && (is_word("with") || is_word("without")) && ahead().text == "time")
      for (int words = 0; words < 3; ++words) take();
    if (is_symbol("(")) {
      int open = 0;
      do {
        open += is_symbol("(") ? 1 : is_symbol(")") ? -1 : 0;
        if (now().kind == token_kind::end) break;
        take();
      } while (open > 0);
    }
    while (is_symbol("[") && ahead().text == "]") {
      take();
      take();
    }
    return std::string(text_.substr(begin, end - begin));
  }

  syntax_ptr cast_to(syntax_ptr value, std::size_t begin) {
    std::size_t type_begin = 0;
    auto type = type_text(type_begin);
    auto made = make(syntax_kind::cast, begin, std::move(type), std::move(value));
    if (made) made->name_offset = type_begin;
    return made;
  }

  // --- primaries ----------------------------------------------------------------------------------------------------
  syntax_ptr primary() {
    const auto current = now();
    switch (current.kind) {
      case token_kind::number:
        advance();
        return make(syntax_kind::number, current.begin, current.text);
      case token_kind::string:
        advance();
        return make(syntax_kind::string, current.begin, current.text);
      case token_kind::parameter:
        advance();
        return make(syntax_kind::parameter, current.begin, current.text);
      case token_kind::identifier:
        return name_or_call();
      case token_kind::word:
        return word();
      case token_kind::symbol:
        if (take_symbol("(")) return parenthesised();
        [[fallthrough]];
      case token_kind::end:
        break;
    }
    return unexpected("expected a value, found");
  }

  syntax_ptr parenthesised() {
    if (is_word("select")) return subquery();
    auto value = disjunction();
    if (!value) return nullptr;
    if (is_symbol(",")) return fault(now().begin, "a list of values stands only behind in", "write x in (1, 2)");
    return expect(")", "of the parenthesis") ? std::move(value) : nullptr;
  }

  syntax_ptr subquery() {
    return fault(now().begin, "subqueries are not supported yet", "join the other unit with the transform join",
                 "not_supported_yet");
  }

  syntax_ptr word() {
    const auto current = now();
    if (current.text == "null") return advance(), make(syntax_kind::null, current.begin, "null");
    if (current.text == "true" || current.text == "false")
      return advance(), make(syntax_kind::boolean, current.begin, current.text);
    if (current.text == "case") return branches();
    if (is_reserved(current.text)) return unexpected("expected a value, found");
    if (current.text == "array" && ahead().text == "[") return list();
    if (current.text == "current_date" || current.text == "current_timestamp")
      if (ahead().text != "(") return advance(), make(syntax_kind::call, current.begin, current.text);
    if (auto typed = typed_literal(); typed || failed_) return typed;
    return name_or_call();
  }

  // date '2024-05-01', timestamp with time zone '...', interval '1 day'
  syntax_ptr typed_literal() {
    static constexpr std::array<std::string_view, 5> types = {"date", "time", "timestamp", "timestamptz", "interval"};
    const auto current = now();
    if (std::find(types.begin(), types.end(), current.text) == types.end()) return nullptr;
    const bool zoned = (current.text == "timestamp" || current.text == "time") &&
                       (ahead().text == "with" || ahead().text == "without") && ahead(2).text == "time" &&
                       ahead(3).text == "zone";
    if (ahead(zoned ? 4 : 1).kind == token_kind::number && current.text == "interval")
      return fault(ahead().begin, "expected a text behind interval, found a number", "write interval '1 day'");
    if (ahead(zoned ? 4 : 1).kind != token_kind::string) return nullptr;
    std::size_t begin = 0;
    auto type = type_text(begin);
    auto value = make(syntax_kind::string, now().begin, now().text);
    advance();
    auto made = make(syntax_kind::cast, begin, std::move(type), std::move(value));
    if (made) made->name_offset = begin;
    return made;
  }

  syntax_ptr name_or_call() {
    const auto first = now();
    advance();
    if (is_symbol("(") && first.kind == token_kind::word) return call(first);
    auto made = make(syntax_kind::column, first.begin, "");
    if (!made) return nullptr;
    const auto add_part = [&](const token& part) {
      made->names.push_back(part.kind == token_kind::word ? part.written : part.text);
      made->quoted = part.kind == token_kind::identifier;
    };
    add_part(first);
    while (is_symbol(".") && (ahead().kind == token_kind::word || ahead().kind == token_kind::identifier)) {
      advance();
      add_part(now());
      advance();
    }
    if (is_symbol(".")) return fault(now().begin, "expected a name behind the point, found " + (advance(), found()));
    return made;
  }

  syntax_ptr list() {
    auto made = make(syntax_kind::list, now().begin, "");
    advance();
    advance();
    while (made && !is_symbol("]")) {
      auto item = disjunction();
      if (!item) return nullptr;
      add(*made, std::move(item));
      if (!take_symbol(",")) break;
    }
    return expect("]", "of the array") ? finished(std::move(made)) : nullptr;
  }

  syntax_ptr branches() {
    auto made = make(syntax_kind::branches, now().begin, "");
    advance();
    const auto value = [&] {
      auto part = disjunction();
      const bool good = part != nullptr;
      add(*made, std::move(part));
      return good;
    };
    if (!made) return nullptr;
    made->has_operand = !is_word("when");
    if (made->has_operand && !value()) return nullptr;
    if (!is_word("when")) return unexpected("expected when, found");
    while (take_word("when"))
      if (!value() || !expect_word("then", "of case") || !value()) return nullptr;
    made->has_else = take_word("else");
    if (made->has_else && !value()) return nullptr;
    return expect_word("end", "of case") ? finished(std::move(made)) : nullptr;
  }

  // --- calls --------------------------------------------------------------------------------------------------------
  bool arguments(syntax& of, const char* what) {
    if (take_symbol(")")) return true;
    do {
      auto argument = disjunction();
      if (!argument) return false;
      add(of, std::move(argument));
    } while (take_symbol(","));
    return expect(")", what);
  }

  syntax_ptr call(const token& name) {
    advance();
    if (name.text == "cast") return cast_call(name);
    auto made = make(syntax_kind::call, name.begin, name.text);
    if (!made) return nullptr;
    bool good = false;
    if (name.text == "extract")
      good = extract(*made);
    else if (name.text == "trim")
      good = trim(*made);
    else
      good = plain_call(*made);
    return good && call_suffix(*made) ? finished(std::move(made)) : nullptr;
  }

  syntax_ptr cast_call(const token& name) {
    auto value = disjunction();
    if (!value || !expect_word("as", "of cast(x as type)")) return nullptr;
    auto made = cast_to(std::move(value), name.begin);
    return made && expect(")", "behind the type of cast") ? std::move(made) : nullptr;
  }

  bool plain_call(syntax& made) {
    if (is_symbol("*") && ahead().text == ")") {
      made.star = true;
      advance();
      advance();
      return true;
    }
    if (take_symbol(")")) return true;
    made.distinct = take_word("distinct");
    // position(a in b) and substring(x from a for b) have words between their arguments.
    const auto take_argument = [&] {
      auto argument = made.text == "position" ? other_operator() : disjunction();
      const bool good = argument != nullptr;
      add(made, std::move(argument));
      return good;
    };
    if (!take_argument()) return false;
    if (made.text == "position" && take_word("in")) {
      if (!take_argument()) return false;
      return expect(")", "of position");
    }
    if (made.text == "substring" && take_word("from")) {
      if (!take_argument() || (take_word("for") && !take_argument())) return false;
      return expect(")", "of substring");
    }
    while (take_symbol(","))
      if (!take_argument()) return false;
    return expect(")", "behind the arguments");
  }

  bool extract(syntax& made) {
    if (now().kind != token_kind::word && now().kind != token_kind::string) {
      fault(now().begin, "expected a field such as year, found " + found(), "write extract(year from ordered_at)");
      return false;
    }
    add(made, make(syntax_kind::string, now().begin, now().text));
    advance();
    if (!take_symbol(",") && !expect_word("from", "of extract(year from x)")) return false;
    add(made, disjunction());
    return !failed_ && expect(")", "of extract");
  }

  bool trim(syntax& made) {
    if (take_word("leading"))
      made.text = "ltrim";
    else if (take_word("trailing"))
      made.text = "rtrim";
    else
      take_word("both");
    if (take_word("from")) return arguments(made, "of trim");
    auto first = disjunction();
    if (!first) return false;
    if (take_word("from")) {
      add(made, disjunction());
      add(made, std::move(first));
      return !failed_ && expect(")", "of trim");
    }
    add(made, std::move(first));
    if (take_symbol(",")) add(made, disjunction());
    return !failed_ && expect(")", "of trim");
  }

  bool call_suffix(syntax& made) {
    if (is_word("over") && ahead().text == "(") {
      fault(now().begin, "window functions are not supported yet", {}, "not_supported_yet");
      return false;
    }
    if (!is_word("filter") || ahead().text != "(") return true;
    advance();
    advance();
    if (!expect_word("where", "of filter (where ...)")) return false;
    made.filter = disjunction();
    if (!made.filter) return false;
    made.depth = std::max(made.depth, made.filter->depth + 1);
    return expect(")", "of filter (where ...)");
  }

  std::string_view text_;
  const std::string& path_;
  diagnostics& faults_;
  std::size_t known_faults_;
  std::vector<token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  bool failed_ = false;
};

}  // namespace

syntax_ptr parse(std::string_view text, const std::string& path, diagnostics& faults) {
  return parser(text, path, faults).run();
}

}  // namespace sluice::expression
