#pragma once

#include "engine/flow/receive_budget.hpp"
#include "engine/wire/codec_choice.hpp"

#include <cstdint>

namespace sluice::cluster {

/// What a node says of the rows that it exchanges with others.
struct data_settings {
  std::int64_t receive_bytes = flow::receive_budget::limits{}.bytes;  ///< rows of other nodes that may be here at once
  wire::compression compression = wire::compression::automatic;       ///< of what is sent
};

}  // namespace sluice::cluster
