// Calls of functions, and the forms that SQL has words for.
#include "engine/expression/dialects.hpp"
#include "engine/expression/parse/parsing.hpp"

namespace sluice::expression {

bool parser::arguments(syntax& of, const char* what) {
  if (take_symbol(")")) return true;
  do {
    auto argument = disjunction();
    if (!argument) return false;
    add(of, std::move(argument));
  } while (take_symbol(","));
  return expect(")", what);
}

syntax_ptr parser::call(const token& name) {
  advance();
  if (name.text == "cast" || name.text == "try_cast") return cast_call(name);
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

syntax_ptr parser::cast_call(const token& name) {
  auto value = disjunction();
  if (!value || !expect_word("as", "of cast(x as type)")) return nullptr;
  auto made = cast_to(std::move(value), name.begin);
  if (made && name.text == "try_cast") made->kind = syntax_kind::try_cast;
  return made && expect(")", "after the type of cast") ? std::move(made) : nullptr;
}

bool parser::plain_call(syntax& made) {
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
    if (now().kind == token_kind::word && ahead().text == "=>" && ahead().kind == token_kind::symbol) {
      made.names.resize(made.args.size());
      made.names.push_back(now().text);
      advance();
      advance();
    }
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
  if (made.text == "substring" && take_word("for")) {
    add(made, make(syntax_kind::number, now().begin, "1"));
    return take_argument() && expect(")", "of substring");
  }
  if (made.text == "overlay" && take_word("placing")) {
    if (!take_argument() || !expect_word("from", "of overlay(text placing new from 2)") || !take_argument())
      return false;
    if (take_word("for") && !take_argument()) return false;
    return expect(")", "of overlay");
  }
  while (take_symbol(","))
    if (!take_argument()) return false;
  if (is_word("order") && ahead().text == "by" && !order_by(made.order)) return false;
  return expect(")", "after the arguments");
}

bool parser::extract(syntax& made) {
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

bool parser::trim(syntax& made) {
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

bool parser::call_suffix(syntax& made) {
  if (is_word("within") && ahead().text == "group" && ahead(2).text == "(") {
    for (int tokens = 0; tokens < 3; ++tokens) advance();
    made.within_group = true;
    if (!is_word("order") || ahead().text != "by") {
      unexpected("expected order by, found");
      return false;
    }
    if (!order_by(made.order) || !expect(")", "of within group (order by ...)")) return false;
  }
  if (is_word("filter") && ahead().text == "(") {
    advance();
    advance();
    if (!expect_word("where", "of filter (where ...)")) return false;
    made.filter = disjunction();
    if (!made.filter) return false;
    made.depth = std::max(made.depth, made.filter->depth + 1);
    if (!expect(")", "of filter (where ...)")) return false;
  }
  return !is_word("over") || over(made);
}

}  // namespace sluice::expression
