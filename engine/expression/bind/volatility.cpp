#include "engine/expression/bind/volatility.hpp"

#include "engine/expression/bind/binder.hpp"

#include <algorithm>
#include <unordered_set>

namespace sluice::expression {

namespace {

bool has_volatile(const node& of, std::unordered_set<const node*>& visited) {
  if (!visited.insert(&of).second) return false;
  return of.is_volatile() || std::any_of(of.inputs.begin(), of.inputs.end(),
                                         [&](const auto& input) { return has_volatile(*input, visited); });
}

}  // namespace

bool is_volatile(const bound_ptr& of) {
  std::unordered_set<const node*> visited;
  return has_volatile(*node_of(of), visited);
}

}  // namespace sluice::expression
