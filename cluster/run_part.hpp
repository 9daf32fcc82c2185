#pragma once

#include "actors/units/instance.hpp"
#include "cluster/batch_links.hpp"
#include "cluster/node_messages.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sluice::cluster {

/// The instances of one run on this node: started, then wired to each other and, by links, to those on other nodes.
class run_part {
 public:
  run_part(caf::actor_system& system, std::shared_ptr<const actors::run_setup> setup, actors::node_services services,
           std::shared_ptr<batch_links> links)
      : system_(system), setup_(std::move(setup)), services_(std::move(services)), links_(std::move(links)) {}

  std::vector<actors::launched_instance> start(const std::vector<flow::instance_id>& which);
  void wire(const std::vector<actors::launched_instance>& all, const caf::actor& supervisor, const caf::actor& rejects);
  /// The run is over: everything ends that has not ended yet.
  void release();
  /// The supervisor has gone with its node, and no other takes the run over: instances give up what they made.
  void abandon();
  /// The supervisor has gone with its node, and another one may take the run over: instances work on. False where they
  /// were not wired yet.
  bool keep();
  [[nodiscard]] bool kept() const { return kept_; }
  [[nodiscard]] const std::vector<actors::launched_instance>& instances() const { return own_; }
  /// Another supervisor has taken the run over.
  void follow(const caf::actor& supervisor, const caf::actor& rejects);

  [[nodiscard]] const caf::actor& supervisor() const { return supervisor_; }
  /// Instances that work here.
  [[nodiscard]] std::uint32_t units() const { return static_cast<std::uint32_t>(own_.size()); }
  [[nodiscard]] std::uint32_t attempt() const { return setup_->attempt; }

 private:
  caf::actor link_to(const std::string& node);

  caf::actor_system& system_;
  std::shared_ptr<const actors::run_setup> setup_;
  actors::node_services services_;
  std::shared_ptr<batch_links> links_;
  std::vector<actors::launched_instance> own_;
  std::map<std::string, caf::actor> link_actors_;  ///< by the receivers' node
  std::vector<caf::actor> credit_actors_;          ///< of each own instance that receives from other nodes
  caf::actor supervisor_;
  bool kept_ = false;
};

}  // namespace sluice::cluster
