#include "engine/runs/lost_runs.hpp"

#include "engine/memory/manager.hpp"
#include "engine/runs/record.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <map>

using namespace sluice;
using store::run_state;

namespace {

/// What fake sinks were asked for, by unit.
struct sink_log {
  std::map<std::string, std::vector<std::string>> calls;
  std::map<std::string, error> refuses;  ///< what commit answers
};

class fake_sink : public sink {
 public:
  fake_sink(std::string unit, sink_log& log) : unit_(std::move(unit)), log_(log) {}
  status open(std::uint32_t) override { return internal_error("unexpected", "open"); }
  status write(const batch&, row_errors&) override { return internal_error("unexpected", "write"); }
  result<prepared_epoch> prepare(std::uint64_t) override { return internal_error("unexpected", "prepare"); }
  status commit(const std::string& token) override {
    log_.calls[unit_].push_back("commit " + token);
    const auto found = log_.refuses.find(unit_);
    return found == log_.refuses.end() ? status{} : status(found->second);
  }
  status recover(const std::vector<std::string>& tokens) override {
    log_.calls[unit_].push_back("recover " + std::to_string(tokens.size()));
    return {};
  }
  void abort() noexcept override {}

 private:
  std::string unit_;
  sink_log& log_;
};

/// A Store with runs of processes that are dead: two sinks each.
struct graveyard {
  test::temporary_folder folder;
  std::shared_ptr<store::store> dead = store::open_sqlite(folder.file("sluice.db")).value();
  std::shared_ptr<store::store> store = store::open_sqlite(folder.file("sluice.db")).value();
  sink_log log;
  sink_maker make = [this](const plan& of, int unit, const run_context& context) {
    contexts.push_back(context.base_folder);
    return result<std::unique_ptr<sink>>(
        std::make_unique<fake_sink>(of.units[static_cast<std::size_t>(unit)].definition.name, log));
  };
  std::vector<std::string> contexts;

  graveyard() {
    auto gone = store::this_process("n1");
    gone.pid_started -= 1;
    dead->enroll(gone);
    store->enroll(store::this_process("n2"));
  }

  void add(const std::string& id, bool decided) {
    plan what;
    what.definition.name = "daily";
    what.units.resize(2);
    for (std::size_t i = 0; i < 2; ++i) {
      what.units[i].definition.role = unit_role::load;
      what.units[i].definition.name = i == 0 ? "lake" : "mart";
    }
    run_context context;
    context.run_id = id;
    context.base_folder = "/data";
    REQUIRE(dead->create_run(make_record(what, context, {}, {.node = "n1"}), {{.type = "run.queued"}}).value());
    if (!decided) return;
    store::change decision;
    decision.run = id;
    decision.state = run_state::committing;
    decision.summary = options{{"rejected", 3}};
    decision.decision = store::manifest{.end = "partial",
                                        .sinks = {{.unit = "lake", .token = "a", .target = "/lake", .rows = 1},
                                                  {.unit = "mart", .token = "b", .target = "/mart", .rows = 2}},
                                        .sources = {{.unit = "orders", .position = options{{"by", "file"}}}}};
    REQUIRE(dead->apply(decision).ok());
  }
  run_state state(const std::string& id) { return store->find_run(id).value().state; }
};

}  // namespace

TEST_CASE("runs of dead processes are failed with the cause, and their sinks clean up", "[runs]") {
  graveyard all;
  all.add("a", false);
  const auto settled = settle_lost_runs(*all.store, true, all.make).value();
  REQUIRE(settled.size() == 1);
  CHECK((settled[0].run == "a" && settled[0].state == run_state::failed && !settled[0].published));
  CHECK(all.log.calls["lake"] == std::vector<std::string>{"recover 0"});
  CHECK(all.contexts.front() == "/data");
  const auto run = all.store->find_run("a").value();
  CHECK(run.cause["code"] == "engine_died");
  CHECK(all.store->events(0, "a", 10).value().back().type == "run.failed");
  CHECK(settle_lost_runs(*all.store, true, all.make).value().empty());
}

TEST_CASE("commits that were decided are repeated, and the run ends as it had decided", "[runs]") {
  graveyard all;
  all.add("a", true);
  CHECK(settle_lost_runs(*all.store, false, all.make).value().empty());  // only a look
  CHECK(all.state("a") == run_state::committing);
  const auto settled = settle_lost_runs(*all.store, true, all.make).value();
  REQUIRE(settled.size() == 1);
  CHECK((settled[0].published && settled[0].state == run_state::partial));
  CHECK(all.log.calls["lake"] == std::vector<std::string>{"commit a", "recover 1"});
  CHECK(all.log.calls["mart"] == std::vector<std::string>{"commit b", "recover 1"});
  const auto last = all.store->events(0, "a", 10).value().back();
  CHECK(last.type == "run.partial");
  CHECK(last.data["rejected"] == 3);
  CHECK(all.store->sources_of("daily").value().find("orders") != nullptr);
  // The dead process, should it wake up, changes nothing any more.
  store::change late;
  late.run = "a";
  late.state = run_state::failed;
  CHECK_FALSE(all.dead->apply(late).ok());
}

TEST_CASE("what can't be published now stays due, and no run of the pipeline passes it", "[runs]") {
  graveyard all;
  all.add("a", true);
  all.log.refuses.emplace("mart", external_error("disk_full", "no room"));
  auto settled = settle_lost_runs(*all.store, true, all.make).value();
  REQUIRE(settled.at(0).problem);
  CHECK(settled[0].problem->code == "commit_unfinished");
  CHECK(all.state("a") == run_state::committing);
  CHECK(all.log.calls["mart"] == std::vector<std::string>{"commit b"});  // nothing is cleaned up
  CHECK_FALSE(all.store->find_run("a").value().alive);                   // the next one may try
  CHECK(all.store->create_run({.id = "b", .pipeline = "daily"}, {}).problem().code == "commit_due");
  CHECK(settle_refused(*all.store, "daily", false, all.make, settled).problem().code == "commit_unfinished");
  all.log.refuses.clear();
  settled = settle_lost_runs(*all.store, true, all.make).value();
  CHECK(settled.at(0).published);
  CHECK(all.store->create_run({.id = "b", .pipeline = "daily"}, {}).value());
}

TEST_CASE("what a target refuses is tried again first, until it is dropped", "[runs]") {
  graveyard all;
  all.add("a", true);
  all.log.refuses.emplace("mart", user_error("target_exists", "somebody made it"));
  const auto settled = settle_lost_runs(*all.store, true, all.make).value();
  CHECK(settled.at(0).problem->code == "commit_refused");
  CHECK(all.state("a") == run_state::failed);
  const auto again = settle_refused(*all.store, "daily", false, all.make, {});
  REQUIRE_FALSE(again.ok());
  CHECK(again.problem().code == "commit_refused");
  CHECK(again.problem().message.find("visible: lake (/lake, 1 row); not visible: mart (/mart, 2 rows)") !=
        std::string::npos);
  CHECK(settle_refused(*all.store, "other", false, all.make, {}).ok());

  SECTION("the target is free again") {
    all.log.refuses.clear();
    CHECK(settle_refused(*all.store, "daily", false, all.make, {}).ok());
    CHECK(all.store->sources_of("daily").value().find("orders") != nullptr);
  }
  SECTION("the run is to begin anew") {
    CHECK(settle_refused(*all.store, "daily", true, all.make, {}).ok());
    CHECK(all.log.calls["mart"].back() == "recover 0");
    CHECK(all.store->sources_of("daily").value().units.empty());
  }
  CHECK(all.store->due_commits().value().empty());
}
