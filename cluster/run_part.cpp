#include "cluster/run_part.hpp"

#include "actors/run/follow_messages.hpp"

#include <caf/all.hpp>

namespace sluice::cluster {

namespace {

data_route route_of(const actors::run_setup& setup, const actors::channel_id& channel) {
  return {setup.run, channel.edge, channel.from, channel.to};
}

/// Stands for the receivers of a run on one other node: what an instance sends to it goes over the data links.
caf::behavior link_actor(caf::event_based_actor* self, std::shared_ptr<batch_links> links,
                         const std::shared_ptr<const actors::run_setup>& setup, const std::string& node) {
  return {[links = std::move(links), setup, node](actors::data_message& message) {
            const auto& channel = message.channel;
            links->send(node, {.route = route_of(*setup, channel),
                               .attempt = setup->attempt,
                               .body = std::move(message.body),
                               .ordered = setup->what->edges[channel.edge].ordered});
          },
          [self](const actors::leave&) { self->quit(); }};
}

using senders = std::map<actors::channel_id, caf::actor>;

/// Stands for the senders of a run on other nodes: the links learn from it what was worked off here.
caf::behavior credit_actor(caf::event_based_actor* self, std::shared_ptr<batch_links> links,
                           const std::shared_ptr<const actors::run_setup>& setup, const senders& of) {
  return {[self, links = std::move(links), setup, of](const actors::credit& message) {
            links->worked_off(route_of(*setup, message.channel), message.rows);
            if (const auto to = of.find(message.channel); to != of.end()) self->send(to->second, message);
          },
          [self, of](const actors::stop_sending& message) {
            if (const auto to = of.find(message.channel); to != of.end()) self->send(to->second, message);
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
  if (!found) found = system_.spawn(link_actor, links_, setup_, node);
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
    senders remote;
    for (auto& input : links.inputs) {
      const auto sender =
          flow::instance_id{static_cast<std::uint32_t>(what.edges[input.channel.edge].from_unit), input.channel.from};
      if (nodes[sender] == services_.node) continue;
      links_->receive(nodes[sender], route_of(*setup_, input.channel), setup_->attempt,
                      [to = instance.handle, channel = input.channel](wire::payload body) {
                        caf::anon_send(to, actors::data_message{channel, std::move(body)});
                      });
      remote[input.channel] = input.from;
    }
    if (!remote.empty()) {
      credit_actors_.push_back(system_.spawn(credit_actor, links_, setup_, remote));
      for (auto& input : links.inputs)
        if (remote.contains(input.channel)) input.from = credit_actors_.back();
    }
    caf::anon_send(instance.handle, std::move(links));
  }
}

bool run_part::keep() {
  kept_ = supervisor_ != nullptr;
  return kept_;
}

void run_part::follow(const caf::actor& supervisor, const caf::actor& rejects) {
  kept_ = false;
  supervisor_ = supervisor;
  for (const auto& instance : own_) caf::anon_send(instance.handle, actors::follow{supervisor, rejects});
}

void run_part::release() {
  links_->forget(setup_->run);
  for (const auto& instance : own_) caf::anon_send(instance.handle, actors::leave{});
  for (const auto& [node, link] : link_actors_) caf::anon_send(link, actors::leave{});
  for (const auto& one : credit_actors_) caf::anon_send(one, actors::leave{});
  own_.clear();
  link_actors_.clear();
  credit_actors_.clear();
  supervisor_ = nullptr;
}

void run_part::abandon() {
  for (const auto& instance : own_) caf::anon_send(instance.handle, actors::abandon{.orphaned = true});
  release();
}

}  // namespace sluice::cluster
