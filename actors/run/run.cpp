#include "actors/run/run.hpp"

#include "actors/io_pool.hpp"
#include "actors/notifier.hpp"
#include "actors/run/control.hpp"
#include "actors/run/follow_messages.hpp"
#include "actors/run/rule_messages.hpp"
#include "engine/store/lease_keeper.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <thread>

namespace sluice::actors {

void configure(caf::actor_system_config& config, std::size_t threads) {
  config.add_message_types<caf::id_block::sluice_actors>();
  config.add_message_types<caf::id_block::sluice_rules>();
  config.add_message_types<caf::id_block::sluice_follow>();
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  config.set("scheduler.max-threads", threads);
  config.set("scheduler.max-throughput", std::size_t{5});
  // Work comes from I/O threads most of the time; stealing workers would sleep up to 10 ms before they look for it.
  config.set("scheduler.policy", caf::atom("sharing"));
}

engine_actors start_actors(caf::actor_system& system, std::shared_ptr<store::store> store, node_services services,
                           caf::actor starter, std::chrono::milliseconds settle_interval, std::size_t most_runs) {
  engine_actors all;
  all.services = std::move(services);
  all.starter = starter ? std::move(starter) : spawn_local_starter(system, all.services);
  all.notifier = spawn_notifier(system, store, all.services);
  all.control = spawn_control(system, {.services = all.services,
                                       .store = std::move(store),
                                       .starter = all.starter,
                                       .notifier = all.notifier,
                                       .most_runs = most_runs,
                                       .settle_interval = settle_interval});
  return all;
}

bool stop_actors(caf::actor_system& system, engine_actors& actors, std::chrono::milliseconds limit) {
  bool done = false;
  caf::scoped_actor self(system);
  self->request(actors.control, limit, shut_down{}).receive([&](shut_down) { done = true; }, [](const caf::error&) {});
  for (auto* one : {&actors.control, &actors.notifier, &actors.starter}) {
    self->send_exit(*one, caf::exit_reason::user_shutdown);
    *one = nullptr;
  }
  return done;
}

namespace {

struct engine_config : caf::actor_system_config {
  explicit engine_config(std::size_t threads) { configure(*this, threads); }
};

}  // namespace

struct engine::state {
  state(const std::shared_ptr<store::store>& store, const std::string& node, std::size_t threads)
      : config(threads),
        calls(std::make_shared<io_pool>()),
        system(config),
        lease(std::make_shared<store::lease_keeper>(store, node)),
        actors(start_actors(system, store, {.io = calls.pool, .node = node, .lease = lease})) {}

  engine_config config;
  finishes_calls calls;
  caf::actor_system system;
  std::shared_ptr<const store::lease_keeper> lease;
  engine_actors actors;
};

engine::engine(const std::shared_ptr<store::store>& store, const std::string& node, std::size_t threads)
    : state_(std::make_unique<state>(store, node, threads)) {}

engine::~engine() { stop_actors(state_->system, state_->actors, std::chrono::seconds(5)); }

caf::actor_system& engine::system() { return state_->system; }
const engine_actors& engine::actors() const { return state_->actors; }

void engine::cancel(const std::string& run) { caf::anon_send(state_->actors.control, cancel_run{run}); }

run_outcome engine::run(std::shared_ptr<const run_setup> setup, const run_callbacks& callbacks) {
  const auto run = setup->run;
  const bool endless = setup->what->endless();
  auto& control = state_->actors.control;
  caf::scoped_actor self(state_->system);
  std::shared_ptr<const run_outcome> outcome;
  bool last_event = !callbacks.event;
  bool cancelled = false;
  if (callbacks.event) self->send(state_->actors.notifier, subscribe_events{self, callbacks.after, run});
  self->send(control, await_run{run, self});
  const auto refuse = [&](error why) {
    auto refused = std::make_shared<run_outcome>();
    refused->run = run;
    refused->cause = std::move(why);
    refused->refused = true;
    outcome = std::move(refused);
    last_event = true;
  };
  // Not a request: either of two messages answers it.
  self->send(control, submit_setup{std::move(setup)});
  self->receive([](const submitted&) {}, [&](const submission_refused& message) { refuse(message.faults.front()); },
                [&](const caf::error& problem) {
                  refuse(internal_error("submission_refused", "the run was not accepted: " + to_string(problem)));
                },
                caf::after(std::chrono::seconds(30)) >>
                    [&] { refuse(internal_error("submission_refused", "the engine did not answer")); });
  using clock = std::chrono::steady_clock;
  auto next_progress = clock::now() + callbacks.interval;
  auto deadline = clock::time_point::max();
  while (!outcome || !last_event) {
    self->receive(
        [&](const run_ended& message) {
          outcome = message.outcome;
          // What is left to the next process has no last event yet.
          if (!store::is_final(outcome->state)) last_event = true;
          deadline = clock::now() + std::chrono::seconds(10);  // its last event is durable and on its way
        },
        [&](const event_batch& message) {
          for (const auto& one : message.events) {
            callbacks.event(one);
            const auto ends = one.type.rfind("run.", 0) == 0 ? store::run_state_from(one.type.substr(4)) : std::nullopt;
            if (ends && store::is_final(*ends)) last_event = true;
          }
          self->send(state_->actors.notifier, events_seen{});
        },
        [&](const run_progress& made) {
          if (callbacks.progress && !made.run.empty()) callbacks.progress(made);
        },
        [](const cancel_answer&) {},
        [&](const steer_answer& answer) {
          // It waits for its turn, or for its units to start.
          if (!answer.known || !answer.refused.code.empty()) cancelled = false;
        },
        caf::after(std::chrono::milliseconds(50)) >> [] {});
    const auto now = clock::now();
    if (now > deadline) break;
    if (!outcome && !cancelled && callbacks.cancel && callbacks.cancel()) {
      cancelled = true;
      endless ? self->send(control, steer_run{run, "drain"}) : self->send(control, cancel_run{run});
    }
    if (!outcome && callbacks.progress && now >= next_progress) {
      next_progress = now + callbacks.interval;
      self->send(control, get_progress{run});
    }
  }
  if (callbacks.event) self->send(state_->actors.notifier, unsubscribe_events{self});
  return *outcome;
}

}  // namespace sluice::actors
