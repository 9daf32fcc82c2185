// Deliveries in virtual time: the real dispatcher, subscriptions and Store, receivers that the test plays.
#include "actors/delivery/dispatcher.hpp"
#include "actors/messages.hpp"
#include "actors/notifier.hpp"
#include "engine/notify/channel_queue.hpp"
#include "engine/notify/retry.hpp"
#include "tests/actors/virtual_time.hpp"
#include "tests/support/hooked_store.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <map>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;

namespace {

/// What a channel's receiver does, and what it was told.
struct receiver {
  struct call {
    std::string id;
    std::string type;
    std::string kind;
    std::int64_t second;  ///< since the test began
  };
  std::vector<call> calls = {};
  std::vector<call> taken = {};
  std::function<delivery_attempt::outcome(const notice&)> answer = [](const notice&) {
    return delivery_attempt::outcome::delivered;
  };
  std::optional<std::chrono::microseconds> ask_again = {};

  [[nodiscard]] std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const auto& one : taken) all.push_back(one.id);
    return all;
  }
  [[nodiscard]] std::vector<std::string> kinds() const {
    std::vector<std::string> all;
    for (const auto& one : taken) all.push_back(one.kind);
    return all;
  }
};

constexpr std::int64_t second = 1'000'000;
const std::string first_run = "00000000-0000-7000-8000-000000000001";
const std::string other_run = "00000000-0000-7000-8000-000000000002";

struct office {
  virtual_time time;
  std::shared_ptr<store::store> kept = store::open_sqlite(":memory:").value();
  std::shared_ptr<test::hooked_store> store = std::make_shared<test::hooked_store>(kept);
  std::map<std::string, receiver> receivers;
  caf::actor notifier;
  caf::actor dispatcher;
  probe desk{time};
  std::chrono::steady_clock::time_point began = time.now();
  std::set<std::string> broken = {};  ///< channels that can't be made
  std::chrono::milliseconds look_interval;

