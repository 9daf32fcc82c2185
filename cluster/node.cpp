#include "cluster/node.hpp"

#include "actors/delivery/dispatcher.hpp"
#include "actors/io_pool.hpp"
#include "actors/run/lost_tries.hpp"
#include "actors/schedule/scheduler.hpp"
#include "actors/subscribers/file.hpp"
#include "actors/subscribers/log.hpp"
#include "cluster/control/dialler.hpp"
#include "cluster/control/transport.hpp"
#include "cluster/data_links.hpp"
#include "cluster/data_metrics.hpp"
#include "cluster/deployments.hpp"
#include "cluster/engine_api.hpp"
#include "cluster/error_answer.hpp"
#include "cluster/explain_placement.hpp"
#include "cluster/http/server.hpp"
#include "cluster/keyed_submissions.hpp"
#include "cluster/lifeline.hpp"
#include "cluster/member_list.hpp"
#include "cluster/move_runs.hpp"
#include "cluster/node_actor.hpp"
#include "cluster/node_checks.hpp"
#include "cluster/node_events.hpp"
#include "cluster/node_rules.hpp"
#include "cluster/process.hpp"
#include "cluster/refused_submission.hpp"
#include "cluster/shared_folder.hpp"
#include "cluster/submission.hpp"
#include "cluster/take_lead.hpp"
#include "cluster/tls/certificates.hpp"
#include "cluster/token.hpp"
#include "engine/files/private_files.hpp"
#include "engine/plan/explain_json.hpp"
#include "engine/runs/lost_runs.hpp"
#include "engine/store/lease_keeper.hpp"
#include "engine/store/store_place.hpp"
#include "engine/version.hpp"

#include <unistd.h>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/logger.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <vector>

namespace sluice::cluster {

namespace {

constexpr auto join_limit = std::chrono::seconds(15);
/// How often a first node looks for runs whose process has died, and repeats their commits.
constexpr auto settle_interval = std::chrono::milliseconds(5000);
/// The runs of a controller that has died wait so long for its workers, and so long where they fit nowhere without
/// them.
constexpr auto grace_of_workers = std::chrono::milliseconds(2000);
constexpr auto most_of_workers = std::chrono::seconds(30);
/// How long runs may take to stop at shutdown.
constexpr auto grace = std::chrono::seconds(10);

struct node_config : caf::actor_system_config {
  node_config(int threads, const membership_limits& limits) {
    actors::configure(*this, static_cast<std::size_t>(std::max(0, threads)));
    add_message_types<caf::id_block::sluice_cluster>();
    load<caf::io::middleman>();
    // The second line behind the heartbeats of nodes, and how workers notice that the first node is stalled.
    set("middleman.heartbeat-interval", caf::timespan(limits.interval));
    set("middleman.connection-timeout", caf::timespan(limits.lost));
    set("middleman.enable-automatic-connections", false);
  }
};

struct node_parts;

/// Lets threads in that nobody waits for, as long as the node is there.
class node_door {
 public:
  explicit node_door(node_parts& inside) : inside_(&inside) {}

  const std::shared_ptr<keys_under_way> keys = std::make_shared<keys_under_way>();

  template <class Value, class Call>
  result<Value> visit(Call call) {
    const std::shared_lock guard(lock_);
    if (inside_ == nullptr)
      return external_error("shutting_down", "the node is shutting down", "submit it again when the node is back",
                            true);
    result<Value> got = call(*inside_);
    // The system keeps its log until the last thread that has asked an actor is through, and waits for that at its end.
    caf::logger::set_current_actor_system(nullptr);
    return got;
  }
  /// Waits for who is inside.
  void close() {
    const std::unique_lock guard(lock_);
    inside_ = nullptr;
  }

 private:
  std::shared_mutex lock_;
  node_parts* inside_;
};

/// Everything that a node is made of, in the order in which it has to go away again.
struct node_parts {
  node_parts(int threads, const membership_limits& limits)
      : config(threads, limits), calls(std::make_shared<actors::io_pool>()), system(config) {}

