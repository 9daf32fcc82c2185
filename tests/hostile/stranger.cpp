// A program that speaks CAF's protocol, as anybody can who has CAF, and has no token.
//   stranger dial PORT    tries to get the actor that a node publishes and to end it
//   stranger listen       publishes an actor, prints its port, and answers whoever connects until its input ends
// The exit code of `dial` is 0 where it got nowhere, 1 where it got an actor.
#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

struct stranger_config : caf::actor_system_config {
  stranger_config() {
    load<caf::io::middleman>();
    set("middleman.enable-automatic-connections", false);
  }
};

int dial(caf::actor_system& system, std::uint16_t port) {
  const auto found = system.middleman().remote_actor("127.0.0.1", port);
  if (!found) {
    std::cout << "no actor: " << system.render(found.error()) << std::endl;
    return 0;
  }
  std::cout << "got an actor" << std::endl;
  caf::scoped_actor self(system);
  caf::anon_send_exit(*found, caf::exit_reason::kill);
  self->wait_for(*found);
  return 1;
}

caf::behavior told(caf::event_based_actor* self) {
  self->set_default_handler([](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
    std::cout << "told " << to_string(view.move_content_to_message()) << std::endl;
    return caf::message{};
  });
  return {[](int) {}};
}

int listen(caf::actor_system& system) {
  const auto actor = system.spawn(told);
  const auto port = system.middleman().publish(actor, 0, "127.0.0.1");
  if (!port) return 1;
  std::cout << "port " << *port << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  stranger_config config;
  caf::actor_system system(config);
  int code = 2;
  if (what == "dial" && count > 2) code = dial(system, static_cast<std::uint16_t>(std::atoi(words[2])));
  if (what == "listen") code = listen(system);
  std::cout.flush();
  std::_Exit(code);  // CAF would wait for a node that does not answer
}
