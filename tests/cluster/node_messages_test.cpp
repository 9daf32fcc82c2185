#include "cluster/node_messages.hpp"

#include "actors/run/run.hpp"
#include "tests/support/message_bytes.hpp"

#include <caf/all.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/io/all.hpp>

#include <catch2/catch.hpp>

#include <tuple>

namespace sluice::cluster {

namespace {

struct messages_config : caf::actor_system_config {
  messages_config() {
    actors::configure(*this, 1);
    add_message_types<caf::id_block::sluice_cluster>();
    load<caf::io::middleman>();
  }
};

/// One value of every message between nodes, all fields set.
auto samples(const caf::actor& someone) {
  const node_info info{.name = "n1",
                       .pid = 17,
                       .host = "127.0.0.1",
                       .port = 7070,
                       .data_port = 7072,
                       .http = "127.0.0.1:7071",
                       .labels = {{"zone", "dmz"}},
                       .started = 99,
                       .version = "0.1.0",
                       .role = "worker",
                       .system = "F00#17"};
  const peer one{info, someone};
  auto why = user_error("bad_value", "expected a number, found x", "write a number");
  why.where = "unit a";
  why.path = "/transform/a";
  const actors::launched_instance instance{{4, 5}, someone, "n1"};
  const member_report report{.load_percent = 7, .memory = 8, .units = 9, .runs = 10, .cores = 11};
  const node_status how{.info = info, .state = "lost", .report = report, .shares_runs = true, .lost = 5, .how = "x"};
  return std::make_tuple(join_cluster{one, {{"run", 2, {instance}}}}, joined{"session", one, {one, one}, 250, "sign"},
                         join_refused{why}, join_elsewhere{"127.0.0.1", 7070},
                         heartbeat{"session", "n1", 99, report, true}, heartbeat_unknown{"session"},
                         ask_members{"session"}, member_table{{how, how}}, peer_joined{"session", one},
                         peer_left{"session", "n2"}, leave_cluster{"session", "n2"},
                         start_part{"session",
                                    "run",
                                    2,
                                    3,
                                    std::string("pl\0an", 5),
                                    4,
                                    5,
                                    "/base",
                                    "/runs/run/checkpoints",
                                    "{}",
                                    {{4, 5}, {6, 7}}},
                         part_started{"run", "n1", {instance}}, part_failed{"run", "n1", why},
                         wire_part{"session", "run", {instance}, someone, someone}, part_wired{"run", "n1"},
                         release_part{"session", "run"}, follow_part{"session", "run", 2, 3, someone, someone},
                         drop_part{"session", "run"});
}

}  // namespace

TEST_CASE("every message between nodes keeps all its fields") {
  messages_config config;
  caf::actor_system system(config);
  caf::scoped_actor self(system);
  const auto check = [&](auto sample) {
    using message = decltype(sample);
    INFO(caf::type_name<message>::value);
    const auto bytes = bytes_of(system, sample);
    message back;
    caf::binary_deserializer in(system, bytes);
    REQUIRE(in(back) == caf::none);
    CHECK(bytes_of(system, back) == bytes);
    CHECK(bytes != bytes_of(system, message{}));
  };
  const auto all = samples(self);
  std::apply([&](const auto&... one) { (check(one), ...); }, all);
  constexpr auto registered = caf::id_block::sluice_cluster::end - caf::id_block::sluice_cluster::begin;
  CHECK(std::tuple_size_v<decltype(samples(self))> == registered);
  part_failed failed;
  const auto bytes = bytes_of(system, std::get<part_failed>(all));
  caf::binary_deserializer in(system, bytes);
  REQUIRE(in(failed) == caf::none);
  CHECK((failed.run == "run" && failed.node == "n1" && failed.why.code == "bad_value"));
  CHECK((failed.why.hint == "write a number" && failed.why.where == "unit a" && failed.why.path == "/transform/a"));
}

}  // namespace sluice::cluster
