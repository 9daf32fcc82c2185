#pragma once

#include "actors/messages.hpp"
#include "cluster/address.hpp"
#include "cluster/membership.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The messages between nodes, over the control connection, whose ends have proven that they have the same token. Those
/// marked local stay on theirs: they are dropped where they come from another node (control/travelling.hpp). The
/// session says which life of the first node a message belongs to.
namespace sluice::cluster {

class owned_descriptor;  // control/transport.hpp

/// What nodes know of each other.
struct node_info {
  std::string name;
  std::int64_t pid = 0;
  std::string host;
  std::uint16_t port = 0;  ///< cluster
  std::uint16_t data_port = 0;
  std::string http;  ///< host:port of its API
  std::map<std::string, std::string> labels;
  std::int64_t started = 0;  ///< microseconds since 1970 UTC; tells lives of a node apart
  std::string version;       ///< of its program
  std::string role;          ///< controller, worker or both
  std::string system;        ///< the id of its actor system, which no other node may have
};
/// Another node, and how to talk to it.
struct peer {
  node_info info;
  caf::actor node;
};

/// What a node has of a run whose controller it has lost: its instances work on.
struct kept_part {
  std::string run;
  std::uint32_t attempt = 1;
  std::vector<actors::launched_instance> instances;
};
/// worker -> first node: take me in; answered by joined or join_refused.
struct join_cluster {
  peer who;
  std::vector<kept_part> parts = {};
};
/// How a node does, as the first one knows it.
struct node_status {
  node_info info;
  std::string state;  ///< as to_string(member_state) writes it; empty: this node does not know
  member_report report;
  bool shares_runs = false;  ///< it sees the first node's folder of runs, where checkpoints are
  std::int64_t lost = 0;     ///< when it was lost, microseconds since 1970 UTC
  std::string how = {};      ///< it was lost
};

/// first node -> worker
struct joined {
  std::string session;  ///< named by every message and every data connection from now on
  peer controller;
  std::vector<peer> others;
  std::int64_t interval = 500;  ///< milliseconds between two heartbeats
  std::string sign;             ///< a file: who sees it shares the first node's folder of runs
};
/// worker -> node that wants to join: the first node is there.
struct join_elsewhere {
  std::string host;
  std::uint16_t port = 0;
};
/// worker -> first node: I am alive, and this is how I do.
struct heartbeat {
  std::string session;
  std::string name;
  std::int64_t incarnation = 0;  ///< node_info::started
  member_report report;
  bool shares_runs = false;
};
/// first node -> worker: no member of that name and incarnation is known, so join again.
struct heartbeat_unknown {
  std::string session;
};
/// worker -> first node: answered by member_table.
struct ask_members {
  std::string session;
};
/// Nodes by the time when they joined, the first node first; then those that were lost.
struct member_table {
  std::vector<node_status> all;
};
/// first node -> worker
struct join_refused {
  error why;
};
/// first node -> workers: dial it, batches may go there.
struct peer_joined {
  std::string session;
  peer who;
};
/// first node -> workers
struct peer_left {
  std::string session;
  std::string name;
};
/// worker -> first node: going down by its own will.
struct leave_cluster {
  std::string session;
  std::string name;
};

/// first node -> node: start these instances of a run; answered by part_started or part_failed.
struct start_part {
  std::string session;
  std::string run;
  std::int64_t term = 0;  ///< of the controller; a node refuses what an older one asks
  std::uint32_t attempt = 1;
  std::string plan;  ///< MessagePack
  std::int64_t now_microseconds = 0;
  std::uint64_t seed = 0;
  std::string base_folder;
  std::string checkpoint_folder;  ///< where units put what they hold at a checkpoint
  std::string resume;             ///< JSON: the checkpoint behind which they go on; empty: they begin afresh
  std::vector<flow::instance_id> instances;
};
/// node -> first node
struct part_started {
  std::string run;
  std::string node;
  std::vector<actors::launched_instance> instances;
};
/// node -> first node: the run can't start, or can't go on, on this node.
struct part_failed {
  std::string run;
  std::string node;
  error why;
};
/// first node -> node: all instances of the run exist, connect yours; answered by part_wired.
struct wire_part {
  std::string session;
  std::string run;
  std::vector<actors::launched_instance> all;
  caf::actor supervisor;
  caf::actor rejects;
};
/// node -> first node
struct part_wired {
  std::string run;
  std::string node;
};
/// first node -> node: what you have kept of a run obeys this supervisor from now on; answered by part_wired, or by
/// part_failed where nothing is kept.
struct follow_part {
  std::string session;
  std::string run;
  std::int64_t term = 0;  ///< of the controller
  std::uint32_t attempt = 1;
  caf::actor supervisor;
  caf::actor rejects;
};
/// first node -> node: what you have kept of a run is of no use any more.
struct drop_part {
  std::string session;
  std::string run;
};
/// first node -> node: the run is over, let go of everything.
struct release_part {
  std::string session;
  std::string run;
};

/// HTTP API -> node (local); answered by member_table.
struct list_nodes {};
/// HTTP API -> node (local): a node is to take no new work, and its runs to go elsewhere; or to take work again.
/// Answered by drain_answer.
struct drain_node {
  std::string name;
  bool draining = true;
};
struct drain_answer {
  std::optional<error> refused;
  std::vector<std::string> moving;   ///< runs that go on elsewhere, from a checkpoint
  std::vector<std::string> staying;  ///< runs without checkpoints, which the node works on to their end
};
/// data links -> node (local)
struct run_broken {
  std::string run;
  error why;
};
/// owner -> node (local): try to join; the outcome comes by the callback given at its start.
struct join_now {};
/// owner -> node (local): end everything, say farewell.
struct stop_node {};
/// node -> dialler (local): connect to the node that listens there; answered by node_dialled.
struct dial_node {
  std::uint64_t number = 0;  ///< comes back with the answer
  address where;
  std::string expected = {};  ///< its name; empty: any
};
/// dialler -> node (local)
struct node_dialled {
  std::uint64_t number = 0;
  caf::actor node;  ///< null: `why` says so
  error why;
};
/// transport -> dialler (local): how a dial ended.
struct dial_ended {
  dial_node what;
  caf::actor asked_by;
  std::shared_ptr<owned_descriptor> end;  ///< null: `why` says so
  error why;
};
/// node -> itself (local): it has waited long enough for an answer.
struct join_unanswered {
  std::uint64_t number = 0;
};

}  // namespace sluice::cluster

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::list_nodes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::drain_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::drain_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::run_broken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::join_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::stop_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::dial_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::node_dialled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::dial_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::cluster::join_unanswered)

