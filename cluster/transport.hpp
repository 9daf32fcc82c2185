#pragma once

#include "engine/error/error.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>
#include <caf/io/middleman_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace sluice::cluster {

/// Most bytes of the first message on a control connection, its handshake, and of those that follow. CAF's protocol
/// makes room for what a header claims, up to 4 GiB, before anybody has looked at the sender.
inline constexpr std::size_t most_handshake_bytes = 64 * 1024;
inline constexpr std::size_t most_message_bytes = 256 * 1024 * 1024;

/// Starts the actor that listens for and dials control connections in place of CAF's own: a connection whose next
/// message claims to be too long is closed and logged before anything is allocated. Ask it with `publish_atom` and
/// `connect_atom`. Owned by whoever starts it, who also ends it.
caf::io::middleman_actor spawn_transport(caf::actor_system& system, std::function<void(const std::string&)> log);

/// Makes an actor reachable at `host`:`port`; the port.
/// Errors: port_in_use.
result<std::uint16_t> publish(caf::actor_system& system, const caf::io::middleman_actor& transport,
                              const caf::actor& whom, const std::string& host, std::uint16_t port);

}  // namespace sluice::cluster
