#include "app/run_engine.hpp"

#include "actors/delivery/dispatcher.hpp"
#include "actors/run/run.hpp"
#include "app/allocator.hpp"
#include "app/black_box.hpp"
#include "app/engine_process.hpp"
#include "app/event_text.hpp"
#include "app/pending_notifications.hpp"
#include "app/run_display.hpp"
#include "app/text.hpp"
#include "cluster/engine_api.hpp"
#include "cluster/http/server.hpp"
#include "engine/notify/condition.hpp"
#include "engine/plan/stated_target.hpp"
#include "engine/runs/record.hpp"
#include "engine/store/deliveries.hpp"

#include <unistd.h>

#include <filesystem>

namespace sluice::app {

namespace {

/// A command in a terminal or a script can't wait for ever for its targets; the next one goes on.
constexpr auto commit_patience = std::chrono::minutes(2);

}  // namespace

bool signals::stop_asked() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, interrupt_signal);
  const timespec at_once = {};
  for (int got = 0; (got = sigtimedwait(&set, nullptr, &at_once)) > 0;)
    if (first_ == 0) first_ = got == SIGTERM ? SIGTERM : SIGINT;
  return first_ != 0;
}

bool writes_to_stdout(const pipeline& what) {
  for (const auto& unit : what.units) {
    if (unit.role != unit_role::load) continue;
    const auto target = stated_target(unit.component, unit.own);
    if (target && target->what == write_target::kind::standard_output) return true;
  }
  return false;
}

std::shared_ptr<actors::run_setup> make_setup(const session& with, const planned_pipeline& planned,
                                              const std::string& endpoint,
                                              std::shared_ptr<const actors::resume_point> from) {
  auto setup = std::make_shared<actors::run_setup>();
  setup->run = planned.context->run_id;
  setup->what = planned.what;
  setup->context = planned.context;
  setup->components = actors::planned_components();
  setup->rejects_path = with.rejects_path(setup->run);
  setup->checkpoint_folder = (std::filesystem::path(setup->rejects_path).parent_path() / "checkpoints").string();
  setup->resume = std::move(from);
  setup->commit_patience = commit_patience;
  setup->record = make_record(*planned.what, *planned.context, planned.params, {.node = "local", .endpoint = endpoint});
  setup->record.state_version = planned.state_version;
  if (!planned.subscriptions.empty())
    setup->record.context["params"] = notify::texts_of(planned.what->definition.params);
  return setup;
}

result<engine_result> run_planned(session& with, const planned_pipeline& planned, const run_begin& begin,
                                  std::chrono::milliseconds notify_wait,
                                  const std::function<void(const engine_result&)>& ended) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  // Left to the end of the process: once the outcome is known everything is durable, and taking actors, threads and
  // connections down one by one would take longer than a small run.
  auto& engine = *new actors::engine(store);
  // Serves status, watch and cancel of other terminals; a run goes on without it where there is no port to be had.
  auto served = cluster::serve_engine(engine, store, with.options.state_folder);
  if (!served.ok()) report(with, served.problem());
  auto* const server = served.ok() ? std::move(served).value().release() : nullptr;
  const auto setup = make_setup(with, planned, server != nullptr ? server->where().to_string() : "", begin.from);
  if (begin.lost != nullptr) actors::take_up(*setup, *begin.lost);
  for (const auto& [name, value] : begin.context.items()) setup->record.context[name] = value;
  // While it lives it decides what becomes of the run when this process dies.
  if (begin.left != nullptr)
    setup->record.context["parent"] = {{"pid", ::getppid()}, {"started", store::process_start(::getppid())}};
  const auto dispatcher = start_deliveries(engine, store);
  SLUICE_TRY(store::deliveries_of(*store).subscribe(planned.what->definition.name, planned.subscriptions));
  const bool shared = with.terminal.out_is_terminal() && writes_to_stdout(planned.what->definition);
  run_display display(with, shared);
  const memory_trimmer trimmer;
  signals stop;
  bool told = false;
  actors::run_callbacks callbacks;
  callbacks.progress = [&](const actors::run_progress& progress) {
    display.show(view_of(cluster::progress_to_json(progress)));
  };
  callbacks.event = [&](const store::event& event) {
    if (with.options.json) with.terminal.line(store::cloud_event(event).dump());
    const auto text = time_text(event.time) + "  " + event_text(event);
    if (with.options.verbose) display.say(text);
    if (begin.left == nullptr) return;
    begin.left->line(text);
    begin.left->told(event.cursor);
  };
  // What an earlier try has printed is not printed again.
  if (begin.left != nullptr) callbacks.after = begin.left->told();
  callbacks.cancel = [&] {
    const bool asked = stop.stop_asked();
    if (asked && !told && !with.options.quiet && !with.options.json)
      display.say(setup->what->endless() ? "stopping at a checkpoint; press Ctrl-C again to kill"
                                         : "stopping; press Ctrl-C again to kill");
    told = told || asked;
    return asked;
  };
  engine_result how;
  how.outcome = engine.run(setup, callbacks);
  how.signal = stop.first();
  display.end();
  ended(how);
  if (!how.outcome.refused) finish_deliveries(with, engine, dispatcher, *store, how.outcome.run, notify_wait);
  if (server != nullptr) server->drain();
  return how;
}

}  // namespace sluice::app
