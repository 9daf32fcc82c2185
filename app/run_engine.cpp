#include "app/run_engine.hpp"

#include "actors/progress_json.hpp"
#include "actors/run.hpp"
#include "app/engine_process.hpp"
#include "app/event_text.hpp"
#include "app/run_display.hpp"
#include "app/text.hpp"
#include "cluster/http/server.hpp"
#include "cluster/token.hpp"

#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <filesystem>
#include <map>
#include <mutex>

namespace sluice::app {

namespace {

/// What the HTTP API's threads see of the run.
class run_window {
 public:
  void show(options progress) {
    const std::lock_guard lock(guard_);
    progress_ = std::move(progress);
  }
  options progress() {
    const std::lock_guard lock(guard_);
    return progress_;
  }
  void woken() {
    const std::lock_guard lock(guard_);
    for (const auto& [number, wake] : sleepers_) wake();
  }
  static std::shared_ptr<void> subscribe(const std::shared_ptr<run_window>& self, std::function<void()> wake) {
    const std::lock_guard lock(self->guard_);
    const auto number = ++self->last_;
    self->sleepers_[number] = std::move(wake);
    return {nullptr, [self, number](void*) {
              const std::lock_guard leaving(self->guard_);
              self->sleepers_.erase(number);
            }};
  }

 private:
  std::mutex guard_;
  options progress_;
  std::map<int, std::function<void()>> sleepers_;
  int last_ = 0;
};

/// Serves status, watch and cancel of other terminals. A run goes on without it where there is no port to be had.
result<std::unique_ptr<cluster::http_server>> serve(const session& with, const std::shared_ptr<store::store>& store,
                                                    const std::string& run, const std::shared_ptr<run_window>& window,
                                                    std::function<void()> cancel) {
  SLUICE_ASSIGN(auto token, cluster::ensure_token(with.options.state_folder));
  cluster::api_handlers handlers;
  handlers.store = store;
  handlers.state_folder = with.options.state_folder;
  handlers.cancel = [run, cancel = std::move(cancel)](const std::string& which) -> result<bool> {
    if (which != run) return false;
    cancel();
    return true;
  };
  handlers.progress = [run, window](const std::string& which) { return which == run ? window->progress() : options{}; };
  handlers.ready = [] { return true; };
  handlers.subscribe = [window](const std::string&, std::function<void()> wake) {
    return run_window::subscribe(window, std::move(wake));
  };
  return cluster::http_server::start({"127.0.0.1", 0}, std::move(token), std::move(handlers));
}

std::string fingerprint_of(const pipeline& what, const options& params) {
  const auto text = what.text + '\0' + params.dump(-1, ' ', false, options::error_handler_t::replace);
  std::array<char, 20> hex = {};
  std::snprintf(hex.data(), hex.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
  return hex.data();
}

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

bool writes_to_stdout(const plan& what) {
  for (const auto& unit : what.units) {
    if (unit.definition.role != unit_role::load) continue;
    if (unit.definition.component == "stdout") return true;
    if (unit.definition.own.is_object() && unit.definition.own.value("path", options()) == "-") return true;
  }
  return false;
}

std::shared_ptr<actors::run_setup> make_setup(const session& with, const planned_pipeline& planned,
                                              const std::string& endpoint) {
  const auto& what = planned.what->definition;
  auto setup = std::make_shared<actors::run_setup>();
  setup->run = planned.context->run_id;
  setup->what = planned.what;
  setup->context = planned.context;
  setup->components = actors::planned_components();
  setup->rejects_path = with.rejects_path(setup->run);
  auto& record = setup->record;
  record.id = setup->run;
  record.pipeline = what.name;
  record.owner = what.owner;
  record.tags = what.tags;
  record.text = what.text;
  record.params = planned.params;
  record.fingerprint = fingerprint_of(what, record.params);
  record.plan = plan_to_bytes(*planned.what);
  record.pid = ::getpid();
  record.pid_started = store::process_start(record.pid);
  record.node = "local";
  record.endpoint = endpoint;
  return setup;
}

result<engine_result> run_planned(session& with, const planned_pipeline& planned) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  const auto run = planned.context->run_id;
  const auto window = std::make_shared<run_window>();
  actors::engine engine(store);
  auto server = serve(with, store, run, window, [&] { engine.cancel(run); });
  if (!server.ok()) report(with, server.problem());
  const auto setup = make_setup(with, planned, server.ok() ? (*server)->where().to_string() : "");
  const bool shared = with.terminal.out_is_terminal() && writes_to_stdout(*planned.what);
  run_display display(with, shared);
  signals stop;
  bool told = false;
  actors::run_callbacks callbacks;
  callbacks.progress = [&](const actors::run_progress& progress) {
    auto json = actors::to_options(progress);
    display.show(view_of(json));
    window->show(std::move(json));
  };
  callbacks.event = [&](const store::event& event) {
    if (with.options.json)
      with.terminal.line(store::cloud_event(event).dump(-1, ' ', false, options::error_handler_t::replace));
    if (with.options.verbose) display.say(time_text(event.time) + "  " + event_text(event));
    window->woken();
  };
  callbacks.cancel = [&] {
    const bool asked = stop.stop_asked();
    if (asked && !told && !with.options.quiet && !with.options.json) display.say("stopping; Ctrl-C again kills");
    told = told || asked;
    return asked;
  };
  engine_result ended;
  ended.outcome = engine.run(setup, callbacks);
  ended.signal = stop.first();
  display.end();
  if (server.ok()) (*server)->drain();
  std::error_code ignored;
  std::filesystem::remove_all(planned.context->spill_folder, ignored);
  return ended;
}

}  // namespace sluice::app
