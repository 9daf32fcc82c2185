#include "cluster/lifeline.hpp"

#include "tests/support/patience.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::cluster;

TEST_CASE("an actor that has ended is known to be gone, however it ended") {
  caf::actor_system_config config;
  caf::actor_system system(config);
  for (const auto reason : {caf::exit_reason::kill, caf::exit_reason::user_shutdown}) {
    lifeline line;
    CHECK_FALSE(line.alive());
    const auto actor = system.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; });
    line.follow(actor);
    CHECK(line.alive());
    caf::anon_send_exit(actor, reason);
    CHECK(test::eventually([&] { return !line.alive(); }));
  }
}
