// What operators stand between: names, literals, lists, CASE; and types.
#include "engine/expression/parse/parsing.hpp"

namespace sluice::expression {

std::string parser::type_text(std::size_t& begin) {
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

syntax_ptr parser::cast_to(syntax_ptr value, std::size_t begin) {
  std::size_t type_begin = 0;
  auto type = type_text(type_begin);
  auto made = make(syntax_kind::cast, begin, std::move(type), std::move(value));
  if (made) made->name_offset = type_begin;
  return made;
}

syntax_ptr parser::primary() {
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

syntax_ptr parser::parenthesised() {
  if (at_query()) return subquery("", nullptr, now().begin);
  auto value = disjunction();
  if (!value) return nullptr;
  if (is_symbol(",")) return fault(now().begin, "a list of values can only be used after in", "write x in (1, 2)");
  return expect(")", "of the parenthesis") ? std::move(value) : nullptr;
}

bool parser::at_query() const {
  return is_word("select") || (is_word("with") && ahead().kind != token_kind::symbol) ||
         (is_word("values") && ahead().text == "(");
}

syntax_ptr parser::subquery(std::string_view kind, syntax_ptr, std::size_t) {
  const bool negated = at_ > 2 && (tokens_[at_ - 3].text == "not");
  const std::string how = negated ? "how: anti" : kind.empty() ? "how: left" : "how: semi";
  return fault(now().begin,
               std::string(kind == "in"       ? "in (select ...)"
                           : kind == "exists" ? "exists (select ...)"
                                              : "a subquery as a value") +
                   " can't be used in an expression",
               "write the transform sql: \"select ...\", or a join with " + how +
                   (kind.empty() ? " with the unit that has the value" : " with the unit that has the other rows"),
               "invalid_expression");
}

syntax_ptr parser::word() {
  const auto current = now();
  if (current.text == "null") return advance(), make(syntax_kind::null, current.begin, "null");
  if (current.text == "true" || current.text == "false")
    return advance(), make(syntax_kind::boolean, current.begin, current.text);
  if (current.text == "case") return branches();
  if (is_reserved(current.text)) return unexpected("expected a value, found");
  if (current.text == "array" && ahead().text == "[") return list();
  if (current.text == "exists" && ahead().text == "(" && (ahead(2).text == "select" || ahead(2).text == "with")) {
    advance();
    advance();
    return subquery("exists", nullptr, current.begin);
  }
  if (current.text == "current_date" || current.text == "current_timestamp" || current.text == "localtimestamp" ||
      current.text == "localtime")
    if (ahead().text != "(") return advance(), make(syntax_kind::call, current.begin, current.text);
  if (auto typed = typed_literal(); typed || failed_) return typed;
  return name_or_call();
}

syntax_ptr parser::typed_literal() {
  static constexpr std::array<std::string_view, 8> types = {"date",     "time", "timestamp", "timestamptz",
                                                            "interval", "json", "jsonb",     "uuid"};
  const auto current = now();
  if (std::find(types.begin(), types.end(), current.text) == types.end()) return nullptr;
  const bool zoned = (current.text == "timestamp" || current.text == "time") &&
                     (ahead().text == "with" || ahead().text == "without") && ahead(2).text == "time" &&
                     ahead(3).text == "zone";
  if (ahead(zoned ? 4 : 1).kind == token_kind::number && current.text == "interval")
    return fault(ahead().begin, "expected a text after interval, found a number", "write interval '1 day'");
  if (ahead(zoned ? 4 : 1).kind != token_kind::string) return nullptr;
  std::size_t begin = 0;
  auto type = type_text(begin);
  const auto at = now().begin;
  auto text = now().text;
  advance();
  if (current.text == "interval" && !take_interval_unit(text)) return nullptr;
  auto value = make(syntax_kind::string, at, std::move(text));
  auto made = make(syntax_kind::cast, begin, std::move(type), std::move(value));
  if (made) made->name_offset = begin;
  return made;
}

bool parser::take_interval_unit(std::string& text) {
  static constexpr std::array<std::string_view, 6> units = {"year", "month", "day", "hour", "minute", "second"};
  if (now().kind != token_kind::word || std::find(units.begin(), units.end(), now().text) == units.end()) return true;
  const auto unit = now();
  // A fraction would silently lose what is smaller than the unit; of seconds it is a part like any other.
  const auto first = text.find_first_not_of("+- ");
  const bool number =
      first != std::string::npos &&
      text.find_first_not_of(unit.text == "second" ? "0123456789. " : "0123456789 ", first) == std::string::npos;
  advance();
  if (!number) {
    fault(unit.begin, "expected a whole number before " + unit.text + ", found '" + text + "'",
          "write the whole interval as a text: interval '1 day 02:00'");
    return false;
  }
  if (is_word("to")) {
    fault(now().begin, "an interval has one unit here, found a range of units",
          "write the whole interval as a text: interval '1 day 02:00'");
    return false;
  }
  text += " " + unit.text;
  return true;
}

syntax_ptr parser::name_or_call() {
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
  if (is_symbol(".")) return fault(now().begin, "expected a name after the dot, found " + (advance(), found()));
  made->end = tokens_[at_ - 1].end;
  return made;
}

syntax_ptr parser::list() {
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

syntax_ptr parser::branches() {
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

}  // namespace sluice::expression
