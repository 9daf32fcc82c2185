#include "engine/store/store_place.hpp"

#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"
#include "tests/engine/store/fresh_store.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace sluice;
using namespace sluice::store;

namespace {

using ids = std::vector<std::string>;

struct archive {
  store::testing::fresh_store in;
  std::shared_ptr<store::store> kept = open_store(in.place()).value();

  archive() { kept->enroll(this_process("n1")); }
  void made(const std::string& id, const std::string& pipeline, const options& params = {},
            const std::string& continues = {}) {
    run_record run;
    run.id = id;
    run.pipeline = pipeline;
    run.params = params;
    if (!continues.empty()) run.context = options{{"continues", continues}};
    REQUIRE(kept->create_run(run, {{.run = id, .type = "run.queued"}}).value());
  }
  void ended(const std::string& id, run_state as = run_state::succeeded) {
    change end;
    end.run = id;
    end.state = as;
    end.events = {{.run = id, .type = "run." + to_string(as)}};
    REQUIRE(kept->apply(end).ok());
  }
  void ran(const std::string& id, const std::string& pipeline, const options& params = {},
           const std::string& continues = {}) {
    made(id, pipeline, params, continues);
    ended(id);
  }
  pruned prune(bool only_look = false, const std::string& pipeline = {},
               std::int64_t before = std::numeric_limits<std::int64_t>::max()) {
    return prune_store(in.place(), {.before = before, .pipeline = pipeline, .only_look = only_look}).value();
  }
  ids left() {
    ids found;
    const auto all = kept->runs({.limit = 1000}).value();
    for (const auto& run : all) found.push_back(run.id);
    return found;
  }
};

}  // namespace

TEST_CASE("prune removes ended runs with their events, and keeps the newest of each pipeline and params", "[store]") {
  archive in;
  in.ran("r1", "daily", {{"day", "1"}});
  in.ran("r2", "daily", {{"day", "2"}});
  in.ran("r3", "daily", {{"day", "2"}});
  in.ran("r4", "hourly");
  in.made("r5", "hourly");
  const auto totals = in.kept->totals().value().pipelines.size();

  CHECK(in.prune(true).runs == ids{"r2", "r4"});
  CHECK(in.left().size() == 5);
  CHECK(in.prune(false, {}, 1).runs.empty());
  CHECK(in.prune(false, "daily").runs == ids{"r2"});
  const auto gone = in.prune();
  CHECK(gone.runs == ids{"r4"});
  CHECK(gone.events == 2);
  CHECK(in.left() == ids{"r5", "r3", "r1"});
  CHECK(in.kept->events(0, "", 100)->size() == 5);
  CHECK(in.kept->totals().value().pipelines.size() == totals);
  // The log goes on behind what was removed.
  const auto last = in.kept->last_cursor().value();
  in.ended("r5");
  CHECK(in.kept->events(last, "", 10)->front().cursor == last + 1);
}

TEST_CASE("prune keeps what the newest run continues after", "[store]") {
  archive in;
  in.ran("r1", "live");
  in.ran("r2", "live");
  in.ran("r3", "live", {}, "r2");
  in.ran("r4", "live", {}, "r3");
  CHECK(in.prune().runs == ids{"r1"});
  CHECK(in.left() == ids{"r4", "r3", "r2"});
}

TEST_CASE("prune keeps runs whose commits are due", "[store]") {
  archive in;
  in.made("r1", "daily");
  change decided;
  decided.run = "r1";
  decided.state = run_state::committing;
  decided.decision = manifest{.end = "succeeded", .sinks = {{.unit = "lake", .token = "t", .target = "/a", .rows = 1}}};
  REQUIRE(in.kept->apply(decided).ok());
  in.ran("r2", "other");
  in.ran("r3", "other");
  CHECK(in.prune().runs == ids{"r2"});
  CHECK(in.kept->due_commits("r1")->size() == 1);
}

TEST_CASE("prune keeps runs that somebody has not been told of", "[store]") {
  archive in;
  auto& log = deliveries_of(*in.kept);
  in.ran("r1", "daily");
  subscription rule;
  rule.id = "daily/oncall";
  rule.pipeline = "daily";
  rule.name = "oncall";
  rule.spec = options{{"rule", options::object()}, {"channels", {{"pager", {{"kind", "webhook"}}}}}};
  REQUIRE(log.subscribe("daily", {rule}).ok());
  REQUIRE(log.hold("daily/oncall").value());
  in.ran("r2", "daily");
  in.ran("r3", "daily");
  auto gone = in.prune();
  CHECK(gone.runs == ids{"r1"});
  CHECK(gone.waiting == 1);

  delivery message;
  message.subscription = "daily/oncall";
  message.channel = "pager";
  message.lane = message.run = "r2";
  message.key = "m1";
  message.kind = "event";
  message.type = "run.succeeded";
  message.cursor = 4;
  const auto newest = in.kept->last_cursor().value();
  REQUIRE(log.keep({{.subscription = "daily/oncall", .reached = derived::place{newest, {}}, .made = {message}}}, {})
              ->taken.empty());
  gone = in.prune();
  CHECK(gone.runs.empty());
  CHECK(gone.waiting == 1);

  REQUIRE(log.keep({}, {{.subscription = "daily/oncall",
                         .channel = "pager",
                         .outcomes = {{.key = "m1", .state = delivery_state::delivered, .at = 1, .answer = "200"}},
                         .health = {},
                         .events = {}}})
              .ok());
  CHECK(in.prune().runs == ids{"r2"});
}
