#pragma once

#include "actors/io_pool.hpp"
#include "engine/store/store.hpp"

#include <caf/actor.hpp>

#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

/// Keeps the events that tell of nodes, and tells subscribers of them. Thread-safe; never waits. An event that can't be
/// kept is a line in the log: no node waits for a disk.
class node_events {
 public:
  node_events(const std::shared_ptr<actors::io_pool>& pool, std::shared_ptr<store::store> in,
              std::function<void(const std::string&)> log)
      : strand_(pool), in_(std::move(in)), log_(std::move(log)) {}

  void keep(store::event what, const caf::actor& notifier);

 private:
  actors::strand strand_;
  std::shared_ptr<store::store> in_;
  std::function<void(const std::string&)> log_;
};

}  // namespace sluice::cluster
