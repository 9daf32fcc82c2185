#include "actors/run/resume_run.hpp"

#include "engine/flow/snapshot.hpp"
#include "engine/runs/record.hpp"
#include "tests/support/planning.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using store::run_state;

namespace {

/// A pipeline without end on a state folder that two processes use: the one that ran it, and the one that comes after
/// it.
struct state_folder {
  test::temporary_folder folder;
  std::shared_ptr<store::store> before = store::open_sqlite(folder.file("sluice.db")).value();
  std::shared_ptr<store::store> now = store::open_sqlite(folder.file("sluice.db")).value();
  std::shared_ptr<const plan> what;
  std::shared_ptr<run_context> context = std::make_shared<run_context>();

  explicit state_folder(bool alive) {
    auto first = store::this_process("n1");
    if (!alive) first.pid_started -= 1;
    before->enroll(first);
    now->enroll(store::this_process("n2"));
    const auto made = testing::plan_text(
        "version: 1\npipeline: live\nrun: { checkpoint: 1s }\nextract:\n"
        "  numbers: { generate: { rate: 10, columns: { id: sequence } } }\nload:\n  out: { from: numbers, blackhole: "
        "{} }\n");
    INFO(made.shown);
    REQUIRE(made.planned);
    what = std::make_shared<const plan>(*made.planned);
    context->run_id = "00000000-0000-7000-8000-000000000002";
  }

  /// The earlier run, which works and has a complete checkpoint.
  void ran(const std::string& id) const {
    run_context own;
    own.run_id = id;
    REQUIRE(before->create_run(make_record(*what, own, options::object(), {.node = "n1"}), {{.type = "run.queued"}})
                .value());
    store::change checkpoint{.run = id, .state = run_state::running};
    checkpoint.decision = store::manifest{.epoch = 7, .snapshot = flow::to_json(flow::run_snapshot{})};
    REQUIRE(before->apply(checkpoint).ok());
  }

  result<actors::resumed_run> resume() {
    actors::planned_run planned{
        .what = what, .context = context, .params = options::object(), .runs_folder = folder.file("runs")};
    return actors::resume_run(*now, planned);
  }
};

constexpr auto earlier = "00000000-0000-7000-8000-000000000001";

}  // namespace

TEST_CASE("a run whose process died after the others were settled is continued, not begun again", "[runs]") {
  state_folder all(false);
  all.ran(earlier);
  const auto resumed = all.resume();
  REQUIRE(resumed.ok());
  CHECK_FALSE(resumed->behind);
  REQUIRE(resumed->from != nullptr);
  CHECK(resumed->from->epoch == 7);
  CHECK(all.now->find_run(earlier)->state == run_state::failed);
}

TEST_CASE("nothing begins beside a run that still works", "[runs]") {
  state_folder all(true);
  all.ran(earlier);
  const auto resumed = all.resume();
  REQUIRE(resumed.ok());
  CHECK(resumed->from == nullptr);
  REQUIRE(resumed->behind);
  CHECK(resumed->behind->id == earlier);
  CHECK(all.now->find_run(earlier)->state == run_state::running);
}