CAF_BEGIN_TYPE_ID_BLOCK(sluice_cluster, caf::id_block::sluice_actors::end)
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::join_cluster))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::joined))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::join_refused))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::peer_joined))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::peer_left))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::leave_cluster))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::start_part))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::part_started))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::part_failed))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::wire_part))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::part_wired))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::release_part))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::join_elsewhere))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::heartbeat))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::heartbeat_unknown))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::ask_members))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::member_table))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::follow_part))
CAF_ADD_TYPE_ID(sluice_cluster, (sluice::cluster::drop_part))
CAF_END_TYPE_ID_BLOCK(sluice_cluster)

#include <caf/meta/type_name.hpp>

namespace sluice::cluster {

#define SLUICE_INSPECT(type, ...)                                  \
  template <class Inspector>                                       \
  typename Inspector::result_type inspect(Inspector& f, type& x) { \
    return f(caf::meta::type_name(#type), __VA_ARGS__);            \
  }

SLUICE_INSPECT(node_info, x.name, x.pid, x.host, x.port, x.data_port, x.http, x.labels, x.started, x.version, x.role,
               x.system)
SLUICE_INSPECT(member_report, x.load_percent, x.memory, x.units, x.runs, x.cores)
SLUICE_INSPECT(node_status, x.info, x.state, x.report, x.shares_runs, x.lost, x.how)
SLUICE_INSPECT(peer, x.info, x.node)
SLUICE_INSPECT(kept_part, x.run, x.attempt, x.instances)
SLUICE_INSPECT(join_cluster, x.who, x.parts)
SLUICE_INSPECT(follow_part, x.session, x.run, x.term, x.attempt, x.supervisor, x.rejects)
SLUICE_INSPECT(drop_part, x.session, x.run)
SLUICE_INSPECT(joined, x.session, x.controller, x.others, x.interval, x.sign)
SLUICE_INSPECT(join_elsewhere, x.host, x.port)
SLUICE_INSPECT(heartbeat, x.session, x.name, x.incarnation, x.report, x.shares_runs)
SLUICE_INSPECT(heartbeat_unknown, x.session)
SLUICE_INSPECT(ask_members, x.session)
SLUICE_INSPECT(member_table, x.all)
SLUICE_INSPECT(join_refused, x.why)
SLUICE_INSPECT(peer_joined, x.session, x.who)
SLUICE_INSPECT(peer_left, x.session, x.name)
SLUICE_INSPECT(leave_cluster, x.session, x.name)
SLUICE_INSPECT(start_part, x.session, x.run, x.term, x.attempt, x.plan, x.now_microseconds, x.seed, x.base_folder,
               x.checkpoint_folder, x.resume, x.instances)
SLUICE_INSPECT(part_started, x.run, x.node, x.instances)
SLUICE_INSPECT(part_failed, x.run, x.node, x.why)
SLUICE_INSPECT(wire_part, x.session, x.run, x.all, x.supervisor, x.rejects)
SLUICE_INSPECT(part_wired, x.run, x.node)
SLUICE_INSPECT(release_part, x.session, x.run)

#undef SLUICE_INSPECT

}  // namespace sluice::cluster
