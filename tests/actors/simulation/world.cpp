#include "tests/actors/simulation/world.hpp"

#include "actors/notifier.hpp"
#include "actors/run/control.hpp"
#include "actors/run/lost_tries.hpp"
#include "engine/runs/lost_runs.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

namespace sluice::actors::simulation {

namespace {

using namespace std::chrono_literals;
using store::run_state;
using testing::probe;

constexpr std::size_t most_runs = 2;
constexpr int most_at_once = 100'000;  // messages and calls while time stands still
/// How long everything may take that a calm Store and calm disks leave to be done.
constexpr auto horizon = 2h;

}  // namespace

world::world(std::uint64_t seed)
    : time_(seed),
      begin_(time_.now()),
      outage_until_(begin_),
      kept_(store::open_sqlite(":memory:").value()),
      store_(std::make_shared<test::hooked_store>(kept_)) {
  const auto some = [this](int most) { return chance(500) ? 0 : static_cast<int>(between(1, most)); };
  climate_ = {.store_fails = some(200),
              .answers_lost = some(100),
              .outages = some(5),
              .components_fail = some(40),
              .kills = some(4),
              .lost_nodes = some(4),
              .cancels = some(3),
              .checkpoints = some(40),
              .pauses = some(3),
              .crashes = some(2),
              .delays = some(50)};
  calm_from_ = begin_ + std::chrono::seconds(between(1, 60));
  store_->before = [this](const std::string& call) { return weather_of_store(true, call); };
  store_->after = [this](const std::string& call) { return weather_of_store(false, call); };
  begin_process();
  for (auto left = between(1, 4); left > 0; --left) make_run();
}

world::~world() = default;

bool world::chance(int thousandths) { return between(0, 999) < thousandths; }

std::int64_t world::between(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(time_.random() % static_cast<std::uint64_t>(high - low + 1));
}

void world::tell(const std::string& what) {
  const auto when = std::chrono::duration_cast<std::chrono::milliseconds>(time_.now() - begin_).count();
  story_.push_back(std::to_string(when) + " ms: " + what);
}

// -- the process

void world::begin_process() {
  user_ = std::make_unique<probe>(time_);
  notifier_ = time_.keep(spawn_notifier(time_.system(), store_, time_.services()));
  starter_ = time_.keep(time_.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
    return {[this](const actors::launch& message) { launch(message); }};
  }));
  control_ =
      time_.keep(spawn_control(time_.system(), {.services = time_.services(),
                                                .store = store_,
                                                .starter = starter_,
                                                .notifier = notifier_,
                                                .most_runs = most_runs,
                                                .settle_interval = 5s,
                                                .make_sink = [this](const plan&, int unit, const run_context& context) {
                                                  return runs_.at(context.run_id).make(unit);
                                                }}));
  subscribe();
  actors_at_rest_ = time_.alive();
}

void world::subscribe() {
  subscriber_ = time_.keep(spawn_subscriber(
      time_.system(), notifier_,
      [this](const store::event& what) -> status {
        SLUICE_TRY(weather_of_components("deliver"));
        heard_.push_back(what.cursor);
        return {};
      },
      store_, "log", 0, time_.services()));
}

void world::crash() {
  tell("the process dies");
  // Nothing durable happens any more; supervisors that have just begun make themselves known.
  dying_ = time_.stalled = true;
  time_.calls().forget();
  time_.settle();
  for (const auto& one : {control_, notifier_, starter_, subscriber_, user_->handle()}) time_.kill(one);
  for (auto& [id, run] : runs_) {
    time_.kill(run.supervisor);
    for (const auto& [who, one] : run.instances) time_.kill(one);
    run.supervisor = nullptr;
    run.instances.clear();
    for (const auto& target : run.targets) target->crash(true);
    if (run.submitted) run.crashed = true;
    run.refused = false;
  }
  time_.settle();
  time_.calls().forget();
  // Supervisors of runs that were cancelled before they began are known to nobody: they find that others have the run.
  time_.stalled = false;
  time_.pass(10s);
  time_.calls().forget();
  if (time_.alive() > 0) faults_.insert(std::to_string(time_.alive()) + " actors outlive their process");
  dying_ = false;
  begin_process();
  for (const auto& [id, run] : runs_) {
    for (const auto& target : run.targets) target->crash(false);
    if (run.crashed) lost_.insert(id);
  }
}

