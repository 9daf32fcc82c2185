#include "engine/sql/statement_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace sluice::sql {

using expression::syntax_kind;
using expression::syntax_ptr;
using expression::token_kind;

namespace {

constexpr std::array<std::string_view, 30> clause_words = {
    "from",   "where", "group",  "having", "order", "limit",   "offset",      "fetch",   "union",     "intersect",
    "except", "join",  "inner",  "left",   "right", "full",    "cross",       "natural", "on",        "using",
    "window", "for",   "select", "with",   "as",    "lateral", "tablesample", "qualify", "returning", "into"};

/// What statements begin with that are no queries.
constexpr std::array<std::string_view, 12> other_statements = {
    "insert", "update", "delete", "create", "drop", "alter", "merge", "copy", "truncate", "set", "explain", "table"};

bool contains(const auto& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool is_clause_word(std::string_view word) { return contains(clause_words, word); }

bool statement_parser::at_clause() const { return now().kind == token_kind::word && is_clause_word(now().text); }

bool statement_parser::refuse(const std::string& what, const std::string& hint) {
  fault(now().begin, what + " is not supported in sql", hint, "not_supported_yet");
  return false;
}

query_ptr statement_parser::run_statement() {
  if (faults_.size() != known_faults_) return nullptr;
  if (now().kind == token_kind::end) {
    fault(0, "the statement is empty",
          "write for example: select country, sum(amount) as revenue from orders group by country");
    return nullptr;
  }
  if (now().kind == token_kind::word && contains(other_statements, now().text)) {
    refuse(now().text, "a statement begins with select or with; a sink writes its rows");
    return nullptr;
  }
  auto made = whole_query();
  if (made && !failed_ && now().kind != token_kind::end) {
    if (is_word("for"))
      refuse("for " + ahead().text, "rows are only read: remove it");
    else if (is_word("qualify"))
      refuse("qualify", "give the window function a name in a query in FROM, and filter it outside with where");
    else if (is_word("window"))
      refuse("a window clause", "write the window itself: over (partition by customer order by at)");
    else
      unexpected("the statement should end before");
  }
  return faults_.size() == known_faults_ ? made : nullptr;
}

syntax_ptr statement_parser::subquery(std::string_view kind, syntax_ptr value, std::size_t begin) {
  if (++queries_ > 20) return fault(now().begin, "queries are nested more than 20 levels deep", "use with");
  auto inner = whole_query();
  --queries_;
  if (!inner || !expect(")", "after the subquery")) return nullptr;
  auto made = value ? make(syntax_kind::subquery, begin, std::string(kind), std::move(value))
                    : make(syntax_kind::subquery, begin, std::string(kind));
  if (made) made->query = std::shared_ptr<const void>(inner);
  return made;
}

query_ptr statement_parser::whole_query() {
  auto made = std::make_shared<query>();
  made->begin = now().begin;
  if (is_word("with") && !common_tables(*made)) return nullptr;
  auto body = set_expression(false);
  if (!body) return nullptr;
  // What stands in parentheses has an order and a limit of its own.
  if (made->with.empty() && body->order.empty() && !body->limit && body->offset == 0 && body->with.empty()) {
    made = body;
  } else if (body->order.empty() && !body->limit && body->offset == 0 && body->with.empty()) {
    body->with = std::move(made->with);
    made = body;
  } else {
    auto outer = std::make_shared<query>();
    outer->begin = made->begin;
    outer->with = std::move(made->with);
    outer->left = body;
    made = outer;
  }
  return order_and_limit(*made) ? made : nullptr;
}

bool statement_parser::common_tables(query& into) {
  advance();
  if (is_word("recursive")) return refuse("with recursive", "unfold the levels in separate queries");
  do {
    common_table made;
    made.begin = now().begin;
    auto called = name("of a common table");
    if (!called) return false;
    made.name = *called;
    if (is_symbol("(") && !names(made.column_names, "of the common table")) return false;
    if (!expect_word("as", "of with NAME as (select ...)")) return false;
    if (take_word("not") && !expect_word("materialized", "after not")) return false;
    take_word("materialized");
    if (!expect("(", "of with NAME as (select ...)")) return false;
    if (++queries_ > 20) return fault(now().begin, "queries are nested more than 20 levels deep"), false;
    made.of = whole_query();
    --queries_;
    if (!made.of || !expect(")", "of the common table")) return false;
    into.with.push_back(std::move(made));
  } while (take_symbol(","));
  return true;
}

query_ptr statement_parser::set_expression(bool tight) {
  auto left = tight ? operand() : set_expression(true);
  while (left && (tight ? is_word("intersect") : is_word("union") || is_word("except"))) {
    auto made = std::make_shared<query>();
    made->begin = now().begin;
    const bool is_union = is_word("union");
    made->how = is_union ? set_word::union_distinct : is_word("except") ? set_word::except : set_word::intersect;
    const auto word = now().text;
    advance();
    if (is_word("all")) {
      if (!is_union) return refuse(word + " all", word + " without all gives each row once"), nullptr;
      made->how = set_word::union_all;
      advance();
    } else {
      take_word("distinct");
    }
    made->left = left;
    made->right = tight ? operand() : set_expression(true);
    if (!made->right) return nullptr;
    left = made;
  }
  return left;
}

query_ptr statement_parser::operand() {
  if (take_symbol("(")) {
    if (++queries_ > 20) return fault(now().begin, "queries are nested more than 20 levels deep"), nullptr;
    auto inner = whole_query();
    --queries_;
    return inner && expect(")", "of the query") ? inner : nullptr;
  }
  if (is_word("values"))
    return refuse("values", "put the rows into a file, or write select 1 as a from ... union all"), nullptr;
  return select();
}

query_ptr statement_parser::select() {
  auto made = std::make_shared<query>();
  made->begin = now().begin;
  if (!is_word("select")) return unexpected("expected select, found"), nullptr;
  advance();
  made->core = std::make_unique<select_core>();
  auto& core = *made->core;
  core.begin = made->begin;
  if (take_word("distinct")) {
    core.distinct = true;
    if (is_word("on") && ahead().text == "(") {
      advance();
      advance();
      do {
        core.distinct_on.emplace_back();
        if (!expression(core.distinct_on.back())) return nullptr;
      } while (take_symbol(","));
      if (!expect(")", "of distinct on (...)")) return nullptr;
    }
  } else {
    take_word("all");
  }
  if (!items(core)) return nullptr;
  if (is_word("into")) return refuse("select into", "a sink that reads the unit writes its rows"), nullptr;
  if (!is_word("from")) {
    if (now().kind == token_kind::end || at_clause() || is_symbol(")"))
      return fault(now().begin, "the query has no from", "name a unit: select ... from orders"), nullptr;
    return unexpected("expected from, found"), nullptr;
  }
  advance();
  if (!from(core)) return nullptr;
  if (take_word("where") && !expression(core.where)) return nullptr;
  if (is_word("group") && ahead().text == "by" && !group_by(core)) return nullptr;
  if (take_word("having") && !expression(core.having)) return nullptr;
  return made;
}

bool statement_parser::items(select_core& into) {
  do {
    if (!item(into)) return false;
  } while (take_symbol(","));
  return true;
}

bool statement_parser::item(select_core& into) {
  select_item made;
  made.begin = now().begin;
  const bool named = now().kind == token_kind::word || now().kind == token_kind::identifier;
  if (take_symbol("*")) {
    into.items.push_back(std::move(made));
    return true;
  }
  if (named && ahead().text == "." && ahead(2).text == "*" && ahead(2).kind == token_kind::symbol) {
    made.table = now().kind == token_kind::word ? now().written : now().text;
    for (int tokens = 0; tokens < 3; ++tokens) advance();
    into.items.push_back(std::move(made));
    return true;
  }
  if (is_word("from"))
    return fault(now().begin, "expected a column before from, found from",
                 "remove the comma before from, or write select *"),
           false;
  if (!expression(made.value)) return false;
  if (take_word("as")) {
    auto called = name("after as");
    if (!called) return false;
    made.name = *called;
  } else if (now().kind == token_kind::identifier ||
             (now().kind == token_kind::word && !at_clause() && !expression::is_reserved(now().text))) {
    made.name = now().kind == token_kind::word ? now().written : now().text;
    advance();
  }
  into.items.push_back(std::move(made));
  return true;
}

bool statement_parser::group_by(select_core& into) {
  advance();
  advance();
  if (is_word("all") || is_word("distinct")) return refuse("group by " + now().text, "name the columns");
  do {
    if (!grouping_element(into)) return false;
  } while (take_symbol(","));
  return true;
}

bool statement_parser::grouping_element(select_core& into) {
  grouping made;
  const auto word = now().kind == token_kind::word ? now().text : std::string();
  if ((word == "rollup" || word == "cube") && ahead().text == "(") {
    advance();
    advance();
    std::vector<std::vector<std::size_t>> parts;
    do {
      parts.emplace_back();
      if (is_symbol("(") ? !key_list(into, parts.back()) : (into.keys.emplace_back(), !expression(into.keys.back())))
        return false;
      if (parts.back().empty()) parts.back().push_back(into.keys.size() - 1);
    } while (take_symbol(","));
    if (!expect(")", "of the group")) return false;
    if (word == "cube" && parts.size() > 12)
      return refuse("a cube of more than 12 columns", "name the sets: grouping sets ((a, b), (a), ())");
    const auto count = parts.size();
    for (std::size_t mask = word == "cube" ? (std::size_t{1} << count) : count + 1; mask-- > 0;) {
      std::vector<std::size_t> set;
      for (std::size_t i = 0; i < count; ++i)
        if (word == "cube" ? (mask >> (count - 1 - i) & 1) != 0 : i < mask)
          set.insert(set.end(), parts[i].begin(), parts[i].end());
      made.sets.push_back(std::move(set));
    }
    into.has_sets = true;
  } else if (word == "grouping" && ahead().text == "sets") {
    advance();
    advance();
    if (!expect("(", "after grouping sets")) return false;
    do {
      std::vector<std::size_t> set;
      if (is_word("rollup") || is_word("cube"))
        return refuse(now().text + " inside of grouping sets", "write the sets themselves");
      if (is_symbol("(")) {
        if (!key_list(into, set)) return false;
      } else {
        into.keys.emplace_back();
        if (!expression(into.keys.back())) return false;
        set.push_back(into.keys.size() - 1);
      }
      made.sets.push_back(std::move(set));
    } while (take_symbol(","));
    if (!expect(")", "of grouping sets")) return false;
    into.has_sets = true;
  } else if (is_symbol("(") && ahead().text == ")") {
    advance();
    advance();
    made.sets.emplace_back();
    into.has_sets = true;
  } else {
    into.keys.emplace_back();
    if (!expression(into.keys.back())) return false;
    made.sets.push_back({into.keys.size() - 1});
  }
  into.groupings.push_back(std::move(made));
  return true;
}

bool statement_parser::key_list(select_core& into, std::vector<std::size_t>& numbers) {
  advance();
  if (take_symbol(")")) return true;
  do {
    into.keys.emplace_back();
    if (!expression(into.keys.back())) return false;
    numbers.push_back(into.keys.size() - 1);
  } while (take_symbol(","));
  return expect(")", "of the group");
}

bool statement_parser::order_and_limit(query& into) {
  if (is_word("order") && ahead().text == "by") {
    advance();
    advance();
    if (!order_items(into.order)) return false;
  }
  for (;;) {
    if (take_word("limit")) {
      if (take_word("all") || take_word("null")) continue;
      const auto rows = row_count("limit");
      if (!rows) return false;
      into.limit = *rows;
    } else if (take_word("offset")) {
      const auto rows = row_count("offset");
      if (!rows) return false;
      into.offset = *rows;
      if (!take_word("rows")) take_word("row");
    } else if (is_word("fetch") && (ahead().text == "first" || ahead().text == "next")) {
      advance();
      advance();
      into.limit = 1;
      if (now().kind == token_kind::number) {
        const auto rows = row_count("fetch first");
        if (!rows) return false;
        into.limit = *rows;
      }
      if (!take_word("rows") && !take_word("row")) return unexpected("expected rows, found"), false;
      if (is_word("with")) return refuse("with ties", "rank the rows: rank() over (order by ...)");
      if (!expect_word("only", "of fetch first 10 rows only")) return false;
    } else {
      return true;
    }
  }
}

bool statement_parser::order_items(std::vector<order_item>& into) {
  do {
    order_item made;
    if (!expression(made.value)) return false;
    if (take_word("desc"))
      made.descending = true;
    else
      take_word("asc");
    if (is_word("using")) return refuse("order by ... using", "write asc or desc");
    if (is_word("nulls") && (ahead().text == "first" || ahead().text == "last")) {
      advance();
      made.nulls_first = is_word("first");
      advance();
    }
    into.push_back(std::move(made));
  } while (take_symbol(","));
  return true;
}

std::optional<std::int64_t> statement_parser::row_count(const char* what) {
  std::int64_t rows = 0;
  const auto& text = now().text;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), rows);
  if (now().kind != token_kind::number || problem != std::errc() || end != text.data() + text.size()) {
    fault(now().begin, "expected a whole number of rows after " + std::string(what) + ", found " + found(),
          "write the number itself: " + std::string(what) + " 10");
    return {};
  }
  advance();
  return rows;
}

