#include "engine/expression/bind/conjuncts.hpp"

#include "engine/expression/bind/binder.hpp"
#include "engine/expression/parse/parser.hpp"
#include "engine/values/arrow_functions.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <optional>

namespace sluice::expression {

namespace {

void collect(const syntax& of, std::vector<const syntax*>& parts) {
  if (of.kind != syntax_kind::binary || of.text != "and") {
    parts.push_back(&of);
    return;
  }
  for (const auto& arg : of.args) collect(*arg, parts);
}

bound_ptr bind_part(const syntax& of, const scope& names, const std::string& path, diagnostics& faults) {
  const auto before = faults.size();
  binder b(names, path, faults);
  auto root = b.settle({b.bind(of), of.begin});
  return root && faults.size() == before ? make_bound(std::move(root), b.run_settings()) : nullptr;
}

// The input that all columns of an expression belong to; -1 where there are none or several.
int input_of(const bound& value, const scope& names) {
  int found = -1;
  for (const int column : value.columns()) {
    int input = 0;
    for (int left = column; left >= names.inputs[input].schema->num_fields(); ++input)
      left -= names.inputs[input].schema->num_fields();
    if (found >= 0 && found != input) return -1;
    found = input;
  }
  return found;
}

conjunct::side side_of(const syntax& of, const scope& names, const std::string& path) {
  diagnostics unused;  // the whole was bound without any
  conjunct::side made;
  const auto over_all = bind_part(of, names, path, unused);
  if (!over_all) return made;
  made.input = input_of(*over_all, names);
  if (made.input < 0) return made;
  auto alone = names;
  alone.inputs = {names.inputs[static_cast<std::size_t>(made.input)]};
  made.value = bind_part(of, alone, path, unused);
  if (made.value) made.text = made.value->to_string();
  return made;
}

bool is_plain_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos && (text[0] != '0' || text == "0");
}

// `value` beside literals; nothing where it is no column, or one of them is no literal of its type.
std::optional<pinned_column> pin(const syntax& value, const std::vector<const syntax*>& literals, const scope& names) {
  if (value.kind != syntax_kind::column) return std::nullopt;
  diagnostics unused;
  const auto column = bind_part(value, names, {}, unused);
  if (!column || !column->as_column()) return std::nullopt;
  pinned_column made{.column = *column->as_column()};
  const auto type = column->type()->id();
  for (const auto* literal : literals) {
    const bool fits =
        (type == arrow::Type::STRING && literal->kind == syntax_kind::string) ||
        (type == arrow::Type::INT64 && literal->kind == syntax_kind::number && is_plain_number(literal->text));
    if (!fits) return std::nullopt;
    made.values.push_back(literal->text);
  }
  return made;
}

}  // namespace

std::vector<pinned_column> pinned_columns(std::string_view text, const scope& names) {
  std::vector<pinned_column> made;
  diagnostics unused;
  const auto tree = parse(text, {}, unused);
  if (!tree) return made;
  std::vector<const syntax*> parts;
  collect(*tree, parts);
  for (const auto* part : parts) {
    const auto& args = part->args;
    std::optional<pinned_column> found;
    if (part->kind == syntax_kind::binary && part->text == "=") {
      found = pin(*args[0], {args[1].get()}, names);
      if (!found) found = pin(*args[1], {args[0].get()}, names);
    } else if (part->kind == syntax_kind::in && !part->negated) {
      std::vector<const syntax*> items;
      for (std::size_t at = 1; at < args.size(); ++at) items.push_back(args[at].get());
      found = pin(*args[0], items, names);
    }
    if (found) made.push_back(std::move(*found));
  }
  return made;
}

std::vector<conjunct> bind_conjuncts(std::string_view text, const scope& names, const std::string& path,
                                     diagnostics& faults) {
  const auto before = faults.size();
  if (!ensure_arrow_functions().ok()) {
    faults.push_back(internal_error("internal_error", "Arrow's compute functions could not be set up"));
    return {};
  }
  const auto tree = parse(text, path, faults);
  if (!tree) return {};
  std::vector<const syntax*> parts;
  collect(*tree, parts);
  std::vector<conjunct> made;
  for (const auto* part : parts) {
    conjunct one;
    one.offset = part->begin;
    one.whole = bind_part(*part, names, path, faults);
    if (!one.whole) continue;
    if (one.whole->type()->id() != arrow::Type::BOOL) {
      auto problem = user_error("type_mismatch", "expected a condition, found " + type_name(*one.whole->type()),
                                "write a comparison, as in a.amount > b.amount");
      problem.path = path;
      problem.offset = part->begin;
      faults.push_back(std::move(problem));
      continue;
    }
    if (part->kind == syntax_kind::binary && part->text == "=") {
      one.left = side_of(*part->args[0], names, path);
      one.right = side_of(*part->args[1], names, path);
    }
    made.push_back(std::move(one));
  }
  if (faults.size() > before) return {};
  return made;
}

}  // namespace sluice::expression
