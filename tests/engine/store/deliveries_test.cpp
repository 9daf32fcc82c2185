#include "engine/store/deliveries.hpp"

#include "engine/store/store_place.hpp"
#include "tests/engine/store/fresh_store.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::store;

namespace {

constexpr std::int64_t never_earlier = 1'000;

subscription rule(const std::string& name, const options& channels = {{"pager", {{"kind", "webhook"}}}}) {
  subscription made;
  made.id = "daily/" + name;
  made.pipeline = "daily";
  made.name = name;
  made.spec = options{{"rule", options::object()}, {"channels", channels}};
  return made;
}

struct office {
  store::testing::fresh_store place;
  std::shared_ptr<store::store> kept;
  delivery_log* log = nullptr;
  int messages = 0;

  office() : kept(as(store::this_process("first"))), log(&deliveries_of(*kept)) {
    run_record run;
    run.id = "0190a3f2-1b2c-7abc-8000-000000000001";
    run.pipeline = "daily";
    REQUIRE(kept->create_run(run, {{.run = run.id, .type = "run.queued"}}).value());
  }
  /// Another process, or this one: its own connection to the same file.
  [[nodiscard]] std::shared_ptr<store::store> as(const process_record& who) const {
    auto opened = open_store(place.place()).value();
    opened->enroll(who);
    return opened;
  }
  delivery message(const std::string& lane, const std::string& channel = "pager") {
    delivery made;
    made.subscription = "daily/oncall";
    made.channel = channel;
    made.lane = lane;
    made.key = "m" + std::to_string(++messages);
    made.kind = "event";
    made.type = "run.failed";
    made.run = lane;
    made.cursor = messages;
    return made;
  }
  void derive(const std::vector<delivery>& made, std::int64_t mark = 1, const options& state = {}) {
    const derived one{.subscription = "daily/oncall", .reached = derived::place{mark, state}, .made = made};
    REQUIRE(log->keep({one}, {}).value().taken.empty());
  }
  std::vector<event> note(const std::vector<tried_delivery>& outcomes, const channel_health& health,
                          const std::vector<event>& events) {
    return log
        ->keep({}, {{.subscription = "daily/oncall",
                     .channel = "pager",
                     .outcomes = outcomes,
                     .health = health,
                     .events = events}})
        .value()
        .events;
  }
  std::vector<std::string> due(std::int64_t now = never_earlier, const std::vector<std::string>& busy = {}) {
    std::vector<std::string> keys;
    const auto found1 = log->due("daily/oncall", "pager", now, busy, 16).value();
    for (const auto& one : found1) keys.push_back(one.key);
    return keys;
  }
  void tried(const std::string& key, delivery_state state, std::int64_t next_at = 0) {
    note({{.key = key, .state = state, .at = 1, .next_at = next_at, .answer = "x"}},
         {.pipeline = "daily", .channel = "pager"}, {});
  }
};

using keys = std::vector<std::string>;

}  // namespace

TEST_CASE("a new subscription begins behind the newest event, and one that goes on keeps its place", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  auto held = in.log->hold("daily/oncall").value();
  REQUIRE(held);
  CHECK(held->mark == 1);
  in.derive({}, 7, options{{"groups", {{"a", 1}}}});
  REQUIRE(in.log->subscribe("daily", {rule("oncall"), rule("log")}).ok());
  held = in.log->hold("daily/oncall").value();
  CHECK(held->mark == 7);
  CHECK(held->state["groups"]["a"] == 1);
  CHECK(in.log->subscriptions()->size() == 2);
}

