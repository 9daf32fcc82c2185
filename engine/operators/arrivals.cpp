#include "engine/operators/arrivals.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace sluice {

result<std::uint32_t> arrivals::add(const order_key& key) {
  // The highest number stands for none in the tables of groups.
  if (size_ >= std::numeric_limits<std::uint32_t>::max())
    return user_error("too_many_batches", "a unit has read 4,294,967,295 batches, and cannot keep the order of more",
                      "aggregate in windows of time (window:), or load the input in several runs");
  const auto number = static_cast<std::uint32_t>(size_++);
  bool follows = false;
  if (!stretches_.empty()) {
    const auto& last = stretches_.back();
    follows = last.split == key.split && last.sequence + (number - last.number) == key.sequence && last.chunk == 0 &&
              key.chunk == 0;
  }
  if (!follows) {
    if (stretches_.size() == 1) stretch_of_.assign(number, 0);
    stretches_.push_back({.number = number, .split = key.split, .chunk = key.chunk, .sequence = key.sequence});
  }
  if (stretches_.size() > 1) stretch_of_.push_back(static_cast<std::uint32_t>(stretches_.size() - 1));
  if (before(number, static_cast<std::uint32_t>(last_))) {
    in_order_ = false;
  } else {
    last_ = number;
  }
  return number;
}

arrivals::place arrivals::place_of(std::uint32_t batch) const {
  auto found = stretches_[stretch_of_.empty() ? 0 : stretch_of_[batch]];
  found.sequence += batch - found.number;
  return found;
}

bool arrivals::before(std::uint32_t a, std::uint32_t b) const {
  const auto x = place_of(a);
  const auto y = place_of(b);
  return std::tie(x.split, x.sequence, x.chunk, a) < std::tie(y.split, y.sequence, y.chunk, b);
}

std::vector<std::uint32_t> arrivals::sorted() const {
  std::vector<std::uint32_t> numbers(size_);
  std::iota(numbers.begin(), numbers.end(), 0U);
  if (!in_order_) std::sort(numbers.begin(), numbers.end(), [this](auto a, auto b) { return before(a, b); });
  return numbers;
}

}  // namespace sluice
