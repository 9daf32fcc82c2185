#include "engine/memory/manager.hpp"
#include "tests/actors/bench_run.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using store::run_state;

namespace {

batch numbers_of(const std::vector<std::int64_t>& all) {
  arrow::Int64Builder builder;
  (void)builder.AppendValues(all);
  batch made;
  made.data = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), std::ssize(all),
                                       {builder.Finish().ValueOrDie()});
  return made;
}

/// Steps that a reader gives, one after the other; those of several splits in the order in which they stand here.
struct prepared_step {
  std::uint32_t split = 0;
  std::int64_t bad = 0;  ///< records that are rejected
  std::vector<std::int64_t> good = {};
  bool end = false;
};

/// What a source from such steps has seen.
struct seen_by_source {
  std::mutex lock;
  std::map<const void*, std::set<std::uint32_t>> splits_of;  ///< by reader
  std::vector<split_progress> committed;
  std::uint64_t epoch = 0;
  int discovered = 0;
  bool interrupted = false;
  std::map<std::uint32_t, std::int64_t> rows_of;  ///< read, by split that has not ended or may come early
  std::set<std::uint32_t> ended;
  std::int64_t most_early = 0;  ///< rows read of splits above the lowest that has not ended

  void note(const read_step& step) {
    const std::lock_guard guard(lock);
    rows_of[*step.split] += step.rows.data ? step.rows.rows() : 0;
    if (step.end) ended.insert(*step.split);
    std::uint32_t lowest = 0;
    while (ended.contains(lowest)) ++lowest;
    std::int64_t early = 0;
    for (const auto& [split, rows] : rows_of) early += split > lowest ? rows : 0;
    most_early = std::max(most_early, early);
  }
};

struct stepping {
  std::uint32_t splits = 1;
  std::uint32_t per_reader = 1;
  bool bounded = true;
  std::uint32_t later_splits = 0;  ///< that only the second `discover` finds
  std::function<std::vector<prepared_step>(std::uint32_t split)> steps;
  bool blocks = false;  ///< its steps come only when it has been interrupted
};

class step_reader : public split_reader {
 public:
  step_reader(stepping of, std::shared_ptr<seen_by_source> seen) : of_(std::move(of)), seen_(std::move(seen)) {}

  status add(const split& piece, const std::string&) override {
    const std::lock_guard guard(seen_->lock);
    seen_->splits_of[this].insert(piece.id);
    if (steps_.empty()) at_ = 0;
    steps_.push_back({piece.id, of_.steps(piece.id)});
    return {};
  }

  /// The splits take turns.
  result<read_step> next() override {
    if (of_.blocks) released_.pass();
    read_step step;
    auto& turn = steps_[at_ % steps_.size()];
    if (turn.left.empty()) {
      step.split = turn.id;
      return step;
    }
    const auto made = turn.left.front();
    turn.left.erase(turn.left.begin());
    for (std::int64_t n = 0; n < made.bad; ++n)
      step.rejected.push_back({"x", static_cast<std::uint64_t>(n), "bad", "n", "bad"});
    if (!made.good.empty()) step.rows = numbers_of(made.good);
    step.records = static_cast<std::uint64_t>(made.bad) + made.good.size();
    step.end = made.end;
    step.position = "behind " + std::to_string(turn.id);
    step.split = turn.id;
    seen_->note(step);
    if (made.end) {
      steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(at_ % steps_.size()));
    } else {
      ++at_;
    }
    return step;
  }

  void interrupt() noexcept override {
    released_.open();
    const std::lock_guard guard(seen_->lock);
    seen_->interrupted = true;
  }

 private:
  struct served {
    std::uint32_t id;
    std::vector<prepared_step> left;
  };
  stepping of_;
  std::shared_ptr<seen_by_source> seen_;
  std::vector<served> steps_;
  std::size_t at_ = 0;
  gate released_;
};

