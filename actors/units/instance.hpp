#pragma once

#include "actors/messages.hpp"
#include "actors/run/run_setup.hpp"

#include <caf/fwd.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sluice::store {
class lease_keeper;
}

namespace sluice::actors {

class io_pool;

/// What a node gives to the instances that it hosts.
struct node_services {
  std::shared_ptr<io_pool> io;
  std::string node;  ///< its name, for events and messages
  /// Of the process; null: none, as in tests.
  std::shared_ptr<const store::lease_keeper> lease = {};
};

/// Starts one instance (extract, transform, load or enumerator) on this node. It waits for `wiring`, then `begin_work`.
caf::actor spawn_instance(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                          const node_services& services);

/// The wiring of one instance where everything is on one node. A starter that spreads a run puts the link to the
/// receiver's node in the place of `outputs[i].to`; credit goes directly, so `inputs` and the rest stay as they are.
wiring wiring_of(const plan& of, const std::vector<launched_instance>& all, flow::instance_id who,
                 const caf::actor& supervisor, const caf::actor& rejects);

/// Starts the actor that answers `launch` by starting and wiring all instances on this node.
caf::actor spawn_local_starter(caf::actor_system& system, const node_services& services);

}  // namespace sluice::actors
