#include "engine/expression/bind/conjuncts.hpp"

#include "engine/expression/bind/binder.hpp"
#include "engine/expression/parse/parser.hpp"
#include "engine/values/arrow_functions.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

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

}  // namespace

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