class step_source : public source {
 public:
  step_source(stepping of, std::shared_ptr<seen_by_source> seen) : of_(std::move(of)), seen_(std::move(seen)) {}
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return numbers_of({}).data->schema(); }
  result<std::vector<split>> discover() override {
    const std::lock_guard guard(seen_->lock);
    const auto count = of_.splits + (seen_->discovered++ > 0 ? of_.later_splits : 0);
    std::vector<split> all;
    for (std::uint32_t id = 0; id < count; ++id) all.push_back({id, "partition-" + std::to_string(id), 0, 1, 0});
    return all;
  }
  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    auto made = std::make_unique<step_reader>(of_, seen_);
    SLUICE_TRY(made->add(piece, position));
    return std::unique_ptr<split_reader>(std::move(made));
  }
  [[nodiscard]] bool bounded() const override { return of_.bounded; }
  [[nodiscard]] std::uint32_t splits_per_reader() const override { return of_.per_reader; }
  status committed(std::uint64_t epoch, const std::vector<split_progress>& upto) override {
    const std::lock_guard guard(seen_->lock);
    seen_->epoch = epoch;
    seen_->committed = upto;
    return {};
  }

 private:
  stepping of_;
  std::shared_ptr<seen_by_source> seen_;
};

/// A run of such a source into a shelf.
struct stepping_run {
  bench job;
  std::shared_ptr<shelf> to = std::make_shared<shelf>();
  std::shared_ptr<seen_by_source> seen = std::make_shared<seen_by_source>();

  std::shared_ptr<const run_setup> setup(const stepping& of, int readers = 1, bool order = true) {
    const int from = job.source("numbers", {}, readers);
    const int into = job.sink("shelf", to);
    job.edge(from, into).restore_order = order;
    job.what().definition.rejects.allow = 1'000'000;
    auto made = std::make_shared<run_setup>(*job.setup());
    made->components.make_source = [of, seen = seen](const plan&, int, const run_context&) {
      return result<std::unique_ptr<source>>(std::make_unique<step_source>(of, seen));
    };
    made->discover_again = std::chrono::milliseconds(1);
    return made;
  }
  run_outcome run(const stepping& of, int readers = 1, bool order = true) {
    return engine(job.store()).run(setup(of, readers, order));
  }
};

}  // namespace

TEST_CASE("a step of rejects alone does not end its split: what comes behind it is read") {
  stepping_run made;
  const auto outcome = made.run({.splits = 2, .steps = [](std::uint32_t id) -> std::vector<prepared_step> {
                                   const auto first = std::int64_t{id} * 10;
                                   return {{.bad = 4096},
                                           {.bad = 1, .good = {first, first + 1}},
                                           {.bad = 7},
                                           {.good = {first + 2}},
                                           {.bad = 3, .end = true}};
                                 }});
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(outcome.balanced);
  CHECK(outcome.rejected == 2 * (4096 + 1 + 7 + 3));
  CHECK(made.to->rows == std::vector<std::int64_t>{0, 1, 2, 10, 11, 12});
}

TEST_CASE("a step that brings nothing and is not the last one is an error of the component, by unit and split") {
  stepping_run made;
  const auto outcome = made.run({.splits = 2, .steps = [](std::uint32_t id) -> std::vector<prepared_step> {
                                   if (id == 0) return {{.good = {1}, .end = true}};
                                   return {{.good = {2}}, {}};
                                 }});
  CHECK(outcome.state == run_state::failed);
  REQUIRE(outcome.cause);
  CHECK(outcome.cause->code == "bad_step");
  CHECK(outcome.cause->to_blame == blame::internal);
  CHECK(outcome.cause->where == "unit numbers, split 1 (partition-1)");
  CHECK(made.seen->committed.empty());
}

TEST_CASE("one reader serves many splits, and none starves behind another") {
  stepping_run made;
  const auto outcome = made.run({.splits = 12,
                                 .per_reader = 100,
                                 .steps = [](std::uint32_t id) -> std::vector<prepared_step> {
                                   const auto n = std::int64_t{id};
                                   return {{.good = {n}}, {.good = {n + 100}}, {.good = {n + 200}, .end = true}};
                                 }},
                                4, false);
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(made.to->rows.size() == 36);
  CHECK(std::set<std::int64_t>(made.to->rows.begin(), made.to->rows.end()).size() == 36);
}

