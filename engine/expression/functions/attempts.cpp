// error('text') rejects the row; try_cast(x as type) gives null where the cast fails.
#include "engine/expression/functions/attempts.hpp"

#include "engine/expression/functions/support.hpp"

namespace sluice::expression {

namespace {

// Every row that counts fails, with its own message.
result<array_ptr> error_kernel(call& c) {
  const texts_of message(c.args[0]);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    if (!c.active.has(row)) continue;
    const bool there = c.args[0].array->IsValid(c.args[0].constant ? 0 : row);
    c.in.fail(row, "error_raised", there ? std::string(message[row]) : "error(null)");
  }
  return make_nulls(c.type, c.rows);
}

node_ptr bind_error(binder& b, const call_site& site) {
  auto text = b.coerce(site.args[0], arrow::utf8(), "error");
  if (!text) return nullptr;
  // Volatile, so that it is never computed when the expression is bound.
  return b.call("error", arrow::null(), {std::move(text)}, error_kernel,
                {.null_in_null_out = false, .is_volatile = true});
}

// Its errors are taken back, those of its input stay.
class attempt_node final : public node {
 public:
  attempt_node(const node_ptr& shared_input, const node_ptr& cast) : node(cast->type, {shared_input, cast}) {}
  result<operand> evaluate(frame& in, const mask& active) const override {
    SLUICE_TRY(inputs[0]->evaluate(in, active));
    const auto before = in.errors.size();
    SLUICE_ASSIGN(auto value, inputs[1]->evaluate(in, active));
    in.errors.erase(in.errors.begin() + static_cast<std::ptrdiff_t>(before), in.errors.end());
    return value;
  }
  void print(std::string& out, bool) const override {
    out += "try_cast(";
    inputs[1]->print(out, false);
    out += ')';
  }
};

}  // namespace

node_ptr typed_error(const node_ptr& of, const type_ptr& to) {
  const auto* found = dynamic_cast<const call_node*>(of.get());
  if (found == nullptr || found->name != "error" || found->type->id() != arrow::Type::NA) return nullptr;
  return std::make_shared<call_node>("error", to, found->inputs, error_kernel,
                                     call_node::options{.null_in_null_out = false, .is_volatile = true});
}

node_ptr make_attempt(binder& b, node_ptr value, std::size_t at, const type_ptr& to) {
  if (as_constant(value) != nullptr && value->type->id() == arrow::Type::NA) return null_constant(to);
  auto input = value->inputs.empty() ? value : std::make_shared<shared_node>(value);
  auto cast = b.cast({input, at}, to);
  if (!cast || cast == input || as_constant(cast) != nullptr) return cast;
  return std::make_shared<attempt_node>(input, cast);
}

const std::vector<function>& attempt_functions() {
  static const std::vector<function> all = {
      entry("error", "condition", "error(text)",
            "fails the row with this message; `on_error` decides what happens to it",
            "case when 1 > 0 then 'good' else error('no number') end", "good", 1, 1, bind_error),
  };
  return all;
}

}  // namespace sluice::expression
