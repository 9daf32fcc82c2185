#include "actors/messages.hpp"

#include "actors/run/follow_messages.hpp"
#include "actors/run/rule_messages.hpp"
#include "actors/run/run.hpp"
#include "tests/support/message_bytes.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <catch2/catch.hpp>

#include <set>
#include <tuple>

using namespace sluice;
using namespace sluice::actors;
using namespace std::chrono_literals;

namespace {

struct node_config : caf::actor_system_config {
  node_config() {
    configure(*this, 1);
    load<caf::io::middleman>();
  }
};

/// Sends everything back. A class, because CAF's code for functions without arguments binds a null reference (UBSan).
struct echo_actor : caf::event_based_actor {
  explicit echo_actor(caf::actor_config& config) : caf::event_based_actor(config) {}
  caf::behavior make_behavior() override {
    set_default_handler(caf::reflect);
    return {[](int) {}};
  }
};

error sample_error() {
  auto made = user_error("bad_value", "expected a number, found x", "write a number");
  made.where = "unit a";
  made.path = "/transform/a/derive/b";
  made.offset = 7;
  made.at = {"p.yaml", 3, 9};
  return made;
}

flow::unit_counters sample_counters() { return {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; }

store::event sample_event() {
  store::event made;
  made.cursor = 12;
  made.id = "run/3";
  made.run = "run";
  made.sequence = 3;
  made.type = "unit.finished";
  made.unit = "a";
  made.time = 99;
  made.data = {{"rows", 7}, {"text", "\xc3\xa4"}, {"none", nullptr}};
  made.pipeline = "p";
  made.owner = "o";
  made.tags = {"t1", "t2"};
  return made;
}

/// One value of every message that crosses nodes, all fields set.
auto samples(const caf::actor& someone) {
  const channel_id channel{1, 2, 3};
  const instance_id who{4, 5};
  const rejected_row row{
      "u", "code", "column", "message", std::string("re\0cord", 7), {1, 1U << 31, std::int64_t{1} << 40}, "file", 8};
  flow::instance_report report{who, sample_counters(), {1, 2}, {{channel, 5, 6}}, {{channel, 7, 8}}, true};
  const unit_progress unit{"u", "running", sample_counters(), 11, 12};
  const run_progress progress{"run", "p", "running", 13, 14, {unit}, 15, 16, 17};
  const flow::split_state read{1, "position", true, 2};
  const flow::instance_snapshot snapshot{report, 3, true, std::string("s\0t", 3), {"name", 4, "hash"}, {read, read}};
  return std::make_tuple(
      credit{channel, 6, 7}, stop_sending{channel}, want_split{who},
      take_split{{1, "file", 2, 3, 4}, std::string("a\0b", 3), 5}, want_room{who, 6, 7}, room_given{8, 9},
      epoch_committed{7, {read}}, no_more_splits{}, split_finished{who, 6, "p", 7}, splits_discovered{1, 2, 3, "hash"},
      time_reached{1, true, -2, true}, watermark_risen{-3}, begin_epoch{4, true}, epoch_ready{who, 5}, epoch_passed{6},
      epoch_prepared{7, snapshot, "token", "target", 8}, sync_rejects{9}, rejects_synced{10, 11, 12},
      locate_rejects{1, {row}}, rejects_located{2, {row}}, store_rejects{3, {row}}, rejects_stored{4}, close_rejects{},
      rejects_closed{5, "path"}, launched{{{who, someone, "node"}}}, launch_failed{sample_error()},
      node_lost{"n", sample_error()}, wiring{{{channel, someone}}, {{channel, someone}}, {someone}, someone, someone},
      begin_work{}, instance_started{who}, instance_failed{who, sample_error()}, instance_stands{who, 6, true, 7},
      rules_checked{who, {{"rule", "warn", 1, 2, "3%", "message", false, true}}},
      instance_finished{report, "target", "{}", "token", 9, {read}, "streams"}, report_progress{},
      instance_progress{who, sample_counters(), 10, true}, commit_load{"token", true, false}, committed{who},
      abandon{true}, abandoned{who}, leave{}, progress, events_written{{sample_event()}},
      subscribe_events{someone, 8, "run"}, unsubscribe_events{someone}, event_batch{{sample_event(), sample_event()}},
      events_seen{9}, submitted{"run"}, submission_refused{{sample_error(), sample_error()}}, cancel_run{"run"},
      cancel_answer{"run", true, true}, steer_run{"run", "drain"}, steer_answer{"run", true, sample_error(), 3},
      get_progress{"run"}, list_live_runs{}, live_runs{{progress, progress}}, await_run{"run", someone}, shut_down{});
}

}  // namespace

TEST_CASE("every message type that crosses nodes arrives whole in another actor system") {
  node_config here_config;
  node_config there_config;
  caf::actor_system here(here_config);
  caf::actor_system there(there_config);
  const auto echo = there.spawn<echo_actor>();
  const auto port = there.middleman().publish(echo, 0, "127.0.0.1");
  REQUIRE(port);
  const auto remote = here.middleman().remote_actor("127.0.0.1", *port);
  REQUIRE(remote);

  caf::scoped_actor self(here);
  const auto check = [&](auto sample) {
    using message = decltype(sample);
    INFO(caf::type_name<message>::value);
    bool came = false;
    self->send(*remote, sample);
    self->receive(
        [&](const message& back) {
          came = true;
          CHECK(bytes_of(here, back) == bytes_of(here, sample));
        },
        caf::after(5s) >> [] {});
    CHECK(came);
  };
  const auto all = samples(self);
  std::apply([&](const auto&... one) { (check(one), ...); }, all);
  constexpr auto registered = caf::id_block::sluice_actors::end - caf::id_block::sluice_actors::begin +
                              caf::id_block::sluice_rules::end - caf::id_block::sluice_rules::begin +
                              caf::id_block::sluice_follow::end - caf::id_block::sluice_follow::begin;
  CHECK(std::tuple_size_v<decltype(samples(self))> == registered);
  // Not from `self`: the other system's actor would run on this system's scheduler and outlive its own.
  caf::anon_send_exit(echo, caf::exit_reason::user_shutdown);
}

TEST_CASE("an error and an event keep every field on their way") {
  node_config config;
  caf::actor_system system(config);
  const auto travel = [&](auto value) {
    std::vector<char> bytes;
    caf::binary_serializer out(system, bytes);
    REQUIRE(out(value) == caf::none);
    decltype(value) back;
    caf::binary_deserializer in(system, bytes);
    REQUIRE(in(back) == caf::none);
    return back;
  };
  const auto problem = travel(sample_error());
  CHECK(problem.to_string() == sample_error().to_string());
  CHECK(problem.path == "/transform/a/derive/b");
  CHECK(problem.offset == 7U);
  CHECK(problem.to_blame == blame::user);
  CHECK_FALSE(travel(error{}).offset);
  const auto event = travel(sample_event());
  CHECK(event.data == sample_event().data);
  CHECK(event.tags == sample_event().tags);
  CHECK(event.pipeline == "p");
  CHECK(event.cursor == 12);
}
