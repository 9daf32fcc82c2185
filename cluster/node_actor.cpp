#include "cluster/node_actor.hpp"

#include "actors/units/blocking_calls.hpp"
#include "cluster/joiner.hpp"
#include "cluster/member_list.hpp"
#include "cluster/resumed_part.hpp"
#include "cluster/run_starter.hpp"
#include "cluster/shared_folder.hpp"
#include "cluster/token.hpp"
#include "engine/plan/make_context.hpp"

#include <caf/all.hpp>

#include <cerrno>
#include <csignal>

namespace sluice::cluster {

namespace {

/// A broken link is often the first sign of a dead node: the news of that tells more.
constexpr auto better_cause = std::chrono::seconds(1);
/// After so many heartbeats a node looks again whether it sees the folder of runs.
constexpr std::uint64_t beats_between_looks = 20;
constexpr auto answer_of_first = std::chrono::seconds(2);

/// What can be said of a process on this machine that no longer answers.
std::string end_of(const node_info& node) {
  if (::kill(static_cast<pid_t>(node.pid), 0) != 0 && errno == ESRCH) return "its process has ended";
  return "its process no longer answers";
}

class node_actor : public caf::event_based_actor {
 public:
  node_actor(caf::actor_config& config, node_settings settings)
      : caf::event_based_actor(config),
        s_(std::move(settings)),
        calls_(this, s_.services.io),
        starter_(
            this, s_.self.name, s_.term, [this] { return workers(); }, s_.runs_folder),
        joiner_(this, s_.dialler, s_.join,
                {.self = [this] { return self_peer(); },
                 .parts = [this] { return kept(); },
                 .log = s_.log,
                 .first = std::move(s_.on_joined),
                 .controller = s_.controller}),
        members_(s_.self, s_.limits,
                 {.told = s_.tell, .log = s_.log, .used = [this](const auto& name) { return starter_.uses(name); }}) {
    if (!joiner_.joins()) {
      session_ = random_token();
      starter_.set_session(session_);
      starter_.wait_for_workers(s_.grace_of_workers, s_.most_of_workers);
      starter_.expect(s_.lost_runs);
      s_.links->set_session(session_);
    }
  }

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& gone) { down(gone); });
    if (!joiner_.joins()) look();
    return {
        [this](join_now) { joiner_.join(); },
        [this](const join_unanswered& message) { joiner_.unanswered(message); },
        [this](const join_cluster& message) { take_in(message); },
        [this](const join_elsewhere& message) { joiner_.elsewhere(current_sender(), message); },
        [this](const joined& message) { was_taken_in(message); },
        [this](const join_refused& message) { joiner_.refused(message.why); },
        [this](const heartbeat& message) { beaten(message); },
        [this](const heartbeat_unknown& message) {
          if (!known(message.session)) return;
          controller_lost("it counts this node as lost", false);
        },
        [this](const ask_members& message) -> caf::result<member_table> {
          if (!known(message.session)) return caf::sec::invalid_argument;
          return table();
        },
        [this](const peer_joined& message) {
          if (known(message.session)) meet(message.who);
        },
        [this](const peer_left& message) {
          if (!known(message.session)) return;
          peers_.erase(message.name);
          s_.links->remove_peer(message.name);
        },
        [this](const leave_cluster& message) {
          if (known(message.session)) remove(message.name, "it was shut down", false);
        },
        [this](const follow_part& message) { follow(message); },
        [this](const drop_part& message) {
          if (known(message.session)) drop(message.run);
        },
        [this](const actors::find_parts& message) { return find(message); },
        [this](const actors::take_parts& message) { starter_.take(message); },
        [this](const actors::drop_parts& message) { starter_.drop(message.run); },
        [this](const start_part& message) { start(message); },
        [this](const wire_part& message) { wire(message); },
        [this](const release_part& message) {
          if (known(message.session)) release(message.run);
        },
        [this](const actors::launch& message) {
          starter_.launch(message, [this](const auto& setup) -> run_part& { return make_part(setup); });
        },
        [this](part_started& message) {
          starter_.started(std::move(message), [this](const std::string& run) { return find_part(run); });
        },
        [this](const part_wired& message) { starter_.wired(message); },
        [this](const part_failed& message) { starter_.failed(message.run, message.why); },
        [this](const run_broken& message) { broken(message); },
        [this](list_nodes) { return list(); },
        [this](const drain_node& message) { return drain(message); },
        [this](const node_dialled& message) { joiner_.dialled(message); },
        [this](stop_node) { leave(); },
        actors::resume_calls(),
    };
  }

  void on_exit() override {
    peers_.clear();
    controller_ = {};
    parts_.clear();
    joiner_.close();
    calls_.forget();
    s_.dialler = nullptr;
  }

 private:
  [[nodiscard]] peer self_peer() { return {s_.self, this}; }
  /// This node and, on the first one, all that have joined, as placement sees them.
  std::vector<run_starter::worker> workers() {
    std::vector<run_starter::worker> all;
    for (auto& one : placeable(members_.table(report()))) {
      const auto found = peers_.find(one.name);
      auto handle = found == peers_.end() ? caf::actor(this) : found->second.node;
      all.push_back({std::move(one), std::move(handle)});
    }
    return all;
  }
  [[nodiscard]] member_report report() const {
    std::uint32_t units = 0;
    for (const auto& [run, part] : parts_) units += part.units();
    return own_report(units, static_cast<std::uint32_t>(parts_.size()));
  }
  [[nodiscard]] bool known(const std::string& session) const {
    return !session_.empty() && same_token(session, session_);
  }

  // -- joining, seen from the worker

  void was_taken_in(const joined& message) {
    if (!joiner_.answered(current_sender())) return;
    session_ = message.session;
    s_.links->set_session(session_);
    controller_ = message.controller;
    s_.limits.interval = std::chrono::milliseconds(std::max<std::int64_t>(50, message.interval));
    sign_ = message.sign;
    shares_runs_ = false;
    monitor(controller_.node);
    s_.links->add_peer(controller_.info.name, data_address(controller_.info));
    for (const auto& other : message.others) meet(other);
    kept_changed();
    joiner_.taken_in(controller_.info.name);
    beat(session_, 0);
  }

  /// Heartbeats belong to a session: those of an earlier one end by themselves. The first comes when the node knows
  /// whether it sees the folder of runs, or an interval later where that hangs.
  void beat(const std::string& session, std::uint64_t number) {
    if (session != session_ || !controller_.node) return;
    if (!shares_runs_ && number % beats_between_looks == 0)
      calls_.call([sign = sign_] { return sees_sign(sign); },
                  [this, session](bool sees) {
                    if (session != session_ || !controller_.node) return;
                    shares_runs_ = sees;
                    send_beat();
                  });
    if (number > 0) send_beat();
    delayed_send(this, s_.limits.interval,
                 actors::continuation{[this, session, number] { beat(session, number + 1); }});
  }

  void send_beat() {
    send(controller_.node, heartbeat{session_, s_.self.name, s_.self.started, report(), shares_runs_});
  }

  /// `keeps`: another controller, or this one when it is back, may take its runs over.
  void controller_lost(const std::string& how, bool keeps) {
    if (s_.limits.kept.count() == 0) keeps = false;
    for (auto at = parts_.begin(); at != parts_.end();) {
      const bool stays = keeps && at->second.keep();
      if (!stays) at->second.abandon();
      at = stays ? std::next(at) : parts_.erase(at);
    }
    s_.log("lost node " + controller_.info.name + " (" + how + "): " +
           (parts_.empty() ? "its runs on this node are cancelled"
                           : "its runs on this node work on for " + std::to_string(s_.limits.kept.count()) + " ms") +
           ", joining again");
    const cluster::address was{controller_.info.host, controller_.info.port};
    demonitor(controller_.node);
    s_.links->remove_peer(controller_.info.name);
    controller_ = {};
    session_.clear();
    former_.merge(peers_);
    peers_.clear();
    kept_changed();
    if (!parts_.empty())
      delayed_send(this, s_.limits.kept, actors::continuation{[this, number = ++losses_] {
                     if (number == losses_) end_kept();
                   }});
    joiner_.join_again(was);
  }

  // -- what works on without a controller

  std::vector<kept_part> kept() {
    std::vector<kept_part> all;
    for (const auto& [run, part] : parts_)
      if (part.kept()) all.push_back({run, part.attempt(), part.instances()});
    return all;
  }

  void end_kept() {
    for (const auto& one : kept()) {
      s_.log("run " + one.run + ": it was not taken over by another controller, so its units on this node are stopped");
      drop(one.run);
    }
  }

  void drop(const std::string& run) {
    if (auto* part = find_part(run); part == nullptr || !part->kept()) return;
    release(run);
    kept_changed();
  }

  /// Until nothing is kept any more it needs the connections between the workers.
  void kept_changed() {
    if (!kept().empty()) return;
    for (const auto& [name, one] : former_)
      if (!peers_.contains(name)) s_.links->remove_peer(name);
    former_.clear();
    if (session_.empty()) s_.links->set_session({});
  }

  void follow(const follow_part& message) {
    if (!known(message.session) || !controller_.node) return;
    auto* part = find_part(message.run);
    const auto refuse = [&](error why) {
      send(controller_.node, part_failed{message.run, s_.self.name, std::move(why)});
    };
    if (message.term < term_)
      return refuse(internal_error("old_term", "node " + s_.self.name + " follows a newer controller"));
    if (part == nullptr || !part->kept() || part->attempt() != message.attempt)
      return refuse(external_error("not_adopted", "node " + s_.self.name + " has no units of the run any more",
                                   "the run continues from its last checkpoint", true));
    term_ = message.term;
    part->follow(message.supervisor, message.rejects);
    s_.log("run " + message.run + " works on: it was taken over by node " + controller_.info.name);
    send(controller_.node, part_wired{message.run, s_.self.name});
    kept_changed();
  }

  caf::typed_response_promise<actors::parts_found> find(const actors::find_parts& message) {
    auto promise = make_response_promise<actors::parts_found>();
    starter_.find(message.setup, [promise](std::vector<actors::launched_instance> all) mutable {
      promise.deliver(actors::parts_found{std::move(all)});
    });
    return promise;
  }

  // -- joining, seen from the first node

  void take_in(const join_cluster& message) {
    if (joiner_.joins()) {
      if (controller_.node)
        send(message.who.node, join_elsewhere{controller_.info.host, controller_.info.port});
      else
        send(message.who.node,
             join_refused{external_error("join_failed", "node " + s_.self.name + " has lost its controller",
                                         "name another node of the cluster, or wait until it is back", true)});
      return;
    }
    const auto& name = message.who.info.name;
    if (const auto why = members_.refusal(message.who.info)) {
      s_.log("refused node " + name + ": " + why->message);
      send(message.who.node, join_refused{*why});
      return;
    }
    remove(name, "it was started again", true);
    joined answer{session_, self_peer(), {}, s_.limits.interval.count(), s_.sign};
    for (const auto& [other, one] : peers_) {
      answer.others.push_back(one);
      send(one.node, peer_joined{session_, message.who});
    }
    peers_[name] = message.who;
    s_.links->add_peer(name, data_address(message.who.info));
    monitor(message.who.node);
    send(message.who.node, std::move(answer));
    members_.add(message.who.info, clock().now());
    starter_.offered(name, message.who.node, message.parts);
  }

  void beaten(const heartbeat& message) {
    if (known(message.session) && members_.beat(message, clock().now())) return;
    if (current_sender()) send(caf::actor_cast<caf::actor>(current_sender()), heartbeat_unknown{message.session});
  }

  void look() {
    for (const auto& lost : members_.look(clock().now()))
      remove(lost.name, "no heartbeat for " + std::to_string(lost.silence.count()) + " ms", true);
    delayed_send(this, s_.limits.interval, actors::continuation{[this] { look(); }});
  }

  void remove(const std::string& name, const std::string& how, bool lost) {
    const auto found = peers_.find(name);
    if (found == peers_.end()) return;
    const auto info = found->second.info;
    demonitor(found->second.node);
    peers_.erase(found);
    members_.remove(name, how, lost);
    starter_.node_gone(info, how);
    s_.links->remove_peer(name);
    for (const auto& [other, one] : peers_) send(one.node, peer_left{session_, name});
  }

  // -- the others

  static cluster::address data_address(const node_info& of) { return {of.host, of.data_port}; }

  /// Another worker: batches go there directly, credit too once it is dialled.
  void meet(const peer& who) {
    peers_[who.info.name] = who;
    s_.links->add_peer(who.info.name, data_address(who.info));
    // Units that work on need the connection that there is.
    const auto former = former_.find(who.info.name);
    if (former != former_.end() && former->second.info.started == who.info.started) return;
    joiner_.dial({who.info.host, who.info.port}, who.info.name,
                 [this, name = who.info.name](const auto& found, const auto& why) {
                   if (!found) s_.log("no control connection to node " + name + ": " + why.message);
                 });
  }

  member_table table() { return {members_.table(report())}; }

  /// A worker asks the first node, which alone knows how the others do.
  caf::typed_response_promise<member_table> list() {
    auto promise = make_response_promise<member_table>();
    if (!joiner_.joins()) return promise.deliver(table()), promise;
    member_table own;
    for (const auto& one : {controller_, self_peer()})
      if (one.node) own.all.push_back({.info = one.info, .state = {}, .report = {}});
    for (const auto& [name, one] : peers_) own.all.push_back({.info = one.info, .state = {}, .report = {}});
    if (!controller_.node) return promise.deliver(std::move(own)), promise;
    request(controller_.node, answer_of_first, ask_members{session_})
        .then([promise](member_table& all) mutable { promise.deliver(std::move(all)); },
              [promise, own](const caf::error&) mutable { promise.deliver(std::move(own)); });
    return promise;
  }

  drain_answer drain(const drain_node& message) {
    drain_answer answer;
    if (joiner_.joins()) {
      answer.refused = user_error("not_the_first_node", "node " + s_.self.name + " is not the controller",
                                  "ask node " + controller_.info.name + ": --to " + controller_.info.http);
    } else if (auto drained = members_.drain(message.name, message.draining); !drained.ok()) {
      answer.refused = std::move(drained).problem();
    } else if (message.draining) {
      for (const auto& setup : starter_.runs_on(message.name))
        (setup->what->checkpoint_interval() ? answer.moving : answer.staying).push_back(setup->run);
    }
    return answer;
  }

  void down(const caf::down_msg& gone) {
    if (controller_.node && gone.source == controller_.node.address())
      return controller_lost(end_of(controller_.info), true);
    for (const auto& [name, one] : peers_)
      if (!joiner_.joins() && one.node.address() == gone.source)
        return remove(std::string(name), end_of(one.info), true);
    if (const auto run = starter_.supervisor_gone(gone.source); !run.empty()) release(run);
  }

  void leave() {
    if (joiner_.joins() && controller_.node) send(controller_.node, leave_cluster{session_, s_.self.name});
    for (auto& [run, part] : parts_) part.abandon();
    parts_.clear();
    quit();
  }

  // -- parts of runs

  run_part* find_part(const std::string& run) {
    const auto found = parts_.find(run);
    return found == parts_.end() ? nullptr : &found->second;
  }

  run_part& make_part(const std::shared_ptr<const actors::run_setup>& setup) {
    release(setup->run);  // of an earlier try
    return parts_.emplace(setup->run, run_part(system(), setup, s_.services, s_.links)).first->second;
  }

  void start(const start_part& message) {
    if (!known(message.session) || !controller_.node) return;
    const auto refuse = [&](error why) {
      send(controller_.node, part_failed{message.run, s_.self.name, std::move(why)});
    };
    if (message.term < term_)
      return refuse(internal_error("old_term", "node " + s_.self.name + " follows a newer controller"));
    if (const auto* older = find_part(message.run); older != nullptr && older->attempt() >= message.attempt)
      return refuse(
          internal_error("old_attempt", "node " + s_.self.name + " runs a newer attempt of run " + message.run));
    term_ = message.term;
    auto what = plan_from_bytes(message.plan);
    if (!what.ok()) return refuse(what.problem());
    run_place where{.run_id = message.run,
                    .base_folder = message.base_folder,
                    .spill_folder = s_.spill_folder + "/" + message.run + "-" + s_.self.name};
    auto context = make_run_context(what->definition, where);
    context->now_microseconds = message.now_microseconds;
    context->seed = message.seed;
    auto setup = std::make_shared<actors::run_setup>();
    setup->run = message.run;
    setup->what = std::make_shared<const plan>(std::move(what).value());
    setup->context = std::move(context);
    setup->components = actors::planned_components();
    setup->attempt = message.attempt;
    setup->checkpoint_folder = message.checkpoint_folder;
    if (!message.resume.empty()) {
      auto point = resume_from_text(message.resume);
      if (!point.ok()) return refuse(point.problem());
      setup->resume = std::move(*point);
    }
    send(controller_.node, part_started{message.run, s_.self.name, make_part(setup).start(message.instances)});
  }

  void wire(const wire_part& message) {
    auto* part = find_part(message.run);
    if (!known(message.session) || part == nullptr) return;
    part->wire(message.all, message.supervisor, message.rejects);
    send(controller_.node, part_wired{message.run, s_.self.name});
  }

  void release(const std::string& run) {
    if (auto* part = find_part(run)) part->kept() ? part->abandon() : part->release();
    parts_.erase(run);
  }

  void broken(const run_broken& message) {
    const auto* part = find_part(message.run);
    if (part == nullptr || !part->supervisor()) return;
    // Who takes it over could not be told of it.
    if (part->kept()) return drop(message.run);
    s_.log("run " + message.run + ": " + message.why.message);
    delayed_send(this, better_cause, actors::continuation{[this, message, attempt = part->attempt()] {
                   const auto* still = find_part(message.run);
                   // It may have ended, or begun again, since.
                   if (still == nullptr || !still->supervisor() || still->attempt() != attempt) return;
                   if (still->kept()) return drop(message.run);
                   send(still->supervisor(), actors::node_lost{s_.self.name, message.why});
                 }});
  }

  node_settings s_;
  actors::blocking_calls calls_;
  run_starter starter_;
  joiner joiner_;
  member_list members_;  ///< of the first node
  std::string session_;
  std::int64_t term_ = 0;
  std::map<std::string, peer> peers_;   ///< on the first node its workers, on a worker the other workers
  std::map<std::string, peer> former_;  ///< on a worker: those of the session before, while parts of runs are kept
  std::uint64_t losses_ = 0;            ///< of controllers after which parts were kept
  peer controller_;                     ///< on a worker
  std::string sign_;                    ///< on a worker: of the first node's folder of runs
  bool shares_runs_ = false;            ///< this worker sees it
  std::map<std::string, run_part> parts_;
};

}  // namespace

caf::actor spawn_node(caf::actor_system& system, node_settings settings) {
  return system.spawn<node_actor>(std::move(settings));
}

}  // namespace sluice::cluster