  node_config config;
  actors::finishes_calls calls;
  std::shared_ptr<cluster::transport> transport;  ///< outlives the system, which ends its connections
  caf::actor_system system;
  std::shared_ptr<store::store> store;
  std::shared_ptr<const store::lease_keeper> lease;
  std::unique_ptr<lead_watch> lead;  ///< where others share the Store
  std::shared_ptr<data_links> links;
  std::shared_ptr<certificates> secured;  ///< null: on loopback, nothing is encrypted
  actors::engine_actors engine;
  std::vector<caf::actor> subscribers;  ///< held, because nothing else refers to them between two events
  caf::actor scheduler;                 ///< of the first node
  caf::actor dialler;
  caf::actor node;
  std::shared_ptr<node_events> events;
  node_info self;
  std::string state_folder;
  std::string access_folder;
  std::string spill_folder;
  std::string config_file;  ///< read again for each submission
  std::int64_t term = 0;    ///< taken at the start; every write of this node's runs carries it
  bool first = true;
  std::atomic<bool> ready = false;
  lifeline node_actor;  ///< without it nothing is taken in any more, whatever else still answers
  std::shared_ptr<node_door> door = std::make_shared<node_door>(*this);
  std::unique_ptr<http_server> http;
};

template <class Answer, class Question>
result<Answer> ask(caf::actor_system& system, const caf::actor& whom, Question question) {
  caf::scoped_actor self(system);
  std::optional<Answer> got;
  self->request(whom, std::chrono::seconds(30), std::move(question))
      .receive([&](Answer& answer) { got = std::move(answer); }, [](const caf::error&) {});
  if (got) return std::move(*got);
  return external_error("request_timed_out", "the node did not answer", "it may be shutting down", true);
}

result<std::vector<node_status>> nodes_of(node_parts& all) {
  SLUICE_ASSIGN(auto table, ask<member_table>(all.system, all.node, list_nodes{}));
  return std::move(table.all);
}

/// Hands a planned run to control; the Store may refuse it.
result<std::string> take_submission(node_parts& all, const std::shared_ptr<const actors::run_setup>& setup) {
  caf::scoped_actor self(all.system);
  result<std::string> taken =
      external_error("request_timed_out", "the node did not answer", "it may be shutting down", true);
  // Not a request: either of two messages answers it.
  self->send(all.engine.control, actors::submit_setup{setup});
  self->receive([&](const actors::submitted& message) { taken = message.run; },
                [&](const actors::submission_refused& message) { taken = message.faults.front(); },
                [](const caf::error&) {}, caf::after(std::chrono::seconds(30)) >> [] {});
  return taken;
}

/// What a submission is planned with. It holds all that it refers to: nobody waits for the end of planning.
struct planning_ground {
  submission_place where;
  std::vector<placeable_node> nodes;
  std::shared_ptr<store::store> store;
};

result<planning_ground> ground_for_planning(node_parts& all) {
  SLUICE_ASSIGN(const auto nodes, nodes_of(all));
  if (!all.first)
    return user_error(
        "not_the_first_node",
        "node " + all.self.name + " does not accept submissions: its controller is node " + nodes.front().info.name,
        "submit to the controller: --to " + nodes.front().info.http);
  planning_ground ground{.where = {.node = all.self.name,
                                   .endpoint = all.self.http,
                                   .state_folder = all.state_folder,
                                   .spill_folder = all.spill_folder,
                                   .config_file = all.config_file,
                                   .term = all.term,
                                   .records = all.store.get()},
                         .nodes = placeable(nodes),
                         .store = all.store};
  return ground;
}

error cause_of(const diagnostics& found) {
  return found.empty() ? internal_error("planning_failed", "the pipeline can't be planned") : found.front();
}

/// Plans in between two short visits to the node, which may be gone at the second one.
result<submitted_run> start_run(node_door& at, const submission& what, planning_ground ground, diagnostics& faults) {
  const auto setup = plan_submission(what, ground.where, ground.nodes, faults);
  if (!setup) return cause_of(faults);
  ground.where.run = setup->run;
  setup->again = [what, ground = std::move(ground)]() -> result<std::shared_ptr<const actors::run_setup>> {
    diagnostics found;
    auto made = plan_submission(what, ground.where, ground.nodes, found);
    if (!made) return cause_of(found);
    return std::shared_ptr<const actors::run_setup>(std::move(made));
  };
  SLUICE_ASSIGN(auto run, at.visit<std::string>([&](node_parts& all) { return take_submission(all, setup); }));
  return submitted_run{.id = std::move(run)};
}

result<submitted_run> try_submit(node_door& at, const submission& what, diagnostics& faults) {
  SLUICE_ASSIGN(auto ground, at.visit<planning_ground>(ground_for_planning));
  if (what.key.empty()) return start_run(at, what, std::move(ground), faults);
  const keys_under_way::turn turn(at.keys, what.key);
  if (!turn.held())
    return external_error("submission_in_progress", "a submission with this key is being planned",
                          "ask again in a moment", true);
  SLUICE_ASSIGN(auto earlier, earlier_run(*ground.store, what));
  if (earlier) return submitted_run{.id = std::move(*earlier), .repeated = true};
  ground.where.run = keyed_run_id(what.key);
  return start_run(at, what, std::move(ground), faults);
}

/// Who submits gets the reason; the log, and those who follow it, get the event.
result<submitted_run> submit(node_door& at, const submission& what, diagnostics& faults) {
  auto made = try_submit(at, what, faults);
  if (made.ok()) return made;
  if (auto told = refused_submission(what, made.problem(), faults)) {
    const auto kept = at.visit<bool>([&](node_parts& all) {
      all.events->keep(*std::move(told), all.engine.notifier);
      return true;
    });
    if (!kept.ok()) log_line("the event of a refused submission could not be kept: " + kept.problem().message);
  }
  return made;
}

/// Makes the run of a start, unless a process that died has made it.
status start_due(node_door& at, const store::pending_start& what) {
  SLUICE_ASSIGN(auto ground, at.visit<planning_ground>(ground_for_planning));
  const auto made = ground.store->find_run(what.run);
  if (made.ok()) return {};
  if (made.problem().code != "run_not_found") return made.problem();
  SLUICE_ASSIGN(const auto found, store::schedules_of(*ground.store).find(what.pipeline));
  if (!found) return user_error("not_deployed", "the pipeline " + what.pipeline + " is not deployed any more");
  ground.where.run = what.run;
  ground.where.due_at = what.due;
  ground.where.origin = origin_of(what);
  diagnostics faults;
  const auto started = start_run(at, submission_of(*found, what), std::move(ground), faults);
  return started.ok() ? status() : status(started.problem());
}

/// The plan of a pipeline as a submission would get it, but with nothing that earlier runs have left.
result<options> plan_only(node_door& at, const submission& what, diagnostics& faults) {
  SLUICE_ASSIGN(auto ground, at.visit<planning_ground>(ground_for_planning));
  ground.where.records = nullptr;
  const auto setup = plan_submission(what, ground.where, ground.nodes, faults);
  if (!setup) return cause_of(faults);
  auto json = explain_json(*setup->what);
  add_placement(json, *setup->what, place(*setup->what, ground.nodes, faults));
  for (const auto& warning : setup->what->warnings) json["warnings"].push_back(error_to_json(warning));
  return json;
}

options nodes_to_json(node_parts& all) {
  options list = options::array();
  const auto nodes = nodes_of(all);
  if (!nodes.ok()) return list;
  for (const auto& node : *nodes) list.push_back(to_json(node));
  return list;
}

/// Says what becomes of the node's runs; those that can go on elsewhere are moved there.
result<options> drain_one(node_parts& all, const std::string& name, bool draining) {
  SLUICE_ASSIGN(auto answer, ask<drain_answer>(all.system, all.node, drain_node{name, draining}));
  if (answer.refused) return *answer.refused;
  move_runs(all.system, all.engine.control, answer.moving, log_line);
  return options{{"node", name}, {"draining", draining}, {"moving", answer.moving}, {"staying", answer.staying}};
}

api_handlers handlers_for(node_parts& all) {
  auto made = handlers_of(all.system, all.engine, all.store, all.state_folder);
  made.submit = [door = all.door](const submission& what, diagnostics& faults) { return submit(*door, what, faults); };
  made.plan = [door = all.door](const submission& what, diagnostics& faults) { return plan_only(*door, what, faults); };
  made.nodes = [&all] { return nodes_to_json(all); };
  made.drain = [&all](const std::string& name, bool draining) { return drain_one(all, name, draining); };
  made.who = [tokens = std::make_shared<token_file>(all.access_folder)](std::string_view token) {
    return tokens->owner_of(token);
  };
  made.audit = [log = std::make_shared<audit_log>(all.access_folder)](const audit_entry& what) { log->write(what); };
  if (all.first) {
    made.deploy = [&all](const submission& what, diagnostics& faults) {
      return deploy_pipeline(*all.store, what, all.config_file, faults);
    };
    made.schedules_changed = [&all] {
      if (all.scheduler) caf::anon_send(all.scheduler, actors::look_at_schedules{});
    };
    made.config_file = all.config_file;
  }
  made.ready = [&all] { return all.ready.load() && all.node_actor.alive(); };
  made.metrics = [&all, inner = std::move(made.metrics)] { return inner() + metrics_of(*all.links); };
  return made;
}

status open_links(node_parts& all, const std::string& token, const data_settings& exchange) {
  // Beside the cluster port: who reaches that one reaches this one.
  SLUICE_ASSIGN(all.links, data_links::start(all.self.name, token,
                                             {.failed =
                                                  [&all](const std::string& run, const error& why) {
                                                    caf::anon_send(all.node, run_broken{run, why});
                                                  },
                                              .log = log_line},
                                             all.self.host, all.secured, exchange));
  all.self.data_port = all.links->port();
  return {};
}

status join_first_node(node_parts& all, std::future<status> outcome) {
  caf::anon_send(all.node, join_now{});
  if (outcome.wait_for(join_limit) != std::future_status::ready)
    return external_error("join_failed", "no node of the cluster answered within 15 s", "check its log", true);
  return outcome.get();
}

/// Starts the subscribers that every node has: its log, and the file events.ndjson in its state folder. Both keep their
/// place in the Store, so that what happened while the node was down is told when it is back. And what sends the
/// notifications of pipelines.
void tell_of_events(node_parts& all) {
  const auto& engine = all.engine;
  all.subscribers.push_back(actors::spawn_subscriber(all.system, engine.notifier, actors::log_subscriber(STDERR_FILENO),
                                                     all.store, "log", 0, engine.services));
  all.subscribers.push_back(actors::spawn_subscriber(
      all.system, engine.notifier, actors::file_subscriber(all.state_folder + "/events.ndjson", all.store), all.store,
      "events.ndjson", 0, engine.services));
  all.subscribers.push_back(actors::spawn_dispatcher(
      all.system, {.services = engine.services, .store = all.store, .notifier = engine.notifier}));
}

/// The first node follows the schedules of deployed pipelines.
void follow_schedules(node_parts& all) {
  if (!all.first) return;
  all.scheduler = actors::spawn_scheduler(
      all.system, {.services = all.engine.services,
                   .store = all.store,
                   .notifier = all.engine.notifier,
                   .start = [door = all.door](const store::pending_start& what) { return start_due(*door, what); },
                   .now = {},
                   .log = log_line});
}

/// A controller that has lost its lead ends: what it writes is refused, and its runs belong to the new one.
void watch_lead(node_parts& all) {
  all.lead = std::make_unique<lead_watch>(all.store, all.term, [](const std::string& who) {
    log_line("this node does not lead any more: " + who + " does");
    ::kill(::getpid(), SIGTERM);
  });
}

result<address> open_all(node_parts& all, const node_options& settings, const std::string& token) {
  SLUICE_TRY(check_config_file(settings.config_file));
  all.config_file = settings.config_file;
  SLUICE_TRY(make_private_folder(settings.state_folder));
  SLUICE_ASSIGN(all.secured, certificates_for(settings));
  SLUICE_ASSIGN(all.transport, transport::listen(settings.listen, log_line, all.secured));
  SLUICE_ASSIGN(all.store, store::open_store(settings.store_url.empty() ? settings.state_folder + "/sluice.db"
                                                                        : settings.store_url));
  SLUICE_TRY(register_node_rules(*all.store, settings.config_file));
  all.state_folder = settings.state_folder;
  all.access_folder = settings.access_folder.empty() ? settings.state_folder : settings.access_folder;
  all.spill_folder = settings.spill_folder.empty() ? settings.state_folder + "/spill" : settings.spill_folder;
  all.first = !settings.join.has_value();
  SLUICE_ASSIGN(all.self.role, role_of(settings));
  all.self.version = version();
  all.self.system = to_string(all.system.node());
  if (!settings.runs_folder.empty()) SLUICE_TRY(keep_runs_in(settings.state_folder, settings.runs_folder));
  all.self.pid = ::getpid();
  all.self.labels = settings.labels;
  all.self.started =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  // The API's port goes into what others learn of this node, and the node actor into what the API asks.
  SLUICE_ASSIGN(const auto api_address, with_port(settings.http, "--http"));
  all.self.http = api_address.to_string();
  const auto& listen = all.transport->where();
  all.self.host = listen.host == "localhost" ? "127.0.0.1" : listen.host;
  all.self.port = listen.port;
  all.self.name = !settings.name.empty() ? settings.name
                  : all.secured          ? all.secured->names().front()
                                         : host_name() + "-" + std::to_string(listen.port);
  const bool shared = !settings.store_url.empty();
  const lead_rule rule{.beat = settings.heartbeats.interval, .most_silent = settings.heartbeats.lost};
  // Controllers that share a Store know by its leases which of them leads.
  all.lease = std::make_shared<const store::lease_keeper>(
      all.store, all.self.name,
      shared && all.first ? store::lease_rule{rule.beat, rule.most_silent} : store::lease_rule{});
  SLUICE_TRY(open_links(all, token, settings.exchange));
  std::vector<std::shared_ptr<const actors::run_setup>> again;
  if (shared && !all.first) all.lead = std::make_unique<lead_watch>(all.store, 0, nullptr);
  if (all.first) {
    SLUICE_ASSIGN(all.term,
                  take_lead(*all.store, shared, all.self.host + ":" + std::to_string(all.self.port), rule, log_line));
    if (shared) watch_lead(all);
    SLUICE_ASSIGN(again,
                  actors::lost_tries_of_node(*all.store, all.state_folder + "/runs",
                                             {.node = all.self.name, .endpoint = all.self.http, .term = all.term}));
    std::set<std::string> kept;
    for (const auto& one : again) kept.insert(one->run);
    SLUICE_ASSIGN(const auto lost, settle_lost_runs(*all.store, true, make_sink, kept));
    for (const auto& run : lost)
      log_line("run " + run.run + " of " + run.pipeline + ", whose process has ended: " + store::to_string(run.state) +
               (run.published ? ", its outputs are visible now" : "") +
               (run.problem ? ", " + run.problem->message : std::string()));
  }

  all.dialler = spawn_dialler(all.system, all.transport, protocol_of(all.system));
  std::promise<status> told;
  auto outcome = told.get_future();
  std::string sign;
  if (all.first) {
    SLUICE_ASSIGN(sign, make_sign(all.state_folder + "/runs", all.self.name));
  }
  all.events = std::make_shared<node_events>(all.calls.pool, all.store, log_line);
  node_settings of_actor{
      .self = all.self,
      .state_folder = settings.state_folder,
      .spill_folder = all.spill_folder,
      .term = all.term,
      .services = {.io = all.calls.pool, .node = all.self.name, .lease = all.lease},
      .links = all.links,
      .dialler = all.dialler,
      .join = settings.join,
      .limits = settings.heartbeats,
      .runs_folder = std::filesystem::path(sign.substr(0, sign.find('\n'))).parent_path().string(),
      .sign = sign,
      .log = log_line,
      .tell = [events = all.events, &all](store::event what) { events->keep(std::move(what), all.engine.notifier); },
      .on_joined = {},
      .grace_of_workers = again.empty() ? std::chrono::milliseconds(0) : grace_of_workers,
      .most_of_workers = most_of_workers,
      .lost_runs = {},
      .controller = {}};
  for (const auto& one : again)
    if (one->adopts) of_actor.lost_runs.push_back(one->run);
  if (shared)
    of_actor.controller = [&all]() -> std::optional<address> {
      const auto found = parse_address(all.lead->endpoint(), "the controller");
      return found.ok() ? std::optional(*found) : std::nullopt;
    };
  if (settings.join)
    of_actor.on_joined = [promise = std::make_shared<std::promise<status>>(std::move(told))](status how) {
      promise->set_value(std::move(how));
    };
  all.node = spawn_node(all.system, std::move(of_actor));
  all.node_actor.follow(all.node);
  all.engine =
      actors::start_actors(all.system, all.store, {.io = all.calls.pool, .node = all.self.name, .lease = all.lease},
                           all.node, all.first ? settle_interval : std::chrono::milliseconds(0), settings.most_runs);
  tell_of_events(all);
  all.transport->open(all.system, all.node,
                      {.port = port_kind::control, .name = all.self.name, .token = token, .session = {}});
  SLUICE_ASSIGN(all.http, http_server::start(api_address, token, handlers_for(all), all.secured));
  if (settings.join) SLUICE_TRY(join_first_node(all, std::move(outcome)));
  for (const auto& one : again) {
    log_line("run " + one->run + " of " + one->record.pipeline + ", whose process has ended, continues here");
    caf::anon_send(all.engine.control, actors::submit_setup{one});
  }
  follow_schedules(all);
  return api_address;
}

void close_all(node_parts& all) {
  all.ready = false;
  if (all.scheduler) caf::anon_send(all.scheduler, actors::leave{});
  all.door->close();
  if (all.engine.control) {
    // Runs end first, with their events written; then the streams that show them; then the rest.
    caf::scoped_actor self(all.system);
    self->request(all.engine.control, grace, actors::shut_down{})
        .receive([](actors::shut_down) {}, [](const caf::error&) {});
  }
  if (all.http) all.http->drain();
  all.http.reset();
  all.scheduler = nullptr;
  if (all.node) {
    // Waited for, because an exit message would overtake its farewell.
    caf::scoped_actor self(all.system);
    self->send(all.node, stop_node{});
    self->wait_for(all.node);
  }
  if (all.engine.control) actors::stop_actors(all.system, all.engine, std::chrono::seconds(1));
  all.subscribers.clear();
  all.links.reset();
  all.node = nullptr;
  caf::anon_send_exit(all.dialler, caf::exit_reason::user_shutdown);
  all.dialler = nullptr;
  if (all.transport) all.transport->close();
  if (all.lead && all.first) all.lead->step_down();
}

}  // namespace

struct node::state {
  explicit state(const node_options& settings) : parts(settings.threads, settings.heartbeats) {}
  ~state() { close(); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  void close() {
    if (!std::exchange(closed, true)) close_all(parts);
  }

  node_parts parts;
  node_addresses where;
  bool closed = false;
};

node::node(std::unique_ptr<state> all) : state_(std::move(all)) {}
node::~node() = default;
const node_addresses& node::where() const { return state_->where; }
void node::close() { state_->close(); }
bool node::lead_lost() const { return state_->parts.lead && state_->parts.lead->lost(); }
std::shared_ptr<const std::atomic<int>> node::planning() const { return state_->parts.http->planning(); }

result<std::unique_ptr<node>> node::start(const node_options& settings) {
  SLUICE_TRY(check_told_names(settings));
  auto token = settings.token;
  if (token.empty()) {
    SLUICE_ASSIGN(token, ensure_token(settings.state_folder));
  }
  // A port that the system chose can be taken by another program before it is listened on: then another is chosen.
  for (int left = settings.http.port == 0 || settings.listen.port == 0 ? 5 : 1;; --left) {
    auto all = std::make_unique<state>(settings);
    auto http = open_all(all->parts, settings, token);
    if (!http.ok()) {
      if (left > 1 && http.problem().code == "port_in_use") continue;
      return std::move(http).problem();
    }
    const auto& self = all->parts.self;
    all->where = {.name = self.name,
                  .listen = {self.host, self.port},
                  .http = *http,
                  .state_folder = settings.state_folder,
                  .encrypted = all->parts.secured != nullptr};
    all->parts.ready = true;
    return std::unique_ptr<node>(new node(std::move(all)));
  }
}

result<int> run_node(const node_options& settings, const std::function<void(const node_addresses&)>& ready) {
  stop_signals signals;
  auto started = node::start(settings);
  if (!started.ok() && started.problem().code == "interrupted") return signals.wait();
  SLUICE_ASSIGN(auto running, std::move(started));
  ready(running->where());
  notify_service_manager("READY=1");
  const int signal = signals.wait();
  if (running->lead_lost()) {
    // Its runs are the new controller's, which takes over their units: they are told nothing any more.
    log_line(external_error("lead_lost",
                            "another controller has taken over from this node, which did not respond for a while",
                            "start it again: it is a standby then", true)
                 .to_string());
    std::_Exit(EXIT_FAILURE);
  }
  log_line(std::string("stopping on ") + (signal == SIGTERM ? "SIGTERM" : "SIGINT"));
  notify_service_manager("STOPPING=1");
  const auto planning = running->planning();
  running->close();
  if (*planning > 0) {
    // It may hang in a disk, or have minutes to go; what it uses must not be taken down under it.
    log_line("left behind: a submission that was still being planned");
    std::_Exit(EXIT_SUCCESS);
  }
  return signal;
}

}  // namespace sluice::cluster
