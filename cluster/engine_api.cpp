#include "cluster/engine_api.hpp"

#include "actors/notifier.hpp"
#include "actors/run/rescale.hpp"
#include "cluster/http/server.hpp"
#include "cluster/token.hpp"
#include "engine/notify/probe.hpp"
#include "engine/secrets/mask.hpp"

#include <arrow/memory_pool.h>
#include <caf/all.hpp>

#include <optional>
#include <sstream>

namespace sluice::cluster {

namespace {

constexpr auto answer_limit = std::chrono::seconds(10);

/// The subscriber actor behind the event streams of a server. The notifier sends the next events after `events_seen`,
/// so that a server that is busy has one message at most.
caf::behavior stream_subscriber(caf::event_based_actor* self, const caf::actor& notifier,
                                const api_handlers::news_function& news) {
  self->monitor(notifier);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  // All that is in the log is read from the Store by whoever wants it.
  self->send(notifier, actors::subscribe_events{self, actors::only_new_events, {}});
  return {[self, news](actors::event_batch& message) {
    if (message.events.empty()) return news({}, [] {});
    auto seen = [from = caf::actor_cast<caf::actor>(self->current_sender()), to = caf::actor(self),
                 cursor = message.events.back().cursor] { caf::send_as(to, from, actors::events_seen{cursor}); };
    news(std::move(message.events), std::move(seen));
  }};
}

/// Ends the subscriber with its server.
struct subscription {
  caf::actor subscriber;
  explicit subscription(caf::actor one) : subscriber(std::move(one)) {}
  ~subscription() { caf::anon_send_exit(subscriber, caf::exit_reason::user_shutdown); }
  subscription(const subscription&) = delete;
  subscription& operator=(const subscription&) = delete;
};

template <class Answer, class Question>
result<Answer> ask(caf::actor_system& system, const caf::actor& whom, Question question) {
  caf::scoped_actor self(system);
  std::optional<Answer> got;
  caf::error problem;
  self->request(whom, answer_limit, std::move(question))
      .receive([&](Answer& answer) { got = std::move(answer); }, [&](caf::error& why) { problem = std::move(why); });
  if (got) return std::move(*got);
  return external_error("request_timed_out", "the engine did not answer: " + caf::to_string(problem),
                        "the process may be shutting down", true);
}

void add_metric(std::string& out, const char* name, const char* help, const actors::live_runs& runs,
                std::uint64_t (*value)(const flow::unit_counters&)) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " counter\n";
  for (const auto& run : runs.runs)
    for (const auto& unit : run.units)
      out += std::string(name) + "{run=\"" + run.run + "\",pipeline=\"" + run.pipeline + "\",unit=\"" + unit.unit +
             "\"} " + std::to_string(value(unit.counters)) + "\n";
}

void add_memory(std::string& out, const char* name, const char* help, const actors::live_runs& runs,
                std::int64_t actors::run_progress::*value) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " gauge\n";
  for (const auto& run : runs.runs)
    out += std::string(name) + "{run=\"" + run.run + "\",pipeline=\"" + run.pipeline + "\"} " +
           std::to_string(run.*value) + "\n";
}

/// What "scale UNIT N" asks for; nothing where it is another word.
std::optional<actors::scale_run> scale_of(const std::string& run, const std::string& how) {
  std::istringstream words(how);
  std::string word;
  actors::scale_run what{.run = run, .unit = {}};
  if (!(words >> word >> what.unit >> what.instances) || word != "scale") return {};
  return what;
}

std::string metrics_text(const actors::live_runs& runs) {
  std::string out;
  add_metric(out, "sluice_rows_in_total", "Rows that arrived at a unit of a current run.", runs,
             [](const flow::unit_counters& c) { return c.in; });
  add_metric(out, "sluice_rows_out_total", "Rows that a unit of a current run passed on or loaded.", runs,
             [](const flow::unit_counters& c) { return c.out; });
  add_metric(out, "sluice_rows_rejected_total", "Rows that a unit of a current run rejected.", runs,
             [](const flow::unit_counters& c) { return c.rejected; });
  add_metric(out, "sluice_bytes_total", "Bytes read by a source or written by a sink.", runs,
             [](const flow::unit_counters& c) { return c.bytes; });
  add_metric(out, "sluice_batches_total", "Batches processed by a unit of a current run.", runs,
             [](const flow::unit_counters& c) { return c.batches; });
  add_memory(out, "sluice_run_memory_limit_bytes", "run.memory of a live run.", runs,
             &actors::run_progress::memory_limit);
  add_memory(out, "sluice_run_memory_reserved_bytes", "Memory that the operators of a live run hold.", runs,
             &actors::run_progress::memory_reserved);
  add_memory(out, "sluice_run_memory_queued_bytes", "Batches in queues and reorder buffers of a live run.", runs,
             &actors::run_progress::memory_queued);
  out +=
      "# HELP sluice_arrow_bytes Memory in column buffers, including batches in transit.\n"
      "# TYPE sluice_arrow_bytes gauge\n"
      "sluice_arrow_bytes " +
      std::to_string(arrow::default_memory_pool()->bytes_allocated()) + "\n";
  return out;
}

}  // namespace

