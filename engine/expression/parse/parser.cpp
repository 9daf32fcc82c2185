#include "engine/expression/parse/parser.hpp"

#include "engine/expression/dialects.hpp"
#include "engine/expression/parse/parsing.hpp"

namespace sluice::expression {

namespace {

// Words that can't be a column's name without quotes.
constexpr std::array<std::string_view, 23> reserved = {
    "and", "or", "not",  "is",     "in",   "between", "like",  "ilike", "case",   "when",    "then",    "else",
    "end", "as", "from", "isnull", "null", "true",    "false", "where", "select", "notnull", "distinct"};

}  // namespace

bool is_reserved(std::string_view word) { return std::find(reserved.begin(), reserved.end(), word) != reserved.end(); }

syntax_ptr parser::run() {
  if (now().kind == token_kind::end && faults_.size() == known_faults_)
    fault(0, "the expression is empty", "write a column, for example amount, or a condition, for example amount > 0");
  auto tree = faults_.size() == known_faults_ || now().kind != token_kind::end ? disjunction() : nullptr;
  if (tree && now().kind != token_kind::end) unexpected("the expression should end before");
  return faults_.size() == known_faults_ ? std::move(tree) : nullptr;
}

syntax_ptr parser::fault(std::size_t at, std::string message, std::string hint, std::string code) {
  if (!failed_) faults_.push_back(fault_at(path_, at, std::move(code), std::move(message), std::move(hint)));
  failed_ = true;
  return nullptr;
}

std::string parser::found() const {
  if (now().kind == token_kind::end) return "the end";
  return std::string(text_.substr(now().begin, now().end - now().begin));
}

syntax_ptr parser::unexpected(const std::string& expectation) {
  auto hint = now().kind == token_kind::word ? other_operator_hint(now().text) : std::string();
  const bool name = now().kind == token_kind::word || now().kind == token_kind::identifier;
  if (!hint.empty()) return fault(now().begin, expectation + " " + found(), hint);
  if (name && at_ > 0 && tokens_[at_ - 1].kind == token_kind::word && !is_reserved(tokens_[at_ - 1].text))
    hint =
        "put a name that contains a space in double quotes: \"" + tokens_[at_ - 1].written + " " + now().written + "\"";
  else if (now().kind == token_kind::word && is_reserved(now().text))
    hint = now().text + " is an SQL keyword; put a column of this name in double quotes: \"" + now().written + "\"";
  else if (now().kind == token_kind::string && at_ > 0 && tokens_[at_ - 1].kind == token_kind::string)
    hint = "write a ' inside a text twice: 'it''s'";
  return fault(now().begin, expectation + " " + found(), hint);
}

bool parser::expect(std::string_view symbol, const char* of_what) {
  if (take_symbol(symbol)) return true;
  fault(now().begin, "expected " + std::string(symbol) + " " + of_what + ", found " + found());
  return false;
}

bool parser::expect_word(std::string_view word, const char* of_what) {
  if (take_word(word)) return true;
  fault(now().begin, "expected " + std::string(word) + " " + of_what + ", found " + found());
  return false;
}

void parser::add(syntax& to, syntax_ptr arg) {
  if (arg) to.depth = std::max(to.depth, arg->depth + 1);
  to.args.push_back(std::move(arg));
}

syntax_ptr parser::finished(syntax_ptr made) {
  if (failed_) return nullptr;
  if (at_ > 0) made->end = tokens_[at_ - 1].end;
  if (made->depth > deepest_expression) return too_deep(made->begin);
  return made;
}

syntax_ptr parser::too_deep(std::size_t at) {
  return fault(at, "the expression is nested more than " + std::to_string(deepest_expression) + " levels deep",
               "split it into several derived columns, or write x in (...)", "expression_too_deep");
}

syntax_ptr parse(std::string_view text, const std::string& path, diagnostics& faults) {
  return parser(text, path, faults).run();
}

}  // namespace sluice::expression
