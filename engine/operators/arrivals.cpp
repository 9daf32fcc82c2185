#include "engine/operators/arrivals.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace sluice {

std::uint32_t arrivals::add(const order_key& key) {
  const auto number = static_cast<std::uint32_t>(seen_.size());
  seen_.push_back({key.split, key.sequence, key.chunk});
  if (before(number, static_cast<std::uint32_t>(last_))) {
    in_order_ = false;
  } else {
    last_ = number;
  }
  return number;
}

bool arrivals::before(std::uint32_t a, std::uint32_t b) const {
  const auto& x = seen_[a];
  const auto& y = seen_[b];
  return std::tie(x.split, x.sequence, x.chunk, a) < std::tie(y.split, y.sequence, y.chunk, b);
}

std::vector<std::uint32_t> arrivals::sorted() const {
  std::vector<std::uint32_t> numbers(seen_.size());
  std::iota(numbers.begin(), numbers.end(), 0U);
  if (!in_order_) std::sort(numbers.begin(), numbers.end(), [this](auto a, auto b) { return before(a, b); });
  return numbers;
}

}  // namespace sluice
