#pragma once

#include "cluster/node_actor.hpp"
#include "tests/actors/bench_run.hpp"
#include "tests/actors/virtual_time.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cluster::testing {

using actors::testing::probe;
using actors::testing::virtual_time;

/// Links that carry nothing and remember what they are told.
struct played_links final : batch_links {
  std::string session;
  std::map<std::string, address> peers;
  std::vector<std::string> forgotten;  ///< runs

  void set_session(const std::string& name) override { session = name; }
  void add_peer(const std::string& name, const address& where) override { peers[name] = where; }
  void remove_peer(const std::string& name) override { peers.erase(name); }
  void send(const std::string&, outgoing_batch) override {}
  void worked_off(const data_route&, std::int64_t) override {}
  void receive(const std::string&, const data_route&, std::uint32_t, deliver_function) override {}
  void forget(const std::string& run) override { forgotten.push_back(run); }
};

/// One real node actor; its peers, its dialler and the supervisors of its runs are played by the test.
struct played_node {
  virtual_time time;
  std::shared_ptr<played_links> links = std::make_shared<played_links>();
  std::vector<std::string> log;
  std::vector<std::string> events;     ///< that tell of nodes: "node.joined n2"
  std::vector<std::string> joined_as;  ///< outcomes of joining: "ok" or the error's code
  probe dialler{time};
  caf::actor node;

  /// `joins`: it is a worker, which joins the node at port 7070.
  explicit played_node(const std::string& name = "n1", bool joins = false,
                       const std::function<void(node_settings&)>& change = {}) {
    node_settings settings;
    settings.self = info_of(name, 1);
    settings.services = time.services(name);
    settings.links = links;
    settings.dialler = dialler;
    settings.log = [this](const std::string& line) { log.push_back(line); };
    settings.tell = [this](const store::event& what) { events.push_back(what.type + " " + what.data["node"].text()); };
    if (joins) {
      settings.join = address{"127.0.0.1", 7070};
      settings.on_joined = [this](const status& how) { joined_as.push_back(how.ok() ? "ok" : how.problem().code); };
    }
    if (change) change(settings);
    node = time.keep(spawn_node(time.system(), std::move(settings)));
    time.settle();
  }

  static node_info info_of(const std::string& name, std::uint16_t number) {
    node_info made;
    made.name = name;
    made.pid = 1;
    made.host = "127.0.0.1";
    made.port = static_cast<std::uint16_t>(7000 + number);
    made.data_port = static_cast<std::uint16_t>(8000 + number);
    return made;
  }
  /// A worker asks its controller; where the test plays that one and says nothing, it tells what it knows itself.
  [[nodiscard]] std::vector<std::string> members() {
    probe asks(time);
    asks.send(node, list_nodes{});
    time.settle();
    if (asks.count<member_table>() == 0) time.pass(std::chrono::seconds(5));
    std::vector<std::string> names;
    for (const auto& one : asks.last<member_table>().all)
      if (one.state != "lost") names.push_back(one.info.name);
    return names;
  }
  /// "n2 lost" and the like, of all that are known.
  [[nodiscard]] std::vector<std::string> states() {
    probe asks(time);
    asks.send(node, list_nodes{});
    time.settle();
    std::vector<std::string> all;
    for (const auto& one : asks.last<member_table>().all) all.push_back(one.info.name + " " + one.state);
    return all;
  }
};

/// Another node, played by the test.
struct played_peer {
  played_node& with;
  node_info info;
  probe self;

  played_peer(played_node& in, const std::string& name, std::uint16_t number)
      : with(in), info(played_node::info_of(name, number)), self(in.time) {}

  [[nodiscard]] peer as_peer() const { return {info, self}; }
  /// Asks the first node to take it in.
  played_peer& join() {
    say(join_cluster{as_peer()});
    return *this;
  }
  template <class Message>
  void say(Message message) {
    self.send(with.node, std::move(message));
    with.time.settle();
  }
  [[nodiscard]] std::string session() const { return self.last<joined>().session; }
  void beat(bool shares = true) {
    say(heartbeat{session(), info.name, info.started, {.load_percent = 3, .units = 2}, shares});
  }
};

}  // namespace sluice::cluster::testing
