#pragma once

#include "engine/expression/parse/lexer.hpp"
#include "engine/expression/parse/parser.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace sluice::expression {

/// True for words that can't be a column's name without quotes.
bool is_reserved(std::string_view word);

/// Recursive descent, one function a level of PostgreSQL's precedence. A syntax fault ends the parse: what follows it
/// would only be guesses.
class parser {
 public:
  virtual ~parser() = default;
  parser(std::string_view text, const std::string& path, diagnostics& faults)
      : text_(text), path_(path), faults_(faults), known_faults_(faults.size()), tokens_(lex(text, path, faults)) {}

  /// Parses the whole text; null if there are faults.
  syntax_ptr run();

 protected:
  // A statement has subqueries (engine/sql); an expression of its own refuses them.
  virtual syntax_ptr subquery(std::string_view kind, syntax_ptr value, std::size_t begin);
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
  syntax_ptr fault(std::size_t at, std::string message, std::string hint = {}, std::string code = "invalid_expression");
  std::string found() const;
  syntax_ptr unexpected(const std::string& expectation);
  bool expect(std::string_view symbol, const char* of_what);
  bool expect_word(std::string_view word, const char* of_what);

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
  static void add(syntax& to, syntax_ptr arg);
  syntax_ptr finished(syntax_ptr made);
  syntax_ptr too_deep(std::size_t at);

  // --- levels of precedence, loosest first --------------------------------------------------------------------------
  syntax_ptr disjunction();
  syntax_ptr conjunction();
  syntax_ptr negation();
  syntax_ptr test();
  bool at_comparison() const;
  syntax_ptr comparison();
  syntax_ptr compared(syntax_ptr left);
  syntax_ptr quantified(syntax_ptr value, const std::string& operator_name, std::size_t begin);
  syntax_ptr range();
  syntax_ptr between(syntax_ptr value, std::size_t begin);
  syntax_ptr in(syntax_ptr value, std::size_t begin);
  syntax_ptr like(syntax_ptr value, const std::string& name, std::size_t begin);
  syntax_ptr operators(std::initializer_list<std::string_view> names, syntax_ptr (parser::*operand)());
  syntax_ptr other_operator() {
    return operators({"||", "~",   "~*", "!~", "!~*", "&",  "|", "#",  "<<", ">>", "->", "->>",
                      "#>", "#>>", "#-", "@>", "<@",  "&&", "?", "?|", "?&", "@?", "^@"},
                     &parser::sum);
  }
  syntax_ptr sum() { return operators({"+", "-"}, &parser::product); }
  syntax_ptr product() { return operators({"*", "/", "%"}, &parser::power); }
  syntax_ptr power() { return operators({"^"}, &parser::sign); }
  syntax_ptr sign();
  syntax_ptr postfix();
  syntax_ptr tight_postfix();
  syntax_ptr element(syntax_ptr value, std::size_t begin);

  // --- types --------------------------------------------------------------------------------------------------------
  // Takes the tokens of a type and gives their text: parse_type reads it.
  std::string type_text(std::size_t& begin);
  syntax_ptr cast_to(syntax_ptr value, std::size_t begin);

  // --- primaries ----------------------------------------------------------------------------------------------------
  syntax_ptr primary();
  syntax_ptr parenthesised();
  bool at_query() const;
  syntax_ptr word();
  // date '2024-05-01', timestamp with time zone '...', interval '1 day'
  syntax_ptr typed_literal();
  // interval '1' day: the unit behind the text of an interval, which is a number.
  bool take_interval_unit(std::string& text);
  syntax_ptr name_or_call();
  syntax_ptr list();
  syntax_ptr branches();

  // --- calls --------------------------------------------------------------------------------------------------------
  bool arguments(syntax& of, const char* what);
  syntax_ptr call(const token& name);
  syntax_ptr cast_call(const token& name);
  bool plain_call(syntax& made);
  bool extract(syntax& made);
  bool trim(syntax& made);
  bool call_suffix(syntax& made);
  bool order_by(std::vector<order_syntax>& keys);
  bool over(syntax& made);
  bool frame(window_syntax& of);
  bool frame_end(frame_bound& bound, syntax_ptr& offset);

  std::string_view text_;
  const std::string& path_;
  diagnostics& faults_;
  std::size_t known_faults_;
  std::vector<token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  bool failed_ = false;
};

}  // namespace sluice::expression
