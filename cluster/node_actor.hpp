#pragma once

#include "actors/units/instance.hpp"
#include "cluster/batch_links.hpp"
#include "cluster/membership.hpp"
#include "cluster/node_messages.hpp"
#include "engine/store/store.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cluster {

struct node_settings {
  node_info self;
  std::string state_folder;
  std::string spill_folder;
  std::int64_t term = 1;  ///< of the first node
  actors::node_services services;
  std::shared_ptr<batch_links> links;
  caf::actor dialler;           ///< connects to other nodes: takes `dial_node`
  std::optional<address> join;  ///< a node of the cluster; without it this is the first
  membership_limits limits = {};
  std::string runs_folder = {};  ///< of the first node: the runs' files, as other nodes would see the folder
  std::string sign = {};         ///< of the first node, see make_sign
  std::function<void(const std::string&)> log;
  std::function<void(store::event)> tell = {};  ///< keeps an event that tells of a node; of the first node
  /// The outcome of the first attempt to join; later ones are repeated until they succeed.
  std::function<void(status)> on_joined;
  // Of the first node: how long runs that go on wait for workers (run_starter::wait_for_workers).
  std::chrono::milliseconds grace_of_workers{0};
  std::chrono::milliseconds most_of_workers{0};
  std::vector<std::string> lost_runs = {};             ///< of the controller before it: their units may still work
  std::function<std::optional<address>()> controller;  ///< where it is by the Store; empty: the Store is not shared
};

/// Starts the actor that stands for this node. On the first node it is also the runs' starter: it answers `launch` by
/// placing the instances, starting them on the nodes, and telling supervisors when a node is lost.
caf::actor spawn_node(caf::actor_system& system, node_settings settings);

}  // namespace sluice::cluster
