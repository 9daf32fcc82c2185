#include "cluster/node_actor.hpp"

#include "cluster/run_starter.hpp"
#include "cluster/token.hpp"
#include "engine/plan/make_context.hpp"

#include <caf/all.hpp>

#include <cerrno>
#include <csignal>

namespace sluice::cluster {

namespace {

constexpr auto connect_limit = std::chrono::seconds(5);
constexpr auto join_again = std::chrono::seconds(1);
/// A broken link is often the first sign of a dead node: the news of that tells more.
constexpr auto better_cause = std::chrono::seconds(1);

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
        starter_(this, s_.self.name, s_.term, [this] { return members(); }) {
    if (!s_.join) {
      session_ = random_token();
      starter_.set_session(session_);
      s_.links->set_session(session_);
    }
  }

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& gone) { down(gone); });
    return {
        [this](join_now) { join(); },
        [this](const join_unanswered& message) {
          if (asked_ && message.number == join_number_)
            was_refused(external_error("join_failed",
                                       "the program at " + s_.join->to_string() + " does not answer like a node",
                                       "--join must be the --listen address of the first node"));
        },
        [this](const join_cluster& message) { take_in(message); },
        [this](const joined& message) { was_taken_in(message); },
        [this](const join_refused& message) { was_refused(message.why); },
        [this](const peer_joined& message) {
          if (known(message.session)) meet(message.who);
        },
        [this](const peer_left& message) {
          if (!known(message.session)) return;
          peers_.erase(message.name);
          s_.links->remove_peer(message.name);
        },
        [this](const leave_cluster& message) {
          if (known(message.session)) remove(message.name, "it was shut down");
        },
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
        [this](list_nodes) { return node_list{infos()}; },
        [this](const node_dialled& message) { dialled(message); },
        [this](stop_node) { leave(); },
    };
  }

  void on_exit() override {
    peers_.clear();
    controller_ = {};
    parts_.clear();
    s_.on_joined = nullptr;
    dials_.clear();
    s_.dialler = nullptr;
  }

 private:
  [[nodiscard]] peer self_peer() { return {s_.self, this}; }
  [[nodiscard]] std::vector<peer> members() {
    std::vector<peer> all = {self_peer()};
    for (const auto& [name, one] : peers_) all.push_back(one);
    return all;
  }
  [[nodiscard]] std::vector<node_info> infos() {
    std::vector<node_info> all;
    if (s_.join && controller_.node) all.push_back(controller_.info);
    for (const auto& member : members()) all.push_back(member.info);
    return all;
  }
  [[nodiscard]] bool known(const std::string& session) const {
    return !session_.empty() && same_token(session, session_);
  }

  // -- joining, seen from the worker

  /// Connects to a node; `then` gets the actor that it publishes, or null and why. `expected` is its name; empty: any.
  using dialled_function = std::function<void(const caf::actor&, const error&)>;
  void dial(const cluster::address& where, const std::string& expected, dialled_function then) {
    const auto number = ++last_dial_;
    dials_[number] = std::move(then);
    send(s_.dialler, dial_node{number, where, expected});
  }

  void dialled(const node_dialled& message) {
    const auto found = dials_.find(message.number);
    if (found == dials_.end()) return;
    const auto then = std::move(found->second);
    dials_.erase(found);
    then(message.node, message.why);
  }

  void join() {
    dial(*s_.join, {}, [this](const caf::actor& found, const error& why) {
      if (!found) {
        was_refused(error_to_join(why));
        return;
      }
      asked_ = found;
      send(found, join_cluster{self_peer()});
      delayed_send(this, connect_limit, join_unanswered{++join_number_});
    });
  }

  [[nodiscard]] error error_to_join(error why) const {
    const auto where = s_.join->to_string();
    if (why.to_blame == blame::user) {
      why.message = "node " + s_.self.name + " can't join the node at " + where + ": " + why.message;
      return why;
    }
    auto made = external_error("join_failed", "no node answers at " + where + ": " + why.message,
                               "check that it is running; --join must be the --listen address of the first node", true);
    return made;
  }

  void was_taken_in(const joined& message) {
    if (current_sender() == nullptr || !asked_ || current_sender() != asked_) return;
    asked_ = nullptr;
    ++join_number_;
    session_ = message.session;
    s_.links->set_session(session_);
    controller_ = message.controller;
    monitor(controller_.node);
    s_.links->add_peer(controller_.info.name, data_address(controller_.info));
    for (const auto& other : message.others) meet(other);
    tell({});
  }

  void was_refused(const error& why) {
    asked_ = nullptr;
    ++join_number_;
    if (s_.on_joined) return tell(why);
    // A node that was in a cluster before waits for it to come back.
    delayed_send(this, join_again, join_now{});
  }

  void tell(status outcome) {
    if (s_.on_joined) {
      std::exchange(s_.on_joined, nullptr)(std::move(outcome));
    } else if (outcome.ok()) {
      s_.log("joined node " + controller_.info.name + " again");
    }
  }

  void controller_lost() {
    s_.log("lost node " + controller_.info.name + " (" + end_of(controller_.info) +
           "): its runs on this node are cancelled, joining again");
    s_.links->remove_peer(controller_.info.name);
    controller_ = {};
    session_.clear();
    s_.links->set_session({});
    for (auto& [run, part] : parts_) part.abandon();
    parts_.clear();
    for (const auto& [name, one] : peers_) s_.links->remove_peer(name);
    peers_.clear();
    delayed_send(this, join_again, join_now{});
  }

  // -- joining, seen from the first node

  void take_in(const join_cluster& message) {
    if (s_.join) {
      send(message.who.node,
           join_refused{user_error("join_failed", "node " + s_.self.name + " has itself joined " + s_.join->to_string(),
                                   "join the first node: --join " + s_.join->to_string())});
      return;
    }
    const auto& name = message.who.info.name;
    std::optional<error> why;
    if (name == s_.self.name || peers_.count(name) > 0) {
      why = user_error("join_failed", "the cluster already has a node named " + name, "choose another --name");
    }
    if (why) {
      s_.log("refused node " + name + ": " + why->message);
      send(message.who.node, join_refused{*why});
      return;
    }
    joined answer{session_, self_peer(), {}};
    for (const auto& [other, one] : peers_) {
      answer.others.push_back(one);
      send(one.node, peer_joined{session_, message.who});
    }
    peers_[name] = message.who;
    s_.links->add_peer(name, data_address(message.who.info));
    monitor(message.who.node);
    send(message.who.node, std::move(answer));
    s_.log("node " + name + " (pid " + std::to_string(message.who.info.pid) + ") joined");
  }

  void remove(const std::string& name, const std::string& how) {
    const auto found = peers_.find(name);
    if (found == peers_.end()) return;
    const auto info = found->second.info;
    demonitor(found->second.node);
    peers_.erase(found);
    s_.log("node " + name + " (pid " + std::to_string(info.pid) + ") has left: " + how);
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
    dial({who.info.host, who.info.port}, who.info.name,
         [this, name = who.info.name](const auto& found, const auto& why) {
           if (!found) s_.log("no control connection to node " + name + ": " + why.message);
         });
  }

  void down(const caf::down_msg& gone) {
    if (controller_.node && gone.source == controller_.node.address()) return controller_lost();
    for (const auto& [name, one] : peers_)
      if (!s_.join && one.node.address() == gone.source) return remove(std::string(name), end_of(one.info));
    if (const auto run = starter_.supervisor_gone(gone.source); !run.empty()) release(run);
  }

  void leave() {
    if (s_.join && controller_.node) send(controller_.node, leave_cluster{session_, s_.self.name});
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
    parts_.erase(setup->run);
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
    send(controller_.node, part_started{message.run, s_.self.name, make_part(setup).start(message.instances)});
  }

  void wire(const wire_part& message) {
    auto* part = find_part(message.run);
    if (!known(message.session) || part == nullptr) return;
    part->wire(message.all, message.supervisor, message.rejects);
    send(controller_.node, part_wired{message.run, s_.self.name});
  }

  void release(const std::string& run) {
    if (auto* part = find_part(run)) part->release();
    parts_.erase(run);
  }

  void broken(const run_broken& message) {
    const auto* part = find_part(message.run);
    if (part == nullptr || !part->supervisor()) return;
    if (!message.waited) {
      s_.log("run " + message.run + ": " + message.why.message);
      delayed_send(this, better_cause, run_broken{message.run, message.why, true});
      return;
    }
    send(part->supervisor(), actors::node_lost{s_.self.name, message.why});
  }

  node_settings s_;
  run_starter starter_;
  std::string session_;
  std::int64_t term_ = 0;
  std::map<std::string, peer> peers_;  ///< on the first node its workers, on a worker the other workers
  peer controller_;                    ///< on a worker
  caf::actor asked_;                   ///< whom this node has asked to be taken in
  std::uint64_t join_number_ = 0;
  std::map<std::uint64_t, dialled_function> dials_;
  std::uint64_t last_dial_ = 0;
  std::map<std::string, run_part> parts_;
};

}  // namespace

caf::actor spawn_node(caf::actor_system& system, node_settings settings) {
  return system.spawn<node_actor>(std::move(settings));
}

}  // namespace sluice::cluster