/// What the next process does at its start, until it works.
void world::settle_lost_runs() {
  for (const auto& id : std::set<std::string>(lost_)) {
    const auto found = store_->find_run(id);
    if (!found.ok() && found.problem().code != "run_not_found") continue;
    if (found.ok() && !store::is_final(found->state)) {
      if (!runs_.at(id).refused && take_up(id, *found)) {
        lost_.erase(id);
        continue;
      }
      const auto settled = settle_lost_run(*store_, id, unseen_death(*found), runs_.at(id).setup->components.make_sink);
      tell("settling " + id + ": " +
           (settled.ok() ? *settled ? store::to_string((*settled)->state) : "ended" : settled.problem().code));
      if (!settled.ok() || (*settled && !store::is_final((*settled)->state))) continue;
    }
    lost_.erase(id);
  }
}

/// A run that may be tried again continues in this process.
bool world::take_up(const std::string& id, const store::run_record& found) {
  auto& run = runs_.at(id);
  const auto lost = find_lost_try(*store_, id, unseen_death(found).cause, {});
  if (!lost.ok() || !*lost) return false;
  auto next = std::make_shared<run_setup>(*run.setup);
  actors::take_up(*next, **lost);
  tell("taking up " + id);
  run.crashed = false;
  run.taken_up = true;
  user_->send(control_, submit_setup{std::move(next)});
  user_->send(control_, await_run{id, *user_});
  return true;
}

void world::resume_paused() {
  for (const auto& [id, run] : runs_)
    if (const auto found = kept_->find_run(id); found.ok() && found->state == store::run_state::paused)
      user_->send(control_, steer_run{id, "resume"});
}

// -- runs

