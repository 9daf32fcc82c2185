#include "tests/engine/store/store_suite.hpp"

#include "engine/store/leadership.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <set>
#include <thread>

namespace sluice::store::testing {

namespace {

run_record new_run(const std::string& id, const std::string& pipeline = "daily") {
  run_record run;
  run.id = id;
  run.pipeline = pipeline;
  run.owner = "data@shop.example";
  run.tags = {"finance", "demo"};
  run.text = "version: 1\n";
  run.plan = std::string("\x01\x00\xff", 3);
  run.params = {{"day", "2024-05-01"}};
  return run;
}

event of_type(const std::string& type, options data = options::object()) {
  event made;
  made.type = type;
  made.data = std::move(data);
  return made;
}

change to_state(const std::string& run, run_state state, std::int64_t term = 0) {
  change made;
  made.run = run;
  made.state = state;
  made.term = term;
  made.events = {of_type("run." + to_string(state))};
  return made;
}

template <class T>
std::string code_of(const result<T>& outcome) {
  return outcome.ok() ? "" : outcome.problem().code;
}

}  // namespace

void keeps_runs(const store_factory& make) {
  const auto state = make();
  {
    const auto first = state.open();
    REQUIRE(first->create_run(new_run("aa-1"), {of_type("run.queued")}).value());
    auto same = new_run("aa-1", "other");
    CHECK_FALSE(first->create_run(same, {of_type("run.queued")}).value());
    auto running = to_state("aa-1", run_state::running);
    running.home = run_home{.pid = 17, .pid_started = 99, .node = "n1", .endpoint = "127.0.0.1:1"};
    REQUIRE(first->apply(running).ok());
    auto failed = to_state("aa-1", run_state::failed);
    failed.cause = options{{"code", "disk_full"}};
    failed.summary = options{{"rows", 12}};
    REQUIRE(first->apply(failed).ok());
    REQUIRE(first->create_run(new_run("bb-2"), {}).value());
  }
  const auto second = state.open();
  const auto run = second->find_run("aa-1").value();
  CHECK(run.pipeline == "daily");
  CHECK(run.tags == std::vector<std::string>{"finance", "demo"});
  CHECK(run.state == run_state::failed);
  CHECK(run.cause["code"] == "disk_full");
  CHECK(run.summary["rows"] == 12);
  CHECK(run.plan == std::string("\x01\x00\xff", 3));
  CHECK(run.text == "version: 1\n");
  CHECK(run.params["day"] == "2024-05-01");
  CHECK((run.pid == 17 && run.pid_started == 99 && run.node == "n1" && run.endpoint == "127.0.0.1:1"));
  CHECK((run.created > 0 && run.started >= run.created && run.ended >= run.started));

  const auto newest_first = second->runs({}).value();
  REQUIRE(newest_first.size() == 2);
  CHECK(newest_first[0].id == "bb-2");
  CHECK(newest_first[1].plan.empty());
  CHECK(second->runs({.states = {run_state::failed}}).value().size() == 1);
  CHECK(second->runs({.pipeline = "nothing"}).value().empty());
  CHECK(second->runs({.limit = 1}).value().size() == 1);
  CHECK(second->runs({.after = newest_first[0].id}).value().front().id == newest_first[1].id);
  CHECK(second->runs({.after = newest_first.back().id}).value().empty());
  CHECK(second->runs({.after = "nothing"}).problem().code == "run_not_found");
  const auto found = [&](const std::string& search) { return second->runs({.search = search}).value().size(); };
  CHECK((found("aa-") == 1 && found("a-1") == 0));  // of an id only the beginning
  CHECK((found("DAI") == 2 && found("nothing") == 0));
  CHECK((found("FINANCE") == 2 && found("[\"") == 0));  // in the names of tags, not in how they are stored
  CHECK(second->runs({.search = "daily", .limit = 1, .after = "bb-2"}).value().front().id == "aa-1");
  CHECK(second->runs({.after = "aa-1"}).value().empty());
  CHECK(code_of(second->runs({.after = "zz-9"})) == "run_not_found");
}

void numbers_events(const store_factory& make) {
  const auto state = make();
  const auto store = state.open();
  REQUIRE(store->create_run(new_run("a"), {of_type("run.queued")}).ok());
  REQUIRE(store->create_run(new_run("b"), {of_type("run.queued")}).ok());
  change two{.run = "a", .events = {of_type("unit.started"), of_type("unit.finished", {{"rows", 3}, {"bad", "\xff"}})}};
  two.events[1].unit = "orders";
  two.events[1].time = 1'700'000'000'123'456;
  const auto written = store->apply(two).value();
  REQUIRE(written.size() == 2);
  CHECK((written[0].sequence == 2 && written[1].sequence == 3));
  CHECK(written[0].id == "a/2");
  CHECK(written[1].cursor > written[0].cursor);
  CHECK(written[0].time > 0);

  const auto all = store->events(0, "", 100).value();
  REQUIRE(all.size() == 4);
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i].cursor > all[i - 1].cursor);
  const auto of_a = store->events(0, "a", 100).value();
  REQUIRE(of_a.size() == 3);
  for (std::size_t i = 0; i < of_a.size(); ++i) CHECK(of_a[i].sequence == static_cast<std::int64_t>(i) + 1);
  CHECK(of_a[2].unit == "orders");
  CHECK(of_a[2].data["rows"] == 3);
  CHECK(of_a[2].data["bad"] == "\xef\xbf\xbd");
  CHECK(of_a[2].owner == "data@shop.example");
  CHECK(store->events(of_a[1].cursor, "a", 100).value().size() == 1);
  CHECK(store->events(0, "a", 2).value().size() == 2);

  const auto cloud = cloud_event(of_a[2]);
  CHECK(cloud["specversion"] == "1.0");
  CHECK(cloud["id"] == "a/3");
  CHECK(cloud["source"] == "/sluice/runs/a");
  CHECK(cloud["time"] == "2023-11-14T22:13:20.123456Z");
  CHECK(cloud["sequence"] == "0000000003");
  CHECK(cloud["data"]["sequence"] == 3);
  CHECK(cloud["data"]["pipeline"] == "daily");
  CHECK(cloud["data"]["tags"][0] == "finance");
}

