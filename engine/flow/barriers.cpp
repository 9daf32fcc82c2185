#include "engine/flow/barriers.hpp"

#include "engine/runs/proof.hpp"

namespace sluice::flow {

std::optional<std::uint64_t> barrier_alignment::arrived(std::size_t channel, std::uint64_t epoch) {
  channels_[channel].waiting = true;
  epoch_ = epoch;
  return complete();
}

std::optional<std::uint64_t> barrier_alignment::ended(std::size_t channel) {
  channels_[channel].ended = true;
  return complete();
}

std::optional<std::uint64_t> barrier_alignment::complete() {
  if (!epoch_) return std::nullopt;
  for (const auto& channel : channels_)
    if (!channel.waiting && !channel.ended && !proof::planted(proof::bug::barrier_not_aligned)) return std::nullopt;
  for (auto& channel : channels_) channel.waiting = false;
  const auto aligned = epoch_;
  epoch_.reset();
  return aligned;
}

}  // namespace sluice::flow
