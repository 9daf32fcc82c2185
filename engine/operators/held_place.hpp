#pragma once

#include "engine/operators/held_state.hpp"
#include "engine/values/batch.hpp"

namespace sluice::held {

/// The place of a batch in the order of its source, as a part in front of the batch; and back.
inline result<state_part> place(std::string name, const order_key& at) {
  return numbers(std::move(name), {at.split, static_cast<std::int64_t>(at.sequence), at.chunk, at.last_chunk ? 1 : 0,
                                   at.last_in_split ? 1 : 0});
}
inline result<order_key> place_of(const state_part& part) {
  SLUICE_ASSIGN(const auto at, numbers_of(part, 5));
  return order_key{.split = static_cast<std::uint32_t>(at[0]),
                   .sequence = static_cast<decltype(order_key::sequence)>(at[1]),
                   .chunk = static_cast<decltype(order_key::chunk)>(at[2]),
                   .last_chunk = at[3] != 0,
                   .last_in_split = at[4] != 0};
}

}  // namespace sluice::held
