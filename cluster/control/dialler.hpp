#pragma once

#include "cluster/control/transport.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <memory>

namespace sluice::cluster {

/// Starts the actor that connects to other nodes (`dial_node`): the transport dials and lets the peer prove itself,
/// then CAF's handshake gives the actor that the peer publishes. `protocol` speaks CAF's protocol.
caf::actor spawn_dialler(caf::actor_system& system, std::shared_ptr<transport> over, const caf::actor& protocol);

}  // namespace sluice::cluster
