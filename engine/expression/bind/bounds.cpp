#include "engine/expression/bind/bounds.hpp"

#include "engine/expression/bind/binder.hpp"
#include "engine/expression/kernels/junction.hpp"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <map>
#include <optional>

namespace sluice::expression {

namespace {

const node* inside(const node* of) {
  while (dynamic_cast<const shared_node*>(of) != nullptr) of = of->inputs.front().get();
  return of;
}

/// A comparison of a column with a constant.
std::optional<column_bound> bound_of(const node& of) {
  static const std::map<std::string, std::string> turned = {
      {"=", "="}, {"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};
  const auto* comparison = dynamic_cast<const call_node*>(&of);
  if (comparison == nullptr || comparison->inputs.size() != 2) return {};
  const auto op = turned.find(comparison->name);
  if (op == turned.end()) return {};
  const auto* left = inside(comparison->inputs[0].get());
  const auto* right = inside(comparison->inputs[1].get());
  const bool swapped = dynamic_cast<const constant_node*>(left) != nullptr;
  if (swapped) std::swap(left, right);
  const auto* column = dynamic_cast<const column_node*>(left);
  const auto* constant = dynamic_cast<const constant_node*>(right);
  if (column == nullptr || constant == nullptr || column->foreign || constant->is_null() ||
      !column->type->Equals(*constant->type))
    return {};
  auto value = constant->value->GetScalar(0);
  if (!value.ok()) return {};
  return column_bound{
      .column = column->index, .op = swapped ? op->second : op->first, .value = std::move(value).ValueUnsafe()};
}

/// Adds the bounds of a condition; false where something else stands in it, so that what is behind does not count.
bool gather(const node& of, std::vector<column_bound>& bounds) {
  if (is_conjunction(of)) return gather(*of.inputs[0], bounds) && gather(*of.inputs[1], bounds);
  auto bound = bound_of(of);
  if (!bound) return false;
  bounds.push_back(std::move(*bound));
  return true;
}

}  // namespace

std::vector<column_bound> leading_bounds(const bound_ptr& condition) {
  std::vector<column_bound> bounds;
  (void)gather(*node_of(condition), bounds);
  return bounds;
}

}  // namespace sluice::expression