std::optional<std::string> statement_parser::name(const char* what) {
  if (now().kind != token_kind::identifier && now().kind != token_kind::word) {
    fault(now().begin, "expected a name " + std::string(what) + ", found " + found());
    return {};
  }
  auto made = now().kind == token_kind::word ? now().written : now().text;
  advance();
  return made;
}

bool statement_parser::names(std::vector<std::string>& into, const char* what) {
  advance();
  do {
    auto one = name(what);
    if (!one) return false;
    into.push_back(*std::move(one));
  } while (take_symbol(","));
  return expect(")", what);
}

bool statement_parser::expression(clause& into) {
  into.begin = now().begin;
  into.tree = disjunction();
  if (!into.tree || failed_) return false;
  into.end = tokens_[at_ - 1].end;
  return true;
}

std::shared_ptr<const statement> parse_statement(std::string_view text, const std::string& path, diagnostics& faults) {
  auto made = std::make_shared<statement>();
  made->text = std::string(text);
  // A semicolon at the end says nothing.
  auto whole = std::string_view(made->text);
  while (!whole.empty() && (whole.back() == ';' || whole.back() == ' ' || whole.back() == '\n' ||
                            whole.back() == '\t' || whole.back() == '\r'))
    whole.remove_suffix(1);
  statement_parser parser(whole, path, faults);
  made->of = parser.run_statement();
  if (!made->of) return nullptr;
  made->tokens = parser.tokens();
  return made;
}

}  // namespace sluice::sql
