// Operators, from the loosest to the tightest.
#include "engine/expression/parse/parsing.hpp"

namespace sluice::expression {

syntax_ptr parser::disjunction() {
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

syntax_ptr parser::conjunction() {
  auto left = negation();
  while (left && is_word("and")) {
    const auto begin = now().begin;
    advance();
    left = make(syntax_kind::binary, begin, "and", std::move(left), negation());
  }
  return left;
}

syntax_ptr parser::negation() {
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

syntax_ptr parser::test() {
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
      return unexpected("expected null, true, false or distinct from after is, found");
    }
    if (value) value->negated = negated;
    // `x is null = y` compares what the test gives.
    if (value && at_comparison()) value = compared(std::move(value));
  }
  return value;
}

bool parser::at_comparison() const {
  static constexpr std::array<std::string_view, 7> operators = {"=", "<>", "!=", "<", "<=", ">", ">="};
  return now().kind == token_kind::symbol &&
         std::find(operators.begin(), operators.end(), now().text) != operators.end();
}

syntax_ptr parser::comparison() {
  auto left = range();
  if (!left || !at_comparison()) return left;
  return compared(std::move(left));
}

syntax_ptr parser::compared(syntax_ptr left) {
  const auto begin = now().begin;
  const auto name = now().text == "!=" ? "<>" : now().text;
  advance();
  if ((is_word("any") || is_word("some") || is_word("all")) && ahead().text == "(")
    return quantified(std::move(left), name, begin);
  left = make(syntax_kind::binary, begin, name, std::move(left), range());
  if (left && at_comparison()) {
    // a > 1 && b < 2 is read as a > (1 && b) < 2.
    if (const auto& right = *left->args[1]; right.kind == syntax_kind::binary && right.text == "&&")
      return fault(right.begin, "&& is not an operator between conditions", "write and");
    return fault(now().begin, "comparisons can't be chained", "write a < b and b < c");
  }
  return left;
}

syntax_ptr parser::quantified(syntax_ptr value, const std::string& operator_name, std::size_t begin) {
  const bool all = is_word("all");
  advance();
  if (!expect("(", all ? "after all" : "after any")) return nullptr;
  if (at_query()) {
    if (all || operator_name != "=")
      return fault(begin, operator_name + (all ? " all" : " any") + "(select ...) is not supported yet",
                   "= any(select ...) is supported in statements; write a join for the others", "not_supported_yet");
    return subquery("in", std::move(value), begin);
  }
  auto list = disjunction();
  if (!list || !expect(")", all ? "of all" : "of any")) return nullptr;
  auto made = make(syntax_kind::quantified, begin, operator_name, std::move(value), std::move(list));
  if (made) made->negated = all;
  return made;
}

syntax_ptr parser::range() {
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

syntax_ptr parser::between(syntax_ptr value, std::size_t begin) {
  auto low = other_operator();
  if (!low || !expect_word("and", "of between")) return nullptr;
  return make(syntax_kind::between, begin, "", std::move(value), std::move(low), other_operator());
}

syntax_ptr parser::in(syntax_ptr value, std::size_t begin) {
  if (!expect("(", "after in")) return nullptr;
  if (at_query()) return subquery("in", std::move(value), begin);
  auto made = make(syntax_kind::in, begin, "", std::move(value));
  if (!made || !arguments(*made, "of in")) return nullptr;
  if (made->args.size() == 1) return fault(begin, "the list of in is empty", "write at least one value: x in (1, 2)");
  return finished(std::move(made));
}

syntax_ptr parser::like(syntax_ptr value, const std::string& name, std::size_t begin) {
  auto pattern = other_operator();
  if (!pattern) return nullptr;
  if (!take_word("escape")) return make(syntax_kind::like, begin, name, std::move(value), std::move(pattern));
  return make(syntax_kind::like, begin, name, std::move(value), std::move(pattern), other_operator());
}

syntax_ptr parser::operators(std::initializer_list<std::string_view> names, syntax_ptr (parser::*operand)()) {
  auto left = (this->*operand)();
  while (left && now().kind == token_kind::symbol && std::find(names.begin(), names.end(), now().text) != names.end()) {
    const auto begin = now().begin;
    const auto name = now().text;
    advance();
    left = make(syntax_kind::binary, begin, name, std::move(left), (this->*operand)());
  }
  return left;
}

syntax_ptr parser::sign() {
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

// `x at time zone z` is the call timezone(z, x), as in PostgreSQL.
syntax_ptr parser::postfix() {
  auto value = tight_postfix();
  while (value && is_word("at") && ahead().text == "time" && ahead(2).text == "zone") {
    const auto begin = now().begin;
    for (int words = 0; words < 3; ++words) advance();
    auto zone = tight_postfix();
    if (!zone) return nullptr;
    value = make(syntax_kind::call, begin, "timezone", std::move(zone), std::move(value));
  }
  return value;
}

// x[1], x[1:2], x[:2], x[1:]
syntax_ptr parser::element(syntax_ptr value, std::size_t begin) {
  const bool has_low = !is_symbol(":");
  auto low = has_low ? disjunction() : make(syntax_kind::number, begin, "1");
  if (!low) return nullptr;
  if (!take_symbol(":")) {
    if (!expect("]", "after the index")) return nullptr;
    return make(syntax_kind::element, begin, "", std::move(value), std::move(low));
  }
  const bool has_high = !is_symbol("]");
  auto high = has_high ? disjunction() : make(syntax_kind::number, begin, "2147483647");
  if (!high || !expect("]", "after the slice")) return nullptr;
  return make(syntax_kind::slice, begin, "", std::move(value), std::move(low), std::move(high));
}

syntax_ptr parser::tight_postfix() {
  auto value = primary();
  while (value) {
    const auto begin = now().begin;
    if (take_symbol("::")) {
      value = cast_to(std::move(value), begin);
    } else if (take_symbol("[")) {
      value = element(std::move(value), begin);
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

}  // namespace sluice::expression
