#include "actors/run/journal.hpp"

#include "tests/actors/virtual_time.hpp"
#include "tests/support/hooked_store.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;
using store::run_state;

namespace {

const std::string run = "00000000-0000-7000-8000-000000000001";

/// An actor with a journal, as a supervisor is.
class writer_actor : public caf::event_based_actor {
 public:
  writer_actor(caf::actor_config& config, const node_services& services, std::shared_ptr<store::store> to,
               caf::actor notifier, std::vector<std::string>* lost)
      : caf::event_based_actor(config),
        kept(this, services.io, std::move(to), std::move(notifier), run, 0,
             [lost](const error& why) { lost->push_back(why.code); }) {}
  caf::behavior make_behavior() override { return {resume_calls()}; }
  void on_exit() override { kept.close(); }

  journal kept;
};

/// A journal in front of a Store in which one run is.
struct desk {
  virtual_time time;
  std::shared_ptr<store::store> kept = store::open_sqlite(":memory:").value();
  std::shared_ptr<test::hooked_store> store = std::make_shared<test::hooked_store>(kept);
  probe notifier{time};
  std::vector<std::string> lost;  ///< errors of writes that nobody waits for
  std::vector<std::string> told;  ///< outcomes of those that somebody waits for, in their order
  int writes = 0;                 ///< tries
  std::string fails;              ///< the error of every write
  caf::actor writer;

