#pragma once

#include "engine/plan/plan.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::flow {

/// Names an instance of a unit of a run.
struct instance_id {
  std::uint32_t unit = 0;      ///< index in plan::units
  std::uint32_t instance = 0;  ///< 0 to parallelism - 1, or `enumerator`

  /// The "instance" of an extract unit that finds its splits and hands them out.
  static constexpr std::uint32_t enumerator = 0xffffffff;

  friend auto operator<=>(const instance_id&, const instance_id&) = default;
};

/// Names a stream of batches: one edge between one instance of the sender and one of the receiver.
struct channel_id {
  std::uint32_t edge = 0;  ///< index in plan::edges
  std::uint32_t from = 0;  ///< instance of the sending unit
  std::uint32_t to = 0;    ///< instance of the receiving unit

  friend auto operator<=>(const channel_id&, const channel_id&) = default;
};

/// All instances that a run needs, extract units' enumerators included, in the order of the units.
std::vector<instance_id> instances_of(const plan& of);
/// The channels of one edge. Forward edges connect instance i with i modulo the receivers, all others everyone.
std::vector<channel_id> channels_of(const plan& of, std::uint32_t edge);
/// The channels of all edges, in their order.
std::vector<channel_id> channels_of(const plan& of);
/// True where nothing above `input` of the unit is above another of its inputs: holding that input back blocks nobody
/// who sends to the others.
bool may_hold_back(const plan& of, int unit, int input);
/// "edge orders -> paid", with instances where there are several, for messages.
std::string channel_name(const plan& of, const channel_id& channel);

}  // namespace sluice::flow
