// FROM, and the tables that a statement reads.
#include "engine/sql/statement_parser.hpp"
#include "engine/sql/tree.hpp"

#include <algorithm>
#include <functional>

namespace sluice::sql {

using expression::token_kind;

bool statement_parser::from(select_core& into) {
  do {
    auto made = joined_table();
    if (!made) return false;
    into.from.push_back(std::move(made));
  } while (take_symbol(","));
  return true;
}

std::unique_ptr<table_ref> statement_parser::joined_table() {
  auto left = one_table();
  while (left) {
    const auto begin = now().begin;
    auto how = join_word::inner;
    if (is_word("natural")) return refuse("natural join", "name the columns: join ... using (customer_id)"), nullptr;
    if (is_word("tablesample")) return refuse("tablesample", "put the transform sample before this unit"), nullptr;
    if (is_word("cross") && ahead().text == "join") {
      advance();
      how = join_word::cross;
    } else if (is_word("left") || is_word("right") || is_word("full")) {
      how = is_word("left") ? join_word::left : is_word("right") ? join_word::right : join_word::full;
      advance();
      take_word("outer");
    } else if (is_word("inner")) {
      advance();
    } else if (!is_word("join")) {
      return left;
    }
    if (!expect_word("join", "of the join")) return nullptr;
    auto right = one_table();
    if (!right) return nullptr;
    auto made = std::make_unique<table_ref>();
    made->begin = begin;
    made->how = how;
    made->left = std::move(left);
    made->right = std::move(right);
    if (how != join_word::cross && !join_condition(*made)) return nullptr;
    left = std::move(made);
  }
  return nullptr;
}

bool statement_parser::join_condition(table_ref& join) {
  if (take_word("on")) return expression(join.on);
  if (is_word("using") && ahead().text == "(") {
    advance();
    return names(join.shared, "of using");
  }
  return fault(now().begin, "the join has no condition, found " + found(),
               "write on a.id = b.id or using (id); cross join combines each row with each row"),
         false;
}

std::unique_ptr<table_ref> statement_parser::one_table() {
  auto made = std::make_unique<table_ref>();
  made->begin = now().begin;
  if (is_word("lateral")) return refuse("lateral", "use a join, or unnest"), nullptr;
  if (take_symbol("(")) {
    if (!at_query()) {
      // A join in parentheses; or a query in further ones.
      if (is_symbol("(") && (ahead().text == "select" || ahead().text == "with")) {
        made->of = whole_query();
        if (!made->of || !expect(")", "of the query in from")) return nullptr;
        return table_alias(*made) ? std::move(made) : nullptr;
      }
      auto inner = joined_table();
      if (!inner || !expect(")", "of the tables")) return nullptr;
      return inner;
    }
    if (++queries_ > 20) return fault(now().begin, "queries are nested more than 20 levels deep"), nullptr;
    made->of = whole_query();
    --queries_;
    if (!made->of || !expect(")", "of the query in from")) return nullptr;
    return table_alias(*made) ? std::move(made) : nullptr;
  }
  if (now().kind == token_kind::string) {
    made->file = now().text;
    advance();
    return table_alias(*made) ? std::move(made) : nullptr;
  }
  if (now().kind == token_kind::word && (at_clause() || expression::is_reserved(now().text)))
    return unexpected("expected a table, found"), nullptr;
  auto called = name("of a table");
  if (!called) return nullptr;
  made->name = *called;
  if (is_symbol("(")) {
    if (made->name == "unnest") return refuse("unnest in from", "put the transform unnest before this unit"), nullptr;
    return refuse("a function in from", "a table is a unit of from:"), nullptr;
  }
  // A port of a unit, routed.late.
  if (is_symbol(".")) {
    advance();
    const auto port = name("after the dot");
    if (!port) return nullptr;
    made->name += "_" + *port;
  }
  return table_alias(*made) ? std::move(made) : nullptr;
}

bool statement_parser::table_alias(table_ref& of) {
  const bool written = take_word("as");
  const bool word =
      now().kind == token_kind::word && (written || (!at_clause() && !expression::is_reserved(now().text)));
  if (word || now().kind == token_kind::identifier) {
    of.alias = *name("of the table");
    if (is_symbol("(") && !names(of.column_names, "of the table's columns")) return false;
  } else if (written) {
    return fault(now().begin, "expected a name after as, found " + found()), false;
  }
  return true;
}

namespace {

/// Walks over all queries and notes what FROM names.
class table_finder {
 public:
  void visit(const query& of, std::vector<std::string> known) {
    for (const auto& one : of.with) {
      visit(*one.of, known);
      known.push_back(one.name);
    }
    if (of.left) visit(*of.left, known);
    if (of.right) visit(*of.right, known);
    for (const auto& one : of.order) visit(one.value, known);
    if (!of.core) return;
    for (const auto& one : of.core->from) visit(*one, known);
    for (const auto& one : of.core->items) visit(one.value, known);
    visit(of.core->where, known);
    visit(of.core->having, known);
    for (const auto& one : of.core->keys) visit(one, known);
  }
  std::vector<table_name> found;

 private:
  void visit(const table_ref& of, const std::vector<std::string>& known) {
    if (of.left) {
      visit(*of.left, known);
      visit(*of.right, known);
      visit(of.on, known);
    } else if (of.of) {
      visit(*of.of, known);
    } else if (std::find(known.begin(), known.end(), of.name) == known.end() || !of.file.empty()) {
      const bool seen = std::any_of(found.begin(), found.end(),
                                    [&](const auto& one) { return one.name == of.name && one.file == of.file; });
      if (!seen) found.push_back({of.name, of.file, of.begin});
    }
  }
  void visit(const clause& of, const std::vector<std::string>& known) {
    if (!of.tree) return;
    for_each_node(*of.tree, [&](const expression::syntax& node) {
      if (node.query) visit(*static_cast<const query*>(node.query.get()), known);
    });
  }
};

}  // namespace

std::vector<table_name> tables_of(const statement& of) {
  table_finder finder;
  finder.visit(*of.of, {});
  return std::move(finder.found);
}

}  // namespace sluice::sql