TEST_CASE("a source hears which positions have been committed, once every sink has") {
  stepping_run made;
  const auto steps = [](std::uint32_t id) -> std::vector<prepared_step> {
    return {{.good = {std::int64_t{id}}, .end = true}};
  };
  SECTION("after the commit") {
    CHECK(made.run({.splits = 3, .steps = steps}).state == run_state::succeeded);
    CHECK(eventually([&] {
      const std::lock_guard guard(made.seen->lock);
      return made.seen->committed.size() == 3 && made.seen->epoch == 1;
    }));
    CHECK(made.seen->committed[0].position == "behind " + std::to_string(made.seen->committed[0].split));
  }
  SECTION("not where a commit fails") {
    made.to->fails_at = "commit";
    const auto ended = made.run({.splits = 3, .steps = steps}).state;
    CHECK(ended != run_state::succeeded);
    CHECK(ended != run_state::partial);
    CHECK(made.seen->committed.empty());
  }
}

TEST_CASE("cancelling a run interrupts a reader that blocks") {
  stepping_run made;
  engine runs(made.job.store());
  const auto setup = made.setup(
      {.steps = [](std::uint32_t) -> std::vector<prepared_step> { return {{.good = {1}}}; }, .blocks = true});
  run_callbacks callbacks;
  callbacks.cancel = [&] {
    const std::lock_guard guard(made.seen->lock);
    return !made.seen->splits_of.empty();
  };
  const auto outcome = runs.run(setup, callbacks);
  CHECK(outcome.state == run_state::cancelled);
  CHECK(eventually([&] {
    const std::lock_guard guard(made.seen->lock);
    return made.seen->interrupted;
  }));
}

TEST_CASE("a source without end is asked again for splits, and its silent steps are no error") {
  stepping_run made;
  const auto setup = made.setup(
      {.splits = 1,
       .per_reader = 100,
       .bounded = false,
       .later_splits = 2,
       .steps = [](std::uint32_t id) -> std::vector<prepared_step> { return {{.good = {std::int64_t{id}}}}; }},
      1, false);
  run_callbacks callbacks;
  callbacks.cancel = [&] {
    const std::lock_guard guard(made.to->lock);
    return made.to->rows.size() == 3;
  };
  const auto outcome = engine(made.job.store()).run(setup, callbacks);
  CHECK(outcome.state == run_state::cancelled);
}

TEST_CASE("readers are ahead of the order by no more than a share of the run's memory, and the run goes on") {
  constexpr std::int64_t rows = 1000;
  constexpr std::int64_t steps = 60;
  constexpr std::uint32_t count = 9;
  constexpr int readers = 4;
  stepping_run made;
  const auto setup =
      made.setup({.splits = count,
                  .steps =
                      [](std::uint32_t id) {
                        std::vector<prepared_step> all(steps);
                        for (std::int64_t step = 0; step < steps; ++step)
                          for (std::int64_t row = 0; row < rows; ++row)
                            all[static_cast<std::size_t>(step)].good.push_back((id * steps + step) * rows + row);
                        all.back().end = true;
                        return all;
                      }},
                 readers);
  auto small = std::make_shared<run_setup>(*setup);
  auto context = std::make_shared<run_context>(*setup->context);
  constexpr std::int64_t early_bytes = 10 * rows * 8;
  context->memory = std::make_shared<memory::manager>(4 * early_bytes);
  small->context = context;
  const auto outcome = engine(made.job.store()).run(small);
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  REQUIRE(made.to->rows.size() == static_cast<std::size_t>(count * steps * rows));
  CHECK(std::is_sorted(made.to->rows.begin(), made.to->rows.end()));
  // What was granted, and two steps that each of the other readers may hold.
  CHECK(made.seen->most_early <= early_bytes / 8 + (readers - 1) * 2 * rows);
  CHECK(made.seen->most_early > rows);
}