  desk() {
    store::run_record record;
    record.id = run;
    record.pipeline = "daily";
    record.created = 1;
    REQUIRE(kept->create_run(record, {}).ok());
    store->before = [this](const std::string& call) -> status {
      if (call != "apply") return {};
      ++writes;
      return fails.empty() ? status() : status(external_error(fails, "not now"));
    };
    writer = time.keep(time.system().spawn<writer_actor>(time.services(), store, notifier.handle(), &lost));
  }
  void in_actor(std::function<void(journal&)> what) {
    auto* self = dynamic_cast<writer_actor*>(caf::actor_cast<caf::abstract_actor*>(writer));
    caf::anon_send(writer, continuation{[self, what = std::move(what)] { what(self->kept); }});
  }
  void note(const std::string& type) {
    in_actor([type](journal& to) { to.write({}, {}, {}, {{.run = run, .type = type}}); });
  }
  void write(run_state state, const std::string& type) {
    in_actor([=, this](journal& to) {
      to.write(state, {}, {}, {{.run = run, .type = type}}, [this, type](const status& done) {
        told.push_back(type + ": " + (done.ok() ? "ok" : done.problem().code));
      });
    });
  }
  [[nodiscard]] std::vector<std::string> stored() const {
    std::vector<std::string> types;
    for (const auto& one : kept->events(0, run, 100).value()) types.push_back(one.type);
    return types;
  }
  [[nodiscard]] std::vector<std::string> announced() const {
    std::vector<std::string> types;
    for (const auto& message : notifier.all<events_written>())
      for (const auto& one : message.events) types.push_back(one.type);
    return types;
  }
};

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("what nobody waits for is written together, a moment later, and announced when it is durable") {
  desk made;
  made.note("a");
  made.note("b");
  made.time.pass(9ms);
  made.note("c");
  CHECK(made.writes == 0);
  made.time.pass(1ms);
  CHECK(made.writes == 1);
  CHECK(made.stored() == strings{"a", "b", "c"});
  CHECK(made.announced() == strings{"a", "b", "c"});
  made.time.pass(1min);
  CHECK(made.writes == 1);
}

TEST_CASE("what somebody waits for is written at once, together with what stands before it") {
  desk made;
  made.note("a");
  made.write(run_state::starting, "b");
  made.time.settle();
  CHECK(made.writes == 1);
  CHECK(made.stored() == strings{"a", "b"});
  CHECK(made.told == strings{"b: ok"});
  CHECK(made.kept->find_run(run).value().state == run_state::starting);
}

TEST_CASE("what comes while the disk is busy goes into the next write, in order") {
  desk made;
  made.time.stalled = true;
  made.write(run_state::starting, "a");
  made.note("b");
  made.write(run_state::running, "c");
  made.write(run_state::draining, "d");
  made.time.pass(1min);
  CHECK(made.told.empty());
  CHECK(made.announced().empty());
  made.time.stalled = false;
  made.time.settle();
  CHECK(made.writes == 2);
  CHECK(made.told == strings{"a: ok", "c: ok", "d: ok"});
  CHECK(made.announced() == strings{"a", "b", "c", "d"});
  CHECK(made.stored() == made.announced());
  CHECK(made.kept->find_run(run).value().state == run_state::draining);
}

TEST_CASE("a Store that is held by another process, or a disk that is full, is waited for for two minutes") {
  const auto* const code = GENERATE("store_busy", "disk_full");
  desk made;
  made.fails = code;
  made.write(run_state::starting, "a");
  made.time.pass(100s);
  CHECK(made.writes > 100);
  CHECK(made.told.empty());
  SECTION("it comes back") {
    made.note("b");
    made.fails.clear();
    made.time.pass(1s);
    CHECK(made.told == strings{"a: ok"});
    CHECK(made.stored() == strings{"a", "b"});
    CHECK(made.announced() == strings{"a", "b"});
    CHECK(made.lost.empty());
  }
  SECTION("it does not") {
    made.time.pass(21s);
    CHECK(made.told == strings{std::string("a: ") + code});
    CHECK(made.lost.empty());
    // Whoever waited knows; the next write begins anew.
    made.fails.clear();
    made.write(run_state::failed, "run.failed");
    made.time.settle();
    CHECK(made.stored() == strings{"run.failed"});
  }
}

TEST_CASE("a write that fails is told to whoever waits for it, or fails the run and stands before the next one") {
  desk made;
  made.fails = "store_corrupt";
  made.write(run_state::starting, "a");
  made.time.settle();
  CHECK(made.told == strings{"a: store_corrupt"});
  CHECK(made.lost.empty());
  // What nobody waits for is not lost with a write that somebody waits for.
  made.note("came with c");
  made.write(run_state::running, "c");
  made.time.settle();
  CHECK(made.told.back() == "c: store_corrupt");
  made.note("b");
  made.time.pass(10ms);
  CHECK(made.lost == strings{"store_corrupt"});
  CHECK(made.announced().empty());
  made.fails.clear();
  made.write(run_state::failed, "run.failed");
  made.time.settle();
  CHECK(made.stored() == strings{"came with c", "b", "run.failed"});
  CHECK(made.announced() == made.stored());
}

TEST_CASE("a write that took effect though its answer was lost is not made again") {
  desk made;
  made.note("first");
  made.time.pass(1s);
  int answers_lost = 1;
  bool readable = true;
  made.store->after = [&](const std::string& call) -> status {
    if (call == "apply" && answers_lost-- > 0) return external_error("store_failed", "no answer");
    return {};
  };
  SECTION("it is read back at once") {}
  SECTION("it is read back when the Store can be read") { readable = false; }
  const auto before = made.store->before;
  made.store->before = [&](const std::string& call) -> status {
    if (call == "events" && !readable) return external_error("store_failed", "gone");
    return before(call);
  };
  made.write(run_state::starting, "a");
  made.note("b");
  made.time.pass(1s);
  CHECK(made.told.size() == (readable ? 1 : 0));
  readable = true;
  made.time.pass(1s);
  CHECK(made.told == strings{"a: ok"});
  CHECK(made.lost.empty());
  CHECK(made.stored() == strings{"first", "a", "b"});
  CHECK(made.announced() == made.stored());
}

TEST_CASE("what others have written of a run ends its writes") {
  desk made;
  REQUIRE(made.kept->apply({.run = run, .state = run_state::cancelled}).ok());
  made.note("a");
  made.time.pass(1s);
  CHECK(made.lost == strings{"run_is_final"});
  CHECK(made.writes == 1);
}

TEST_CASE("what could not be written in time stands before what is written next") {
  desk made;
  made.fails = "store_busy";
  made.note("a");
  made.time.pass(1s);
  made.write(run_state::failed, "run.failed");
  made.time.pass(130s);
  CHECK(made.lost == strings{"store_busy"});
  made.fails.clear();
  made.time.pass(1s);
  CHECK(made.told == strings{"run.failed: ok"});
  CHECK(made.stored() == strings{"a", "run.failed"});
}