void world::make_run() {
  simulated_run made;
  made.job = std::make_unique<testing::bench>(kept_);
  auto& job = *made.job;
  testing::numbers of;
  of.splits = static_cast<std::uint32_t>(between(1, 3));
  of.rows = between(0, 9);
  of.batch_rows = between(1, 4);
  made.rows = of.splits * of.rows;
  if (chance(50)) of.fails_at = between(0, made.rows);
  made.checkpoints = chance(600);
  for (auto left = made.checkpoints ? between(0, 3) : 0; left > 0 && made.rows > 0; --left)
    made.rejects.insert(between(0, made.rows - 1));
  of.bad = made.rejects;
  made.bad_input = of.fails_at >= 0 && of.fails_at < made.rows;
  int last = job.source("numbers", of, static_cast<int>(between(1, 2)));
  if (chance(500)) {
    const int through =
        job.transform("through", chance(500) ? testing::one_behind : testing::pass_on, static_cast<int>(between(1, 2)));
    job.edge(last, through, edge_kind::round_robin);
    last = through;
  }
  const int sinks = static_cast<int>(between(1, 2));
  const int first_sink = last + 1;
  for (int i = 0; i < sinks; ++i) {
    job.edge(last, job.sink("ledger" + std::to_string(i), nullptr), edge_kind::round_robin);
    auto target = std::make_shared<ledger>();
    target->refuses = chance(20);
    target->each_epoch = made.checkpoints && chance(500);
    job.what().units.back().definition.commit_each = target->each_epoch;
    target->weather = [this](const std::string& call) { return weather_of_components(call); };
    made.targets.push_back(std::move(target));
  }
  auto& definition = job.what().definition;
  if (made.checkpoints) {
    definition.checkpoint_microseconds = between(10'000, 3'000'000);
    definition.rejects.allow = 100;
    if (chance(700))
      definition.retry = retry_rule{.attempts = static_cast<std::uint32_t>(between(1, 20)), .backoff = 100ms};
  }
  auto setup = std::make_shared<run_setup>(*job.setup());
  setup->run = "run-" + std::to_string(runs_.size());
  const auto files = job.folder().file("runs/" + setup->run);
  setup->rejects_path = files + "/rejects.ndjson";
  setup->checkpoint_folder = files + "/checkpoints";
  setup->record.id = setup->run;
  setup->record.plan = plan_to_bytes(*setup->what);
  setup->record.context = options::object();
  setup->commit_patience.reset();
  made.make = [targets = made.targets, first_sink, run = setup->run](int unit) {
    const auto number = static_cast<std::size_t>(unit - first_sink);
    return result<std::unique_ptr<sink>>(open_ledger(targets[number], run + "/" + std::to_string(number)));
  };
  setup->components.make_sink = [make = made.make](const plan&, int unit, const run_context&) { return make(unit); };
  made.setup = setup;
  waiting_.push_back(setup->run);
  runs_.emplace(setup->run, std::move(made));
}

void world::submit(simulated_run& run) {
  run.submitted = true;
  user_->send(control_, submit_setup{run.setup});
  user_->send(control_, await_run{run.setup->run, *user_});
}

/// What the local starter does, with what may happen to one that spreads a run over two nodes.
void world::launch(const actors::launch& message) {
  auto& run = runs_.at(message.setup->run);
  run.supervisor = message.supervisor;
  if (dying_) return;
  const auto& what = *message.setup->what;
  launched answer;
  run.elsewhere.clear();
  for (const auto& who : flow::instances_of(what)) {
    const bool away =
        climate_.lost_nodes > 0 && what.units[who.unit].definition.role != unit_role::extract && chance(500);
    if (away) run.elsewhere.push_back(who);
    const auto services = time_.services(away ? "there" : "here");
    run.instances[who] = spawn_instance(time_.system(), message.setup, who, services);
    answer.instances.push_back({who, run.instances[who], services.node});
  }
  for (const auto& one : answer.instances)
    caf::anon_send(one.handle, wiring_of(what, answer.instances, one.who, message.supervisor, message.rejects));
  if (!fair_ && climate_.lost_nodes > 0 && chance(30)) {
    tell("nobody says that " + message.setup->run + " is launched");
    return;
  }
  caf::anon_send(message.supervisor, std::move(answer));
}

// -- weather

status world::weather_of_store(bool before, const std::string& call) {
  static const std::vector<std::string> codes = {"store_busy", "disk_full", "store_failed"};
  if (dying_) return external_error("stale_term", "this process is dead");
  if (fair_) return {};
  std::string code;
  if (before && time_.now() < outage_until_) code = outage_code_;
  if (before && chance(climate_.store_fails)) code = codes[static_cast<std::size_t>(between(0, 2))];
  if (!before && chance(climate_.answers_lost)) code = "store_failed";
  if (code.empty()) return {};
  tell(call + (before ? ": " : " took effect, but: ") + code);
  return external_error(code, "the Store's weather");
}

status world::weather_of_components(const std::string& call) {
  if (dying_) return external_error("dead", "this process is dead");
  if (fair_ || !chance(climate_.components_fail)) return {};
  tell(call + " fails");
  return external_error("disk_full", "the weather at " + call);
}

void world::disturb() {
  if (fair_) return;
  if (chance(climate_.outages)) {
    outage_until_ = time_.now() + std::chrono::milliseconds(between(10, 200'000));
    outage_code_ = chance(500) ? "store_busy" : "store_failed";
    tell("the Store is gone for a while: " + outage_code_);
  }
  if (chance(climate_.crashes)) return crash();
  if (chance(climate_.kills / 2)) {
    tell("the subscriber dies and comes back");
    time_.kill(subscriber_);
    subscribe();
  }
  auto at = runs_.begin();
  std::advance(at, between(0, static_cast<std::int64_t>(runs_.size()) - 1));
  auto& [id, run] = *at;
  if (run.submitted && chance(climate_.cancels)) {
    tell("cancel " + id);
    run.cancelled = true;
    user_->send(control_, cancel_run{id});
  }
  if (run.checkpoints && chance(climate_.checkpoints)) user_->send(control_, steer_run{id, "checkpoint"});
  if (run.checkpoints && chance(climate_.pauses)) {
    tell("pause " + id);
    user_->send(control_, steer_run{id, "pause"});
  }
  if (chance(20)) resume_paused();
  if (!run.supervisor) return;
  if (chance(climate_.kills)) {
    auto victim = run.instances.begin();
    const auto which = between(0, static_cast<std::int64_t>(run.instances.size()));
    std::advance(victim, std::min<std::int64_t>(which, static_cast<std::int64_t>(run.instances.size()) - 1));
    const bool head = victim == run.instances.end() || which == static_cast<std::int64_t>(run.instances.size());
    tell((head ? "the supervisor of " : "an instance of ") + id + " dies");
    time_.kill(head ? run.supervisor : victim->second);
  }
  if (!run.elsewhere.empty() && chance(climate_.lost_nodes)) {
    tell("the other node of " + id + " is lost");
    const bool first = chance(500);
    const auto lost = node_lost{"there", external_error("node_lost", "node there is gone")};
    if (first) caf::anon_send(run.supervisor, lost);
    for (const auto& who : run.elsewhere) time_.kill(run.instances.at(who));
    if (!first) caf::anon_send(run.supervisor, lost);
    run.elsewhere.clear();
  }
}

/// Time passes although there is work: everybody is slow.
void world::dawdle() {
  const auto time = std::chrono::milliseconds(between(1, 2000));
  if (time > 1s) tell("all are slow for " + std::to_string(time.count()) + " ms");
  time_.slip(time);
}

// -- living

void world::listen() {
  if (user_->silent()) return;
  for (const auto& one : user_->all<run_ended>()) {
    // A run that could not be taken up is nobody's again.
    auto& run = runs_.at(one.outcome->run);
    const auto record = kept_->find_run(one.outcome->run);
    const bool refused = one.outcome->state == run_state::failed && record.ok() && !store::is_final(record->state);
    if (run.taken_up && refused) {
      run.crashed = run.refused = true;
      lost_.insert(one.outcome->run);
      continue;
    }
    ++told_[one.outcome->run];
    outcomes_[one.outcome->run] = one.outcome;
  }
  user_->clear();
}

bool world::over() {
  if (!fair_ || !waiting_.empty() || !lost_.empty()) return false;
  for (const auto& [id, run] : runs_) {
    if (!run.crashed && told_[id] == 0) return false;
    const auto record = kept_->find_run(id);
    if (record.ok() && !store::is_final(record->state)) return false;
  }
  return kept_->last_cursor().value() == (heard_.empty() ? 0 : *std::max_element(heard_.begin(), heard_.end()));
}

std::vector<std::string> world::live() {
  std::vector<std::string> broken;
  auto moment = time_.now();
  for (int steps = 0; time_.now() < begin_ + horizon; ++steps) {
    if (std::exchange(moment, time_.now()) != time_.now()) steps = 0;
    if (steps > most_at_once) {
      broken.emplace_back("there is no end of what is done at one moment");
      return broken;
    }
    if (!fair_ && time_.now() >= calm_from_) {
      fair_ = true;
      tell("calm");
    }
    disturb();
    if (!waiting_.empty() && (fair_ || chance(20))) {
      submit(runs_.at(waiting_.front()));
      waiting_.erase(waiting_.begin());
    }
    if (!lost_.empty() && (fair_ || chance(20))) settle_lost_runs();
    if (!fair_ && chance(climate_.delays)) dawdle();
    const bool busy = time_.step();
    listen();
    if (busy) continue;
    if (over()) break;
    if (fair_) resume_paused();
    if (!time_.jump(horizon)) time_.slip(1s);
  }
  if (!over()) broken.emplace_back("not everything has come to its end");
  time_.pass(10min);
  listen();
  check(broken);
  return broken;
}

}  // namespace sluice::actors::simulation