  explicit office(std::chrono::milliseconds look = 1s) : look_interval(look) {
    kept->enroll(store::this_process("here"));
    create(first_run);
    create(other_run);
    start();
  }
  void start() {
    notifier = time.keep(spawn_notifier(time.system(), store, time.services()));
    dispatcher = time.keep(spawn_dispatcher(time.system(), {.services = time.services(),
                                                            .store = store,
                                                            .notifier = notifier,
                                                            .make = maker(),
                                                            .now = [this] { return now(); },
                                                            .look_interval = look_interval}));
  }
  /// The process dies with all that was not durable, and another one takes over.
  void crash() {
    time.calls().forget();
    // Subscriptions end with their dispatcher, without a word to the Store: nothing of what they post runs.
    time.kill(dispatcher);
    time.kill(notifier);
    time.stalled = true;
    time.settle();
    time.calls().forget();
    time.stalled = false;
    start();
  }
  [[nodiscard]] std::int64_t now() {
    return 1'700'000'000 * second + std::chrono::duration_cast<std::chrono::microseconds>(time.now() - began).count();
  }
  notify::channel_maker maker() {
    return [this](const std::string& name, const options&) -> result<std::shared_ptr<subscriber>> {
      struct played final : subscriber {
        office& in;
        std::string name;
        played(office& of, std::string called) : in(of), name(std::move(called)) {}
        delivery_attempt deliver(const notice& what) override {
          auto& to = in.receivers[name];
          const receiver::call call{what.id, what.events.back().type, what.kind,
                                    (in.now() - 1'700'000'000 * second) / second};
          to.calls.push_back(call);
          delivery_attempt made;
          made.what = to.answer(what);
          made.answer = "played";
          made.ask_again = to.ask_again;
          if (made.what == delivery_attempt::outcome::delivered) to.taken.push_back(call);
          return made;
        }
      };
      if (broken.count(name) != 0) return user_error("missing_secret", "the secret is not set");
      return std::shared_ptr<subscriber>(std::make_shared<played>(*this, name));
    };
  }
  void create(const std::string& run) {
    store::run_record record;
    record.id = run;
    record.pipeline = "daily";
    REQUIRE(kept->create_run(record, {}).ok());
  }
  void subscribe(const options& rule, const std::vector<std::string>& channels) {
    store::subscription made;
    made.id = "daily/rule";
    made.pipeline = "daily";
    made.name = "rule";
    made.spec = options{{"rule", rule}, {"channels", options::object()}, {"params", options::object()}};
    made.spec["rule"]["to"] = channels;
    for (const auto& name : channels) made.spec["channels"][name] = options{{"kind", "played"}};
    REQUIRE(store::deliveries_of(*kept).subscribe("daily", {made}).ok());
  }
  void write(int count, const std::string& run = first_run, const std::string& type = "unit.finished") {
    store::change change;
    change.run = run;
    for (int at = 0; at < count; ++at) change.events.push_back({.run = run, .type = type});
    desk.send(notifier, events_written{kept->apply(change).value()});
  }
  std::vector<std::string> log(const std::string& run = {}) {
    std::vector<std::string> ids;
    const auto found1 = kept->events(0, run, 100'000).value();
    ids.reserve(found1.size());
    for (const auto& one : found1) ids.push_back(one.id);
    return ids;
  }
  std::vector<std::string> types() {
    std::vector<std::string> all;
    const auto found2 = kept->events(0, "", 100'000).value();
    for (const auto& one : found2)
      if (one.run.empty()) all.push_back(one.type);
    return all;
  }
  std::int64_t pending() {
    std::int64_t count = 0;
    const auto found3 = store::deliveries_of(*kept).pending().value();
    for (const auto& one : found3) count += one.count;
    return count;
  }
};

const auto again = [](const notice&) { return delivery_attempt::outcome::again; };
using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("every channel of a rule gets every event once, in order") {
  office in;
  in.subscribe(options::object(), {"pager", "mail"});
  in.write(300);
  in.time.pass(2s);
  in.write(3);
  in.time.pass(1s);
  CHECK(in.receivers["pager"].ids() == in.log());
  CHECK(in.receivers["mail"].ids() == in.log());
  CHECK(in.pending() == 0);
}

TEST_CASE("rules that are behind read the log together, and each is told all that concerns it") {
  office in;
  in.write(700);
  std::vector<store::subscription> rules;
  for (int at = 0; at < 30; ++at) {
    const auto name = "r" + std::to_string(at);
    store::subscription made{.id = "daily/" + name, .pipeline = "daily", .name = name};
    made.spec = options{{"rule", {{"to", options::array({name})}}},
                        {"channels", {{name, {{"kind", "played"}}}}},
                        {"params", options::object()}};
    rules.push_back(std::move(made));
  }
  REQUIRE(store::deliveries_of(*in.kept).subscribe("daily", rules).ok());
  // Nobody tells of these: all rules find them behind their marks.
  store::change change{.run = first_run};
  for (int at = 0; at < 600; ++at) change.events.push_back({.run = first_run, .type = "unit.finished"});
  const auto written = in.kept->apply(change).value();
  int reads = 0;
  in.store->before = [&](const std::string& call) -> status {
    if (call == "events") ++reads;
    return {};
  };
  in.time.pass(30s);
  texts wanted;
  for (const auto& one : written) wanted.push_back(one.id);
  for (int at = 0; at < 30; ++at) CHECK(in.receivers["r" + std::to_string(at)].ids() == wanted);
  // Beside one read for each message that is sent from the Store. Alone each rule would read three times.
  CHECK(reads - 600 * 30 < 30);
}

TEST_CASE("only what the rule's condition is true of is told") {
  office in;
  in.subscribe({{"when", "type = 'run.failed' and severity = 'error'"}}, {"pager"});
  in.write(5);
  in.write(1, first_run, "run.failed");
  in.time.pass(2s);
  REQUIRE(in.receivers["pager"].taken.size() == 1);
  CHECK(in.receivers["pager"].taken[0].type == "run.failed");
}

TEST_CASE("while a node is lost the alarms of its runs are muted, and those of other nodes are not") {
  office in;
  const options by = {{"by", "type = 'node.lost'"}, {"same", {"node"}}, {"for", 600 * second}};
  in.subscribe({{"when", "type = 'run.failed'"}, {"inhibit", options::array({by})}}, {"pager"});
  in.time.pass(1s);
  std::vector<store::event> lost(1);
  lost.front().type = "node.lost";
  lost.front().data = options{{"node", "n1"}};
  REQUIRE(store::deliveries_of(*in.kept).keep({}, {{.events = lost}}).ok());
  const auto fail = [&](const std::string& run, const std::string& node) {
    store::event failed{.run = run, .type = "run.failed"};
    failed.data = options{{"cause", {{"code", "node_lost"}, {"where", "node " + node}}}};
    in.desk.send(in.notifier, events_written{in.kept->apply({.run = run, .events = {failed}}).value()});
  };
  fail(first_run, "n1");
  fail(other_run, "n2");
  in.time.pass(2s);
  REQUIRE(in.receivers["pager"].taken.size() == 1);
  CHECK(in.receivers["pager"].taken[0].id == other_run + "/1");
  const auto all = store::deliveries_of(*in.kept).deliveries({.run = first_run}).value();
  REQUIRE(all.size() == 1);
  CHECK(all[0].answer == "muted by node.lost of n1");
}

TEST_CASE("deliveries that are made due are tried at once") {
  office in;
  in.subscribe(options::object(), {"pager"});
  in.time.pass(1s);
  in.receivers["pager"].answer = again;
  in.write(1);
  in.time.pass(6s);  // the second try has failed too: the next is due in five minutes
  REQUIRE(in.receivers["pager"].calls.size() == 2);
  REQUIRE(store::deliveries_of(*in.kept).make_due(in.now()).value() == 1);
  in.time.pass(2s);
  CHECK(in.receivers["pager"].calls.size() == 3);
}

TEST_CASE("an event that fails is tried after about 5 s, 5 min, 30 min, 2 h, 5 h and 10 h, with the same id") {
  office in(1min);
  in.subscribe(options::object(), {"pager"});
  in.time.pass(1min);
  in.receivers["pager"].answer = again;
  in.write(1);
  in.time.pass(24h);
  const auto& calls = in.receivers["pager"].calls;
  REQUIRE(calls.size() == 7);
  const std::vector<std::int64_t> about = {5, 300, 1800, 7200, 18000, 36000};
  for (std::size_t at = 0; at < about.size(); ++at) {
    const auto pause = calls[at + 1].second - calls[at].second;
    CHECK(pause >= about[at] * 9 / 10 - 1);
    CHECK(pause <= about[at] * 11 / 10 + 61);  // a timer of a minute at most looks again
    CHECK(calls[at + 1].id == calls[0].id);
  }
}

TEST_CASE("an event that fails holds back its run's later ones, not those of another run") {
  office in;
  in.subscribe(options::object(), {"pager"});
  int failures = 1;
  in.receivers["pager"].answer = [&](const notice& what) {
    const bool fails = what.events[0].run == first_run && failures-- > 0;
    return fails ? delivery_attempt::outcome::again : delivery_attempt::outcome::delivered;
  };
  in.write(3);
  in.write(3, other_run);
  in.time.pass(2s);
  CHECK(in.receivers["pager"].ids() == in.log(other_run));
  CHECK(in.pending() == 3);
  in.time.pass(10s);
  CHECK(in.receivers["pager"].taken.size() == 6);
  texts of_first;
  for (const auto& id : in.receivers["pager"].ids())
    if (id.starts_with(first_run)) of_first.push_back(id);
  CHECK(of_first == in.log(first_run));
}

TEST_CASE("with order: any an event that fails holds back nothing") {
  office in;
  in.subscribe({{"order", "any"}}, {"pager"});
  const auto bad = first_run + "/1";
  in.receivers["pager"].answer = [&](const notice& what) {
    return what.id == bad ? delivery_attempt::outcome::again : delivery_attempt::outcome::delivered;
  };
  in.write(3);
  in.time.pass(2s);
  CHECK(in.receivers["pager"].ids() == texts{first_run + "/2", first_run + "/3"});
}

TEST_CASE("an event that always fails is given up after three days, which is an event, and what it held back goes on") {
  office in(1min);
  in.subscribe(options::object(), {"pager", "mail"});
  in.time.pass(1min);
  const auto bad = first_run + "/1";
  in.receivers["pager"].answer = [&](const notice& what) {
    return what.id == bad ? delivery_attempt::outcome::again : delivery_attempt::outcome::delivered;
  };
  in.write(3);
  in.time.pass(48h);
  CHECK(in.receivers["pager"].taken.empty());
  CHECK(in.types() == texts{"channel.failing"});
  in.time.pass(24h + 1h);
  CHECK(in.receivers["pager"].ids() == texts{first_run + "/2", first_run + "/3"});
  CHECK(in.types() == texts{"channel.failing", "delivery.given_up", "channel.recovered"});
  // Trouble with a channel is told on another one.
  CHECK(in.receivers["mail"].taken.size() == 6);
  CHECK(in.pending() == 0);
}

TEST_CASE("a receiver that asks for time gets it") {
  office in;
  in.subscribe(options::object(), {"pager"});
  in.receivers["pager"].answer = again;
  in.receivers["pager"].ask_again = 120s;
  in.write(1);
  in.time.pass(119s);
  CHECK(in.receivers["pager"].calls.size() == 1);
  in.time.pass(80s);
  CHECK(in.receivers["pager"].calls.size() == 2);
}

TEST_CASE("a receiver that is gone is told nothing more, and the others hear of it") {
  office in(1min);
  in.subscribe(options::object(), {"pager", "mail"});
  in.time.pass(1min);
  in.receivers["pager"].answer = [](const notice&) { return delivery_attempt::outcome::disable; };
  in.write(5);
  in.time.pass(2s);
  in.write(5);
  in.time.pass(24h);
  CHECK(in.receivers["pager"].calls.size() == 1);
  CHECK(in.types() == texts{"channel.disabled"});
  CHECK(in.receivers["mail"].taken.size() == 11);
  CHECK(in.pending() == 0);
}

TEST_CASE("a channel that fails three times and works again says both, once") {
  office in(1min);
  in.subscribe(options::object(), {"pager", "mail"});
  in.time.pass(1min);
  int failures = 4;
  in.receivers["pager"].answer = [&](const notice&) {
    return failures-- > 0 ? delivery_attempt::outcome::again : delivery_attempt::outcome::delivered;
  };
  in.write(1);
  in.time.pass(4h);
  CHECK(in.types() == texts{"channel.failing", "channel.recovered"});
  CHECK(in.receivers["mail"].taken.size() == 3);
  CHECK(in.receivers["pager"].taken.size() == 1);
}

TEST_CASE("a process that dies in the middle loses nothing: another one goes on") {
  office in;
  in.subscribe(options::object(), {"pager"});
  int failures = 3;
  in.receivers["pager"].answer = [&](const notice&) {
    return failures-- > 0 ? delivery_attempt::outcome::again : delivery_attempt::outcome::delivered;
  };
  in.write(40);
  in.write(40, other_run);
  for (int crash = 0; crash < 30; ++crash) {
    for (int step = 0; step < 3 + crash * 2; ++step) (void)in.time.step();
    in.crash();
    in.write(1, crash % 2 == 0 ? first_run : other_run);
  }
  in.time.pass(2h);
  for (const auto& run : {first_run, other_run}) {
    texts seen;  // without repeats, as a receiver sees it that knows the ids
    for (const auto& id : in.receivers["pager"].ids())
      if (id.starts_with(run) && std::find(seen.begin(), seen.end(), id) == seen.end()) seen.push_back(id);
    CHECK(seen == in.log(run));
  }
  CHECK(in.pending() == 0);
}

TEST_CASE("a Store that is busy for a while loses nothing") {
  office in;
  in.subscribe(options::object(), {"pager"});
  bool gone = false;
  in.store->before = [&](const std::string&) -> status {
    if (gone) return external_error("store_busy", "not now", {}, true);
    return {};
  };
  in.write(5);
  gone = true;
  in.time.pass(1min);
  gone = false;
  in.write(5);
  in.time.pass(10s);
  CHECK(in.receivers["pager"].ids() == in.log());
}

TEST_CASE("a channel that can't be opened here is left to others, and tried again after half a minute") {
  office in;
  in.broken = {"pager"};
  in.subscribe(options::object(), {"pager"});
  in.write(2);
  in.time.pass(10s);
  CHECK(in.receivers["pager"].calls.empty());
  CHECK(store::deliveries_of(*in.kept).subscriptions()->front().holder.empty());
  in.broken.clear();
  in.time.pass(40s);
  CHECK(in.receivers["pager"].ids() == in.log());
}

TEST_CASE("a changed rule is used from then on, and one that is removed ends after what it still has to tell") {
  office in;
  in.subscribe({{"when", "type = 'run.failed'"}}, {"pager"});
  in.write(2);
  in.time.pass(2s);
  in.subscribe(options::object(), {"pager"});
  in.time.pass(3s);
  in.write(2);
  in.time.pass(2s);
  CHECK(in.receivers["pager"].taken.size() == 2);
  in.write(1);
  REQUIRE(store::deliveries_of(*in.kept).subscribe("daily", {}).ok());
  in.write(5);
  in.time.pass(10s);
  CHECK(in.receivers["pager"].taken.size() == 3);
  CHECK(store::deliveries_of(*in.kept).subscriptions()->empty());
}

TEST_CASE("a group waits, an alert is repeated until it is over, and each is told once") {
  office in(1min);
  in.subscribe({{"when", "type = 'run.failed'"},
                {"group", {{"by", options::array({"pipeline"})}, {"wait", 30 * second}}},
                {"repeat", 4 * 3600 * second},
                {"resolved", true}},
               {"pager"});
  in.time.pass(1min);
  in.write(3, first_run, "run.failed");
  in.time.pass(29s);
  CHECK(in.receivers["pager"].taken.empty());
  in.time.pass(3s);
  CHECK(in.receivers["pager"].kinds() == texts{"group"});
  in.time.pass(9h);
  CHECK(in.receivers["pager"].kinds() == texts{"group", "reminder", "reminder"});
  in.write(1, first_run, "run.succeeded");
  in.time.pass(9h);
  CHECK(in.receivers["pager"].kinds() == texts{"group", "reminder", "reminder", "resolved"});
}

TEST_CASE("a burst of 10,000 events is one message with counts, the first events and the causes") {
  office in(1min);
  in.subscribe({{"when", "type = 'run.failed'"},
                {"group", {{"by", options::array({"pipeline"})}, {"wait", 30 * second}, {"most", 5}}}},
               {"pager"});
  in.time.pass(1min);
  for (int bundle = 0; bundle < 20; ++bundle) {
    store::change change;
    change.run = bundle % 2 == 0 ? first_run : other_run;
    for (int at = 0; at < 500; ++at)
      change.events.push_back(
          {.run = change.run,
           .type = "run.failed",
           .data = {{"cause", {{"code", at % 10 == 0 ? "disk_full" : "timeout"}, {"message", "no luck"}}}}});
    in.desk.send(in.notifier, events_written{in.kept->apply(change).value()});
  }
  in.time.pass(29s);
  CHECK(in.receivers["pager"].calls.empty());
  // Nothing is made of them twice by a process that goes on behind a crash.
  in.crash();
  in.time.pass(1h);
  CHECK(in.receivers["pager"].kinds() == texts{"group"});
  const auto made = store::deliveries_of(*in.kept).deliveries({.limit = 10}).value();
  REQUIRE(made.size() == 1);
  const auto& body = made[0].body;
  CHECK(body["count"] == 10'000);
  CHECK(body["types"].dump() == R"({"run.failed":10000})");
  CHECK(body["causes"].dump() == R"({"disk_full: no luck":1000,"timeout: no luck":9000})");
  CHECK(body["cursors"].size() == 5);
}

TEST_CASE("events that do not come for a time are told once, judged from the log, and so is that they come again") {
  office in(1min);
  in.subscribe({{"when", "type = 'checkpoint.completed' and data.rows > 0"},
                {"absent", 600 * second},
                {"repeat", 4 * 3600 * second},
                {"resolved", true}},
               {"pager"});
  const auto rows = [&](int count) {
    store::event one{.run = first_run, .type = "checkpoint.completed", .time = in.now()};
    one.data = options{{"epoch", 1}, {"rows", count}};
    return in.kept->apply({.run = first_run, .events = {one}}).value();
  };
  auto& pager = in.receivers["pager"];
  // A rule that is new waits from then on.
  in.time.pass(9min);
  in.desk.send(in.notifier, events_written{rows(5)});
  in.time.pass(9min);
  CHECK(pager.calls.empty());
  SECTION("checkpoints without rows do not count") {
    in.desk.send(in.notifier, events_written{rows(0)});
    in.time.pass(2min);
    CHECK(pager.kinds() == texts{"missing"});
    in.time.pass(1h);
    CHECK(pager.kinds() == texts{"missing"});
    // Not once more by a process that goes on.
    in.crash();
    in.time.pass(1h);
    CHECK(pager.kinds() == texts{"missing"});
    in.time.pass(2h + 10min);
    CHECK(pager.kinds() == texts{"missing", "reminder"});
    in.desk.send(in.notifier, events_written{rows(7)});
    in.time.pass(9min);
    CHECK(pager.kinds() == texts{"missing", "reminder", "resolved"});
    in.time.pass(2min);
    CHECK(pager.kinds() == texts{"missing", "reminder", "resolved", "missing"});
    CHECK(pager.taken.front().type == "events.missing");
  }
  SECTION("what came while no process worked on the rule is no false alarm") {
    in.time.calls().forget();
    in.time.kill(in.dispatcher);
    in.time.kill(in.notifier);
    in.time.pass(30min);
    in.write(5000);  // more than is read at once
    (void)rows(5);
    in.time.pass(5min);
    in.start();
    in.time.pass(4min);
    CHECK(pager.calls.empty());
    in.time.pass(2min);
    CHECK(pager.kinds() == texts{"missing"});
  }
  SECTION("nobody is told while it is silenced, but afterwards") {
    CHECK(
        store::deliveries_of(*in.kept)
            .add_silence({.id = "s", .when = "type = 'events.missing'", .since = 0, .until = in.now() + 1800 * second})
            .ok());
    in.time.pass(29min);
    CHECK(pager.calls.empty());
    in.time.pass(3min);
    CHECK(pager.kinds() == texts{"missing"});
  }
}

TEST_CASE("an acknowledged alert is not escalated") {
  office in(1min);
  for (const bool acknowledge : {false, true}) {
    in.subscribe({{"when", "type = 'run.failed'"},
                  {"escalate", options::array({{{"after", 900 * second}, {"to", options::array({"pager"})}}})}},
                 {"pager"});
    in.time.pass(1min);
    in.receivers.clear();
    in.write(1, first_run, "run.failed");
    in.time.pass(1min);
    REQUIRE(in.receivers["pager"].taken.size() == 1);
    const auto made = store::deliveries_of(*in.kept).deliveries({.limit = 1}).value();
    if (acknowledge) CHECK(store::deliveries_of(*in.kept).acknowledge(made[0].body["alert"].text()).value());
    in.time.pass(20min);
    CHECK(in.receivers["pager"].taken.size() == (acknowledge ? 1 : 2));
    in.write(1, first_run, "run.succeeded");
    in.time.pass(1min);
  }
}

TEST_CASE("the dispatcher says when everything is sent that is due") {
  office in;
  in.subscribe({{"group", options::object()}}, {"pager"});
  probe asking(in.time);
  in.write(2);
  const auto done = [&](std::int64_t within) {
    asking.clear();
    asking.send(in.dispatcher, get_delivery_progress{in.kept->last_cursor().value(), in.now() + within, true});
    in.time.settle();
    return asking.last<delivery_progress>().done;
  };
  (void)done(second);
  CHECK(done(second));  // the group waits
  CHECK(in.receivers["pager"].taken.empty());
  asking.send(in.dispatcher, close_groups{});
  in.time.settle();
  CHECK(done(second));
  CHECK(in.receivers["pager"].kinds() == texts{"group"});
  in.receivers["pager"].answer = again;
  in.write(2);
  in.time.pass(1s);
  asking.send(in.dispatcher, close_groups{});
  in.time.pass(1s);
  CHECK(done(second));
  CHECK_FALSE(done(10 * second));
}

TEST_CASE("what goes at once keeps the order of its lane, and what follows a failure is left to the Store") {
  notify::channel_queue queue;
  const auto nothing = [](const std::vector<std::string>&) -> result<std::vector<store::delivery>> {
    return std::vector<store::delivery>();
  };
  const auto add = [&](const std::string& lane, const std::string& key) {
    if (!queue.admit(lane)) return false;
    queue.push({.what = {.lane = lane, .key = key}, .event = nullptr});
    return true;
  };
  const auto taken = [&] {
    texts keys;
    for (const auto& one : queue.take(16)) keys.push_back(one.what.key);
    return keys;
  };
  // Until somebody has looked the Store may have more.
  CHECK_FALSE(add("a", "a1"));
  queue.stored(1);
  REQUIRE(queue.take_stored(nothing)->empty());
  queue.caught_up(queue.messages_to_store());
  CHECK_FALSE(queue.busy());

  CHECK(add("a", "a2"));
  CHECK(add("b", "b1"));
  CHECK(add("a", "a3"));
  CHECK(taken() == texts{"a2", "a3"});
  CHECK(add("a", "a4"));
  CHECK(taken() == texts{"b1"});
  CHECK(taken().empty());  // somebody works on lane a
  queue.tried("a", true);
  CHECK(taken().empty());  // a4 is behind what has failed
  queue.tried("b", false);
  queue.stored(4);
  CHECK_FALSE(add("b", "b2"));
  // Lanes are busy until what became of them is durable.
  texts busy;
  const auto look = [&](const std::vector<std::string>& lanes) -> result<std::vector<store::delivery>> {
    busy = lanes;
    return std::vector<store::delivery>();
  };
  REQUIRE(queue.take_stored(look)->empty());
  CHECK(busy == texts{"a", "b"});
  queue.stored(1);
  const auto before = queue.messages_to_store();
  queue.caught_up(before);
  CHECK(queue.behind());
  queue.settled("a");
  queue.settled("b");
  queue.look();
  queue.caught_up(before);
  CHECK(queue.behind());  // somebody has put messages there since
  queue.caught_up(queue.messages_to_store());
  CHECK(add("b", "b3"));
  queue.close();
  CHECK_FALSE(add("b", "b4"));
}

TEST_CASE("no more messages wait at a channel than its queue has room for") {
  notify::channel_queue queue;
  queue.caught_up(queue.messages_to_store());
  int at_once = 0;
  while (queue.admit("run")) ++at_once;
  CHECK(at_once == 64);
  CHECK(queue.behind());
}

TEST_CASE("who has looked past a busy lane does not know that the Store has nothing more") {
  notify::channel_queue queue;
  queue.caught_up(queue.messages_to_store());
  REQUIRE(queue.admit("run"));
  queue.push({.what = {.lane = "run", .key = "1"}, .event = nullptr});
  REQUIRE(queue.take(16).size() == 1);
  queue.stored(1);
  queue.tried("run", true);
  const auto before = queue.messages_to_store();
  const auto seen = queue.take_stored([](const std::vector<std::string>& busy) -> result<std::vector<store::delivery>> {
    CHECK(busy == texts{"run"});
    return std::vector<store::delivery>();
  });
  REQUIRE(seen->empty());
  // What became of the try is durable before the look is over.
  queue.settled("run");
  queue.caught_up(before);
  CHECK(queue.behind());
}
