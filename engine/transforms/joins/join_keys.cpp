#include "engine/transforms/joins/join_keys.hpp"

#include "engine/flow/key_hash.hpp"
#include "engine/transforms/common_type.hpp"
#include "engine/transforms/group_index.hpp"
#include "engine/types.hpp"

#include <arrow/type.h>

#include <cctype>
#include <string_view>

namespace sluice::joins {

namespace {

// A piece of the text of `on`, and where it begins.
struct piece {
  std::string_view text;
  std::size_t begin = 0;
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Length of the separator at `at`: the word `and`, or a single `=`; 0 where there is none.
std::size_t and_at(std::string_view text, std::size_t at) {
  if (text.size() - at < 3 || (at > 0 && is_word(text[at - 1])) || (at + 3 < text.size() && is_word(text[at + 3])))
    return 0;
  return std::tolower(text[at]) == 'a' && std::tolower(text[at + 1]) == 'n' && std::tolower(text[at + 2]) == 'd' ? 3
                                                                                                                 : 0;
}
std::size_t equals_at(std::string_view text, std::size_t at) {
  if (text[at] != '=') return 0;
  if (at > 0 && std::string_view("<>!=").find(text[at - 1]) != std::string_view::npos) return 0;
  return at + 1 < text.size() && text[at + 1] == '=' ? 0 : 1;
}

// Cuts text at separators outside of quotes and parentheses.
template <class SeparatorAt>
std::vector<piece> cut(const piece& whole, SeparatorAt separator_at) {
  std::vector<piece> pieces;
  int depth = 0;
  char quote = 0;
  std::size_t begin = 0;
  const auto text = whole.text;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (depth == 0) {
      if (const auto length = separator_at(text, at); length > 0) {
        pieces.push_back({text.substr(begin, at - begin), whole.begin + begin});
        begin = at + length;
        at = begin - 1;
      }
    }
  }
  pieces.push_back({text.substr(begin), whole.begin + begin});
  return pieces;
}

void add_fault(diagnostics& faults, error fault, std::string path, std::optional<std::size_t> offset = {}) {
  fault.path = std::move(path);
  fault.offset = offset;
  faults.push_back(std::move(fault));
}

void set_type(key_pair& pair, const std::string& text, const std::string& path, std::optional<std::size_t> offset,
              diagnostics& faults) {
  const auto left = canonical_key_type(pair.left->type()), right = canonical_key_type(pair.right->type());
  pair.type = common_type(left, right);
  if (!pair.type) {
    add_fault(faults,
              user_error("type_mismatch",
                         "the key " + text + " is " + type_name(*left) + " on the left and " + type_name(*right) +
                             " on the right, and no type holds both without loss",
                         "cast one of them first: cast: { column: " + type_name(*left) + " }"),
              path, offset);
  } else if (auto checked = flow::check_key_type(*pair.type, text); !checked.ok()) {
    add_fault(faults, checked.problem(), path, offset);
  }
}

std::vector<key_pair> bind_using(const transform_request& request, const options& names, diagnostics& faults) {
  std::vector<key_pair> keys;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto path = pointer({"join", "using", std::to_string(i)});
    const auto name = names[i].get<std::string>();
    key_pair pair;
    for (int side = 0; side < 2; ++side) {
      const auto column = find_column(request, side, name, path, faults);
      if (!column) continue;
      const auto& field = *request.inputs[side].schema->field(*column);
      (side == 0 ? pair.left : pair.right) =
          expression::bind(quoted_name(field.name()), scope_of(request, side), path, faults);
    }
    if (!pair.left || !pair.right) continue;
    pair.same_name = true;
    set_type(pair, name, path, {}, faults);
    keys.push_back(std::move(pair));
  }
  return keys;
}

// The input that an expression reads; -1 where it reads both or none.
int side_of(const expression::bound& value, int left_columns) {
  int side = -1;
  for (const int column : value.columns()) {
    const int its = column < left_columns ? 0 : 1;
    if (side >= 0 && side != its) return -1;
    side = its;
  }
  return side;
}

constexpr auto on_path = "/join/on";

// Binds one side of an equality; says in `side` which input it reads.
expression::bound_ptr bind_side(const transform_request& request, const piece& text, int& side, diagnostics& faults) {
  auto both = scope_of(request, 0);
  both.inputs.push_back({.qualifier = request.inputs[1].unit, .schema = request.inputs[1].schema});
  diagnostics own;
  auto value = expression::bind(text.text, both, on_path, own);
  if (value) {
    side = side_of(*value, request.inputs[0].schema->num_fields());
    if (side < 0) {
      own.push_back(user_error("not_supported_yet",
                               "a side of a join's equality that reads both inputs, or none, is not supported yet",
                               "each side of = reads one input: on: \"" + request.inputs[0].unit +
                                   ".x = " + request.inputs[1].unit + ".y\""));
      own.back().path = on_path;
      own.back().offset = 0;
      value = nullptr;
    } else {
      value = expression::bind(text.text, scope_of(request, side), on_path, own);
    }
  }
  for (auto& fault : own) {
    if (fault.offset) *fault.offset += text.begin;
    faults.push_back(std::move(fault));
  }
  return value;
}

std::string column_name(const transform_request& request, int side, const expression::bound& value) {
  const auto column = value.as_column();
  return column ? request.inputs[side].schema->field(*column)->name() : std::string();
}

std::vector<key_pair> bind_on(const transform_request& request, const std::string& text, diagnostics& faults) {
  std::vector<key_pair> keys;
  for (const auto& condition : cut({text, 0}, and_at)) {
    const auto sides = cut(condition, equals_at);
    if (sides.size() != 2) {
      add_fault(
          faults,
          user_error("not_supported_yet",
                     "a join condition other than equalities put together by `and` is not supported yet; found: " +
                         std::string(condition.text),
                     "join on equal columns and filter afterwards"),
          on_path, condition.begin);
      continue;
    }
    int first = -1, second = -1;
    auto a = bind_side(request, sides[0], first, faults);
    auto b = bind_side(request, sides[1], second, faults);
    if (!a || !b) continue;
    if (first == second) {
      add_fault(faults,
                user_error("invalid_option", "both sides of = read " + request.inputs[first].unit,
                           "compare a column of " + request.inputs[0].unit + " with one of " + request.inputs[1].unit),
                on_path, sides[1].begin);
      continue;
    }
    key_pair pair{.left = first == 0 ? a : b, .right = first == 0 ? b : a, .type = nullptr};
    const auto name = column_name(request, 0, *pair.left);
    pair.same_name = !name.empty() && name == column_name(request, 1, *pair.right);
    set_type(pair, std::string(condition.text), on_path, condition.begin, faults);
    keys.push_back(std::move(pair));
  }
  return keys;
}

}  // namespace

std::vector<key_pair> bind_keys(const transform_request& request, diagnostics& faults) {
  const auto names = request.own.value("using", options());
  const auto on = request.own.value("on", options());
  if (names.is_null() == on.is_null()) {
    add_fault(faults,
              user_error("invalid_option",
                         names.is_null() ? "a join needs `using` or `on`" : "a join takes `using` or `on`, not both",
                         "join: { how: left, using: [customer_id] }"),
              "/join");
    return {};
  }
  if (!on.is_null()) return bind_on(request, expression_text(on), faults);
  return bind_using(request, names.is_array() ? names : options::array({names}), faults);
}

}  // namespace sluice::joins
