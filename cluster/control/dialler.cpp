#include "cluster/control/dialler.hpp"

#include "cluster/node_messages.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include <chrono>

namespace sluice::cluster {

namespace {

constexpr auto handshake_limit = std::chrono::seconds(5);

class dialler : public caf::event_based_actor {
 public:
  dialler(caf::actor_config& config, std::shared_ptr<transport> over, caf::actor protocol)
      : caf::event_based_actor(config), transport_(std::move(over)), protocol_(std::move(protocol)) {}

  caf::behavior make_behavior() override {
    return {
        [this](const dial_node& message) { dial(message, caf::actor_cast<caf::actor>(current_sender())); },
        [this](dial_ended& message) { shake_hands(message); },
    };
  }

  void on_exit() override {
    transport_ = nullptr;
    protocol_ = nullptr;
  }

 private:
  void dial(const dial_node& message, const caf::actor& asked_by) {
    transport_->dial(message.where, message.expected,
                     [self = caf::actor(this), message, asked_by](result<std::shared_ptr<owned_descriptor>> how) {
                       dial_ended ended{message, asked_by, nullptr, {}};
                       if (how.ok())
                         ended.end = std::move(how).value();
                       else
                         ended.why = how.problem();
                       caf::anon_send(self, std::move(ended));
                     });
  }

  /// The peer is proven: CAF's handshake follows.
  void shake_hands(const dial_ended& message) {
    const auto answer = [this, to = message.asked_by, number = message.what.number](const caf::actor& node, error why) {
      if (to) send(to, node_dialled{number, node, std::move(why)});
    };
    if (!message.end) return answer(nullptr, message.why);
    request(protocol_, handshake_limit, caf::connect_atom::value, scribe_of(system(), *message.end), std::uint16_t{0})
        .then(
            [answer](const caf::node_id&, const caf::strong_actor_ptr& published, const std::set<std::string>&) {
              answer(caf::actor_cast<caf::actor>(published), external_error("join_failed", "it publishes nothing"));
            },
            [this, answer](const caf::error& problem) {
              answer(nullptr, external_error("join_failed", system().render(problem), {}, true));
            });
  }

  std::shared_ptr<transport> transport_;
  caf::actor protocol_;
};

}  // namespace

caf::actor spawn_dialler(caf::actor_system& system, std::shared_ptr<transport> over, const caf::actor& protocol) {
  return system.spawn<dialler>(std::move(over), protocol);
}

}  // namespace sluice::cluster