TEST_CASE("a rule that is gone ends where the log was, and goes when nothing of it waits", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  in.derive({in.message("r1")});
  REQUIRE(in.log->forget_subscription("daily/oncall").ok());
  CHECK(in.log->subscriptions()->size() == 1);
  REQUIRE(in.log->subscribe("daily", {}).ok());
  CHECK(in.log->subscriptions()->front().until == 1);
  REQUIRE(in.log->forget_subscription("daily/oncall").ok());
  CHECK(in.log->subscriptions()->size() == 1);
  in.tried("m1", delivery_state::delivered);
  REQUIRE(in.log->forget_subscription("daily/oncall").ok());
  CHECK(in.log->subscriptions()->empty());
}

TEST_CASE("one living process at a time works on a subscription; that of a dead one is free", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  auto second = in.as(this_process("second"));
  CHECK_FALSE(deliveries_of(*second).hold("daily/oncall").value());
  CHECK(deliveries_of(*second).subscriptions()->front().held_elsewhere);
  REQUIRE(in.log->release_subscription("daily/oncall").ok());
  REQUIRE(deliveries_of(*second).hold("daily/oncall").value());
  // The first one's writes count no more.
  CHECK(in.log->keep({{.subscription = "daily/oncall", .reached = derived::place{9, {}}, .made = {}}}, {})->taken ==
        keys{"daily/oncall"});

  auto gone = this_process("gone");
  gone.id = "gone";
  gone.pid = 1;
  gone.pid_started = 1;  // no such process
  REQUIRE(deliveries_of(*second).release_all().ok());
  REQUIRE(deliveries_of(*in.as(gone)).hold("daily/oncall").value());
  CHECK(in.log->hold("daily/oncall").value());
}

TEST_CASE("a message is made once, however often its event is read", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  const auto one = in.message("r1");
  in.derive({one});
  in.derive({one});
  CHECK(in.due() == keys{"m1"});
  in.tried("m1", delivery_state::delivered);
  in.derive({one});
  CHECK(in.due().empty());
}