void times_fast_runs(const store_factory& make) {
  const auto state = make();
  const auto store = state.open();
  REQUIRE(store->create_run(new_run("a"), {of_type("run.queued")}).ok());
  auto fast = to_state("a", run_state::succeeded);
  auto began = of_type("run.started");
  began.time = 1'700'000'000'000'000;
  fast.events.insert(fast.events.begin(), began);
  REQUIRE(store->apply(fast).ok());
  CHECK(store->find_run("a").value().started == 1'700'000'000'000'000);
}

void guards_final_states(const store_factory& make) {
  const auto state = make();
  const auto store = state.open();
  CHECK(code_of(store->apply(to_state("nowhere", run_state::running))) == "run_not_found");
  REQUIRE(store->create_run(new_run("a"), {}).ok());
  REQUIRE(store->apply(to_state("a", run_state::cancelled)).ok());
  CHECK(code_of(store->apply(to_state("a", run_state::running))) == "run_is_final");
  CHECK(code_of(store->apply({.run = "a", .events = {of_type("unit.finished")}})) == "run_is_final");
  CHECK(store->find_run("a").value().state == run_state::cancelled);
  CHECK(store->events(0, "a", 10).value().size() == 1);
}

void guards_terms(const store_factory& make) {
  const auto state = make();
  const auto old_controller = state.open();
  const auto new_controller = state.open();
  const auto first = old_controller->next_term().value();
  auto run = new_run("a");
  run.term = first;
  REQUIRE(old_controller->create_run(run, {}).ok());
  REQUIRE(old_controller->create_run(new_run("local"), {}).ok());
  REQUIRE(old_controller->apply(to_state("a", run_state::starting, first)).ok());
  const auto second = new_controller->next_term().value();
  CHECK(second == first + 1);
  CHECK(code_of(old_controller->apply(to_state("a", run_state::running, first))) == "stale_term");
  run.id = "b";
  CHECK(code_of(old_controller->create_run(run, {})) == "stale_term");
  REQUIRE(new_controller->apply(to_state("a", run_state::running, second)).ok());
  CHECK(code_of(old_controller->apply(to_state("a", run_state::failed, 0))) == "stale_term");
  CHECK(old_controller->find_run("a").value().state == run_state::running);
  CHECK(old_controller->events(0, "a", 10).value().size() == 2);
  CHECK(old_controller->apply(to_state("local", run_state::running)).ok());
}

void resolves_references(const store_factory& make) {
  const auto state = make();
  const auto store = state.open();
  CHECK(code_of(store->find_run("last")) == "run_not_found");
  for (const auto* id : {"0190aa", "0190ab", "0191cc"}) REQUIRE(store->create_run(new_run(id, "daily"), {}).ok());
  REQUIRE(store->create_run(new_run("0200", "0190aa-like"), {}).ok());
  CHECK(store->find_run("last").value().id == "0200");
  CHECK(store->find_run("daily").value().id == "0191cc");
  CHECK(store->find_run("0191").value().id == "0191cc");
  CHECK(store->find_run("0190ab").value().id == "0190ab");
  CHECK(code_of(store->find_run("0190")) == "ambiguous_run");
  CHECK(code_of(store->find_run("%")) == "run_not_found");
  CHECK(code_of(store->find_run("")) == "run_not_found");
}

void keeps_cursors(const store_factory& make) {
  const auto state = make();
  CHECK(state.open()->cursor_of("pager").value() == 0);
  REQUIRE(state.open()->set_cursor("pager", 7).ok());
  REQUIRE(state.open()->set_cursor("pager", 9).ok());
  CHECK(state.open()->cursor_of("pager").value() == 9);
}

void remembers_sources(const store_factory& make) {
  const auto state = make();
  const auto first = state.open();
  auto run = new_run("aa-1");
  run.state_version = first->sources_of("daily").value().version;
  CHECK(*run.state_version == 0);
  REQUIRE(first->create_run(run, {of_type("run.queued")}).value());
  auto failed = to_state("aa-1", run_state::failed);
  REQUIRE(first->apply(failed).ok());
  CHECK(first->pipelines_with_state().value().empty());

  run.id = "aa-2";
  REQUIRE(first->create_run(run, {of_type("run.queued")}).value());
  auto done = to_state("aa-2", run_state::succeeded);
  done.settled = commit_state::committed;
  done.decision = manifest{.end = "succeeded"};
  done.decision->sources = {
      {.unit = "orders",
       .position = options{{"by", "file"}},
       .schema = options::array({{{"name", "id"}, {"type", "bigint"}}}),
       .files = {{.path = "/a", .size = 3, .modified = 4, .head = "h", .tail = "t"}, {.path = "/b", .size = 5}}},
      {.unit = "visits", .position = options{{"by", "column"}, {"value", "7"}}}};
  REQUIRE(first->apply(done).ok());

  const auto second = state.open();
  CHECK(second->pipelines_with_state().value() == std::vector<std::string>{"daily"});
  auto kept = second->sources_of("daily").value();
  CHECK(kept.version == 1);
  REQUIRE(kept.find("orders") != nullptr);
  CHECK(kept.find("orders")->schema[0]["type"] == "bigint");
  REQUIRE(kept.find("orders")->files.size() == 2);
  const auto& file = kept.find("orders")->files[0];
  CHECK((file.path == "/a" && file.size == 3 && file.modified == 4 && file.head == "h" && file.tail == "t"));
  CHECK(file.run == "aa-2");
  CHECK(kept.find("visits")->position["value"] == "7");
  CHECK(second->sources_of("other").value().units.empty());

  CHECK(second->reset_sources({.pipeline = "daily", .unit = "orders", .positions = false}).value() == 1);
  kept = second->sources_of("daily").value();
  CHECK(kept.find("orders")->schema.is_null());
  CHECK(kept.find("orders")->files.size() == 2);
  CHECK(second->reset_sources({.pipeline = "daily"}).value() == 2);
  kept = second->sources_of("daily").value();
  CHECK(kept.units.empty());
  CHECK(kept.version == 3);
}

void lets_one_run_use_the_state(const store_factory& make) {
  const auto state = make();
  const auto open = state.open();
  auto run = new_run("aa-1");
  run.state_version = 0;
  run.pid = getpid();
  run.pid_started = process_start(run.pid);
  REQUIRE(open->create_run(run, {of_type("run.queued")}).value());
  auto next = run;
  next.id = "aa-2";
  const auto refused = open->create_run(next, {of_type("run.queued")});
  CHECK(code_of(refused) == "already_running");
  CHECK(refused.problem().message.find(std::to_string(getpid())) != std::string::npos);
  CHECK(code_of(open->reset_sources({.pipeline = "daily"})) == "already_running");
  CHECK(code_of(open->find_run("aa-2")) == "run_not_found");

  auto done = to_state("aa-1", run_state::succeeded);
  done.settled = commit_state::committed;
  done.decision = manifest{.end = "succeeded", .sources = {{.unit = "orders", .position = options{{"by", "file"}}}}};
  REQUIRE(open->apply(done).ok());
  CHECK(code_of(open->create_run(next, {of_type("run.queued")})) == "state_changed");
  next.state_version = open->sources_of("daily").value().version;
  CHECK(open->create_run(next, {of_type("run.queued")}).value());

  // One whose process is gone holds nobody up.
  auto dead = new_run("bb-1", "other");
  dead.state_version = 0;
  dead.pid = 1 << 30;
  dead.pid_started = 5;
  REQUIRE(open->create_run(dead, {of_type("run.queued")}).value());
  dead.id = "bb-2";
  CHECK(open->create_run(dead, {of_type("run.queued")}).value());
}

void decides_commits(const store_factory& make) {
  const auto state = make();
  const auto first = state.open();
  first->enroll(this_process("n1"));
  auto run = new_run("aa-1");
  run.state_version = 0;
  run.context = {{"base_folder", "/data"}};
  REQUIRE(first->create_run(run, {of_type("run.queued")}).value());
  const std::string token("\x00\xfftoken", 7);
  auto decided = to_state("aa-1", run_state::committing);
  decided.decision =
      manifest{.end = "partial",
               .sinks = {{.unit = "lake", .instance = 1, .token = token, .target = "/lake/a.csv", .rows = 7}},
               .sources = {{.unit = "orders",
                            .position = options{{"by", "file"}},
                            .forget_files = true,
                            .files = {{.path = "/in/\xff", .size = 3, .modified = 4, .head = "h", .tail = "t"}}}}};
  REQUIRE(first->apply(decided).ok());
  CHECK(code_of(first->apply(decided)) == "commit_decided");

  const auto second = state.open();
  CHECK(second->find_run("aa-1").value().context["base_folder"] == "/data");
  const auto due = second->due_commits("aa-1").value();
  REQUIRE(due.size() == 1);
  CHECK((due[0].run == "aa-1" && due[0].pipeline == "daily" && due[0].alive));
  CHECK(due[0].what.end == "partial");
  REQUIRE(due[0].what.sinks.size() == 1);
  const auto& sink = due[0].what.sinks[0];
  CHECK((sink.unit == "lake" && sink.instance == 1 && sink.token == token && sink.target == "/lake/a.csv"));
  CHECK(second->totals().value().due_commits == 1);
  // What the sources have read counts only when the rows are visible; until then the run can't end.
  CHECK(second->sources_of("daily").value().units.empty());
  CHECK(code_of(first->apply(to_state("aa-1", run_state::failed))) == "commit_due");

  auto settled = to_state("aa-1", run_state::partial);
  settled.settled = commit_state::committed;
  REQUIRE(first->apply(settled).ok());
  CHECK(second->due_commits().value().empty());
  const auto sources = second->sources_of("daily").value();
  REQUIRE(sources.find("orders") != nullptr);
  CHECK(sources.find("orders")->files.at(0).path == "/in/\xff");
}

void keeps_refused_commits(const store_factory& make) {
  const auto state = make();
  const auto store = state.open();
  store->enroll(this_process("n1"));
  REQUIRE(store->create_run(new_run("aa-1"), {}).value());
  auto decided = to_state("aa-1", run_state::committing);
  decided.decision = manifest{.end = "succeeded", .sources = {{.unit = "orders", .position = options{{"by", "file"}}}}};
  REQUIRE(store->apply(decided).ok());
  auto refused = to_state("aa-1", run_state::failed);
  refused.settled = commit_state::refused;
  REQUIRE(store->apply(refused).ok());
  CHECK(store->due_commits().value().at(0).state == commit_state::refused);
  CHECK(code_of(store->create_run(new_run("aa-2"), {})) == "commit_due");
  CHECK(store->create_run(new_run("bb-1", "other"), {}).value());
  const auto events = store->last_cursor().value();
  REQUIRE(store->apply({.run = "aa-1", .settled = commit_state::committed}).ok());
  CHECK(store->last_cursor().value() == events);
  CHECK(store->find_run("aa-1").value().state == run_state::failed);
  CHECK(store->sources_of("daily").value().find("orders") != nullptr);
  CHECK(store->create_run(new_run("aa-2"), {}).value());
}

void takes_over_from_the_dead(const store_factory& make) {
  const auto state = make();
  const auto one = state.open();
  const auto two = state.open();
  auto elsewhere = this_process("n1");
  elsewhere.pid_namespace = "pid:[1]";
  elsewhere.pid = 1 << 30;  // no such process here
  one->enroll(elsewhere);
  two->enroll(this_process("n2"));
  REQUIRE(one->create_run(new_run("a"), {}).value());
  CHECK(two->find_run("a").value().alive);
  CHECK(code_of(two->take_over("a")) == "run_is_alive");
  CHECK(code_of(two->take_over("nowhere")) == "run_not_found");

  auto missing = this_process("n1");
  missing.pid_started -= 1;  // its pid is another process's now
  one->enroll(missing);
  REQUIRE(one->create_run(new_run("b"), {}).value());
  CHECK_FALSE(two->find_run("b").value().alive);
  const auto term = two->take_over("b").value();
  CHECK(term > 0);
  CHECK(code_of(one->apply(to_state("b", run_state::succeeded))) == "stale_term");
  CHECK(two->find_run("b").value().alive);
  CHECK(two->apply(to_state("b", run_state::failed, term)).ok());
  CHECK(code_of(two->take_over("b")) == "run_is_final");
  CHECK(two->next_term().value() > term);
}

void lets_one_lead(const store_factory& make) {
  const auto state = make();
  const auto one = state.open();
  const auto two = state.open();
  CHECK(code_of(leadership_of(*one).lead("h1:7070")) == "not_enrolled");
  auto elsewhere = this_process("n1");
  elsewhere.pid_namespace = "pid:[1]";
  one->enroll(elsewhere);
  two->enroll(this_process("n2"));
  CHECK_FALSE(leadership_of(*two).find_leader().value());
  const auto first = leadership_of(*one).lead("h1:7070").value();
  REQUIRE(first);
  CHECK_FALSE(leadership_of(*two).lead("").value());
  const auto who = leadership_of(*two).find_leader().value();
  REQUIRE(who);
  CHECK((who->node == "n1" && who->term == *first && who->process == elsewhere.id && who->pid == elsewhere.pid &&
         who->endpoint == "h1:7070"));
  auto run = new_run("a");
  run.term = *first;
  REQUIRE(one->create_run(run, {}).value());

  // It leaves by itself.
  REQUIRE(leadership_of(*two).step_down().ok());  // not that of another one
  REQUIRE(leadership_of(*two).find_leader().value());
  REQUIRE(leadership_of(*one).step_down().ok());
  const auto second = leadership_of(*two).lead("").value();
  REQUIRE(second);
  CHECK(*second > *first);
  // What the first one writes is refused, whatever it writes.
  CHECK(code_of(one->apply(to_state("a", run_state::running, *first))) == "stale_term");
  run.id = "b";
  CHECK(code_of(one->create_run(run, {})) == "stale_term");
  CHECK(two->apply(to_state("a", run_state::running, *second)).ok());

  // It dies without a word.
  REQUIRE(leadership_of(*two).step_down().ok());
  auto dead = this_process("n3");
  dead.pid_started -= 1;  // its pid is another process's now
  const auto three = state.open();
  three->enroll(dead);
  const auto third = leadership_of(*three).lead("").value();
  REQUIRE(third);
  CHECK_FALSE(leadership_of(*two).find_leader().value());
  const auto fourth = leadership_of(*two).lead("").value();
  REQUIRE(fourth);
  CHECK(code_of(three->apply(to_state("a", run_state::failed, *third))) == "stale_term");
  CHECK(two->apply(to_state("a", run_state::failed, *fourth)).ok());
}

void lets_another_one_lead_sooner(const store_factory& make) {
  const auto state = make();
  const auto one = state.open();
  const auto two = state.open();
  const auto three = state.open();
  one->enroll(this_process("n1"));
  two->enroll(this_process("n2"));
  three->enroll(this_process("n3"));
  REQUIRE(leadership_of(*one).lead("h1:7070").value());
  auto run = new_run("a");
  REQUIRE(one->create_run(run, {}).value());
  REQUIRE(two->find_run("a").value().alive);
  const auto seen = leadership_of(*two).find_leader().value();
  REQUIRE(seen);
  CHECK(seen->silent >= 0);

  // Its process has ended on another machine: its lease holds, and its runs are free all the same.
  CHECK_FALSE(leadership_of(*two).lead("", "another process").value());
  const auto second = leadership_of(*two).lead("h2:7070", seen->process).value();
  REQUIRE(second);
  CHECK(*second > seen->term);
  CHECK_FALSE(two->find_run("a").value().alive);
  CHECK(two->take_over("a").ok());

  // It is silent for longer than the others allow.
  CHECK_FALSE(leadership_of(*three).lead("").value());
  leadership_of(*three).allow_silence(std::chrono::microseconds(0));
  CHECK_FALSE(leadership_of(*three).find_leader().value());
  CHECK(leadership_of(*three).lead("h3:7070").value());
  CHECK_FALSE(three->find_run("a").value().alive);
}

void counts_for_monitors(const store_factory& make) {
  const auto state = make();
  const auto store = state.open();
  const auto end = [&](const std::string& id, run_state how, std::int64_t rows) {
    REQUIRE(store->create_run(new_run(id), {}).ok());
    auto change = to_state(id, how);
    change.summary = options{{"units",
                              {{{"role", "extract"}, {"in", rows}, {"bytes", 2 * rows}, {"rejected", 1}},
                               {{"role", "load"}, {"in", rows}, {"out", rows - 1}, {"bytes", rows}}}}};
    REQUIRE(store->apply(change).ok());
  };
  end("a", run_state::succeeded, 10);
  const auto good = store->find_run("a").value().ended;
  end("b", run_state::failed, 5);
  REQUIRE(store->create_run(new_run("c"), {}).ok());
  const auto totals = store->totals().value();
  CHECK(totals.runs.at("succeeded") == 1);
  CHECK(totals.runs.at("queued") == 1);
  CHECK(totals.runs.at("committing") == 0);
  REQUIRE(totals.pipelines.size() == 1);
  const auto& daily = totals.pipelines[0];
  CHECK((daily.pipeline == "daily" && daily.ended.at("succeeded") == 1 && daily.ended.at("failed") == 1));
  CHECK(daily.last_success == good);
  CHECK(daily.last_end >= good);
  CHECK((daily.rows_in == 15 && daily.rows_out == 9 && daily.rejected == 2));
  CHECK((daily.bytes_in == 30 && daily.bytes_out == 10));
}

void serves_many_threads(const store_factory& make) {
  const auto state = make();
  const auto shared = state.open();
  REQUIRE(shared->create_run(new_run("a"), {}).ok());
  std::atomic<int> failures = 0;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer)
    writers.emplace_back([&, writer] {
      const auto own = writer % 2 == 0 ? shared : state.open();
      for (int i = 0; i < 10; ++i)
        if (!own->apply({.run = "a", .events = {of_type("tick"), of_type("tock")}}).ok()) ++failures;
    });
  for (auto& writer : writers) writer.join();
  CHECK(failures == 0);
  const auto events = shared->events(0, "a", 1000).value();
  REQUIRE(events.size() == 80);
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].sequence == static_cast<std::int64_t>(i) + 1);
    CHECK(events[i].type == (i % 2 == 0 ? "tick" : "tock"));
  }
}

}  // namespace sluice::store::testing
