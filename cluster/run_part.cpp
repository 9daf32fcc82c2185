#include "cluster/run_part.hpp"

#include <caf/all.hpp>

namespace sluice::cluster {

namespace {

/// Stands for the receivers of a run on one other node: what an instance sends to it goes over the data links.
caf::behavior link_actor(caf::event_based_actor* self, std::shared_ptr<batch_links> links, const std::string& run,
                         std::uint32_t attempt, const std::string& node) {
  return {[links = std::move(links), run, attempt, node](actors::data_message& message) {
            const auto& channel = message.channel;
            links->send(node, {run, channel.edge, channel.from, channel.to}, attempt, std::move(message.body));
          },
          [self](const actors::leave&) { self->quit(); }};
}

}  // namespace

std::vector<actors::launched_instance> run_part::start(const std::vector<flow::instance_id>& which) {
  for (const auto& who : which)
    own_.push_back({who, actors::spawn_instance(system_, setup_, who, services_), services_.node});
  return own_;
}

caf::actor run_part::link_to(const std::string& node) {
  auto& found = link_actors_[node];
  if (!found) found = system_.spawn(link_actor, links_, setup_->run, setup_->attempt, node);
  return found;
}

void run_part::wire(const std::vector<actors::launched_instance>& all, const caf::actor& supervisor,
                    const caf::actor& rejects) {
  supervisor_ = supervisor;
  const auto& what = *setup_->what;
  std::map<flow::instance_id, std::string> nodes;
  for (const auto& instance : all) nodes[instance.who] = instance.node;
  for (const auto& instance : own_) {
    auto links = actors::wiring_of(what, all, instance.who, supervisor, rejects);
    for (auto& output : links.outputs) {
      const auto receiver =
          flow::instance_id{static_cast<std::uint32_t>(what.edges[output.channel.edge].to_unit), output.channel.to};
      if (nodes[receiver] != services_.node) output.to = link_to(nodes[receiver]);
    }
    for (const auto& input : links.inputs) {
      const auto sender =
          flow::instance_id{static_cast<std::uint32_t>(what.edges[input.channel.edge].from_unit), input.channel.from};
      if (nodes[sender] == services_.node) continue;
      links_->receive(nodes[sender], {setup_->run, input.channel.edge, input.channel.from, input.channel.to},
                      setup_->attempt, [to = instance.handle, channel = input.channel](wire::payload body) {
                        caf::anon_send(to, actors::data_message{channel, std::move(body)});
                      });
    }
    caf::anon_send(instance.handle, std::move(links));
  }
}

void run_part::release() {
  links_->forget(setup_->run);
  for (const auto& instance : own_) caf::anon_send(instance.handle, actors::leave{});
  for (const auto& [node, link] : link_actors_) caf::anon_send(link, actors::leave{});
  own_.clear();
  link_actors_.clear();
  supervisor_ = nullptr;
}

void run_part::abandon() {
  for (const auto& instance : own_) caf::anon_send(instance.handle, actors::abandon{.orphaned = true});
  release();
}

}  // namespace sluice::cluster