TEST_CASE("what fails holds back what follows in its lane, and nothing else", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  in.derive({in.message("r1"), in.message("r1"), in.message("r2"), in.message("r1")});
  CHECK(in.due() == keys{"m1", "m2", "m4"});
  CHECK(in.due(never_earlier, {"r1"}) == keys{"m3"});
  in.tried("m1", delivery_state::open, 5'000);
  CHECK(in.due() == keys{"m3"});
  in.derive({in.message("r1"), in.message("r2")});
  CHECK(in.due() == keys{"m3", "m6"});
  CHECK(*in.log->next_due("daily/oncall", "pager", {}).value() == 0);
  // Its time has come.
  CHECK(in.due(5'000, {"r2"}) == keys{"m1"});
  SECTION("delivered") { in.tried("m1", delivery_state::delivered); }
  SECTION("given up") { in.tried("m1", delivery_state::given_up); }
  CHECK(in.due(5'000, {"r2"}) == keys{"m2", "m4", "m5"});
}

TEST_CASE("pending says what waits, by channel, with the last answer", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  in.derive({in.message("r1"), in.message("r1"), in.message("r2", "mail")});
  in.tried("m1", delivery_state::open, 5'000);
  const auto all = in.log->pending().value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].channel == "mail");
  CHECK(all[1].count == 2);
  CHECK(all[1].answer == "x");
  CHECK(in.log->pending("r2")->size() == 1);
  CHECK(in.log->make_due(1'000).value() == 3);
  CHECK(in.due(1'000) == keys{"m1"});
}

TEST_CASE("a disabled channel gets nothing more, until it is changed", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  in.derive({in.message("r1"), in.message("r2")});
  event told;
  told.type = "channel.disabled";
  told.data = options{{"pipeline", "daily"}, {"channel", "pager"}};
  CHECK(in.note({{.key = "m1", .state = delivery_state::dropped, .at = 1}},
                {.pipeline = "daily", .channel = "pager", .disabled = true}, {told})
            .size() == 1);
  CHECK(in.due().empty());
  in.derive({in.message("r3")});
  CHECK(in.due().empty());
  CHECK(in.log->deliveries({.limit = 10})->front().state == delivery_state::dropped);
  REQUIRE(in.log->subscribe("daily", {rule("oncall", {{"pager", {{"kind", "webhook"}, {"new", true}}}})}).ok());
  in.derive({in.message("r4")});
  CHECK(in.due() == keys{"m4"});
}

TEST_CASE("events without a run are in the log, gapless, with ids of their own", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  event told;
  told.type = "channel.failing";
  told.data = options{{"pipeline", "daily"}, {"channel", "pager"}};
  const channel_health health{.pipeline = "daily", .channel = "pager"};
  const auto first = in.note({}, health, {told});
  const auto second = in.note({}, health, {told, told});
  CHECK(first[0].sequence == 1);
  CHECK(second[1].sequence == 3);
  const auto read = in.kept->events(first[0].cursor - 1, "", 10).value();
  REQUIRE(read.size() == 3);
  CHECK(read[0].id == first[0].id);
  CHECK(read[0].pipeline == "daily");
  CHECK(read[0].run.empty());
  CHECK(read[2].id == second[1].id);
  const auto json = cloud_event(read[0]);
  CHECK(json["source"].text().starts_with("/sluice/state/"));
  CHECK(json["data"]["severity"] == "error");
  CHECK_FALSE(json["data"].contains("run"));
  // A reader of one run does not see them.
  CHECK(in.kept->events(0, "0190a3f2-1b2c-7abc-8000-000000000001", 10)->size() == 1);
}

TEST_CASE("the newest deliveries that are done are kept, and all that are not", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->hold("daily/oncall").value());
  std::vector<delivery> many;
  for (int at = 0; at < 1'200; ++at) many.push_back(in.message("r" + std::to_string(at)));
  in.derive(many);
  std::vector<tried_delivery> outcomes;
  const auto newest = in.log->deliveries({.limit = 1'150}).value();
  for (const auto& one : newest) outcomes.push_back({.key = one.key, .at = 1});
  in.note(outcomes, {.pipeline = "daily", .channel = "pager"}, {});
  CHECK(in.log->deliveries({.limit = 10'000})->size() == 1'050);
  CHECK(in.log->pending()->front().count == 50);
}

TEST_CASE("silences, acknowledgements and the health of channels are kept", "[store]") {
  office in;
  REQUIRE(in.log->subscribe("daily", {rule("oncall")}).ok());
  REQUIRE(in.log->add_silence({.id = "s1", .when = "true", .since = 1, .until = 9'000'000'000'000'000, .reason = "x"})
              .ok());
  CHECK(in.log->silences(5)->front().reason == "x");
  CHECK(in.log->end_silence("s1").value());
  CHECK_FALSE(in.log->end_silence("s1").value());

  REQUIRE(in.log->hold("daily/oncall").value());
  const options state = {{"alerts", {{"k", {{"id", "a1"}}}}}};
  in.derive({}, 1, state);
  CHECK(in.log->has_alert("a1").value());
  CHECK_FALSE(in.log->has_alert("a2").value());
  CHECK(in.log->acknowledge("a1").value());
  CHECK_FALSE(in.log->acknowledge("a1").value());
  CHECK(in.log->acknowledged({"a1", "a2"}).value() == keys{"a1"});

  in.note({}, {.pipeline = "daily", .channel = "pager", .failures = 3, .failing = true}, {});
  auto health = in.log->health_of("daily", "pager").value();
  CHECK((health.failures == 3 && health.failing && !health.disabled));
  REQUIRE(in.log->enable("daily", "pager").ok());
  CHECK(in.log->health_of("daily", "pager").value().failures == 0);
  CHECK(in.log->params_of("0190a3f2-1b2c-7abc-8000-000000000001").ok());
  CHECK(in.log->deliveries({.pipeline = "daily", .channel = "pager", .run = "r1", .pending = true})->empty());
  REQUIRE(in.log->release_all().ok());
}