options progress_to_json(const actors::run_progress& progress) {
  options units = options::array();
  for (const auto& unit : progress.units) {
    options one = {{"unit", unit.unit}, {"role", unit.role}, {"state", unit.state}};
    actors::add_counters(one, unit.counters);
    one["skipped"] = unit.counters.skipped;
    one["rows_per_second"] = unit.rows_per_second;
    one["held_back"] = static_cast<double>(unit.held_back_ppm) / 1e6;
    one["starved"] = static_cast<double>(unit.starved_ppm) / 1e6;
    if (!unit.down.empty()) one["down"] = {{"since", unit.down_since}, {"message", unit.down}};
    if (unit.done_ppm >= 0) one["done"] = static_cast<double>(unit.done_ppm) / 1e6;
    units.push_back(std::move(one));
  }
  options out = {
      {"run", progress.run},
      {"pipeline", progress.pipeline},
      {"state", progress.state},
      {"running_seconds", static_cast<double>(progress.running_microseconds) / 1e6},
      {"memory",
       {{"limit", progress.memory_limit}, {"reserved", progress.memory_reserved}, {"queued", progress.memory_queued}}},
      {"units", std::move(units)}};
  if (progress.left_microseconds >= 0) out["left_seconds"] = static_cast<double>(progress.left_microseconds) / 1e6;
  return out;
}

api_handlers handlers_of(caf::actor_system& system, const actors::engine_actors& actors,
                         std::shared_ptr<store::store> store, const std::string& state_folder) {
  api_handlers made;
  made.store = std::move(store);
  made.test_channel = [in = made.store](const std::string& pipeline, const std::string& channel) -> result<options> {
    SLUICE_ASSIGN(const auto tested, notify::test_channel(*in, pipeline, channel));
    return notify::to_json(tested);
  };
  made.state_folder = state_folder;
  made.cancel = [&system, control = actors.control](const std::string& run) -> result<bool> {
    SLUICE_ASSIGN(const auto answer, ask<actors::cancel_answer>(system, control, actors::cancel_run{run}));
    return answer.known && !answer.ended;
  };
  made.steer = [&system, control = actors.control](const std::string& run, const std::string& how) -> result<options> {
    auto answer = scale_of(run, how) ? ask<actors::steer_answer>(system, control, *scale_of(run, how))
                                     : ask<actors::steer_answer>(system, control, actors::steer_run{run, how});
    if (!answer.ok()) return answer.problem();
    if (!answer->known) return options();
    if (!answer->refused.code.empty()) return answer->refused;
    options told = {{"told", how.substr(0, how.find(' '))}};
    if (answer->epoch > 0) told["epoch"] = answer->epoch;
    return told;
  };
  made.progress = [&system, control = actors.control](const std::string& run) -> options {
    const auto answer = ask<actors::run_progress>(system, control, actors::get_progress{run});
    return answer.ok() && !answer->run.empty() ? progress_to_json(*answer) : options(nullptr);
  };
  made.all_progress = [&system, control = actors.control]() -> std::map<std::string, options> {
    const auto answer = ask<actors::live_runs>(system, control, actors::list_live_runs{});
    std::map<std::string, options> all;
    if (answer.ok())
      for (const auto& run : answer->runs) all[run.run] = progress_to_json(run);
    return all;
  };
  made.metrics = [&system, control = actors.control]() -> std::string {
    const auto answer = ask<actors::live_runs>(system, control, actors::list_live_runs{});
    return answer.ok() ? metrics_text(*answer) : std::string();
  };
  made.subscribe = [&system, notifier = actors.notifier](api_handlers::news_function news) -> std::shared_ptr<void> {
    return std::make_shared<subscription>(system.spawn(stream_subscriber, notifier, std::move(news)));
  };
  return made;
}

result<std::unique_ptr<http_server>> serve_engine(actors::engine& of, std::shared_ptr<store::store> store,
                                                  const std::string& state_folder) {
  SLUICE_ASSIGN(auto token, ensure_token(state_folder));
  return http_server::start({"127.0.0.1", 0}, std::move(token),
                            handlers_of(of.system(), of.actors(), std::move(store), state_folder));
}

}  // namespace sluice::cluster
