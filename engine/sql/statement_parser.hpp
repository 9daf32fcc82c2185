#pragma once

#include "engine/expression/parse/parsing.hpp"
#include "engine/sql/statement.hpp"

namespace sluice::sql {

/// Statements by recursive descent; their expressions are those of all expressions.
class statement_parser final : expression::parser {
 public:
  statement_parser(std::string_view text, const std::string& path, diagnostics& faults) : parser(text, path, faults) {}

  /// Null if there are faults.
  query_ptr run_statement();
  [[nodiscard]] const std::vector<expression::token>& tokens() const { return tokens_; }

 private:
  expression::syntax_ptr subquery(std::string_view kind, expression::syntax_ptr value, std::size_t begin) override;

  query_ptr whole_query();
  query_ptr set_expression(bool tight);
  query_ptr operand();
  query_ptr select();
  bool common_tables(query& into);
  bool items(select_core& into);
  bool item(select_core& into);
  bool from(select_core& into);
  std::unique_ptr<table_ref> joined_table();
  std::unique_ptr<table_ref> one_table();
  bool join_condition(table_ref& join);
  bool table_alias(table_ref& of);
  bool group_by(select_core& into);
  bool grouping_element(select_core& into);
  bool key_list(select_core& into, std::vector<std::size_t>& numbers);
  bool order_and_limit(query& into);
  bool order_items(std::vector<order_item>& into);
  std::optional<std::int64_t> row_count(const char* what);
  bool names(std::vector<std::string>& into, const char* what);
  std::optional<std::string> name(const char* what);
  bool expression(clause& into);
  bool refuse(const std::string& what, const std::string& hint);
  [[nodiscard]] bool at_clause() const;

  int queries_ = 0;  ///< that enclose the present one
};

/// True for words that end a table or an entry of SELECT, and so are no alias without AS.
bool is_clause_word(std::string_view word);

}  // namespace sluice::sql
