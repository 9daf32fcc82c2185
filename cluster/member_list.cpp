#include "cluster/member_list.hpp"

#include "engine/error/names.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::cluster {

namespace {

/// So many lost ones are remembered.
constexpr std::size_t most_lost = 100;

std::int64_t now_microseconds() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::string seconds(std::chrono::milliseconds time) {
  const auto tenths = time.count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

std::optional<error> member_list::refusal(const node_info& who) const {
  // A node that hangs may have been started anew elsewhere.
  const bool taken = all_.count(who.name) > 0 && members_.state_of(who.name) != member_state::suspect;
  if (who.name == own_.name || taken)
    return user_error("join_failed", "the cluster already has a node named " + who.name,
                      "choose another --name; `sluice nodes` shows those that there are");
  if (who.system.empty()) return {};
  const auto same = std::find_if(all_.begin(), all_.end(), [&](const auto& entry) {
    return entry.first != who.name && entry.second.info.system == who.system;
  });
  if (same == all_.end() && own_.system != who.system) return {};
  return user_error("join_failed",
                    "node " + (same == all_.end() ? own_.name : same->first) + " has the same id of its actor system",
                    "start the node again: the id is chosen at random at each start");
}

void member_list::tell(const char* type, const std::string& name, options more) {
  store::event made;
  made.type = type;
  made.data = options{{"node", name}};
  for (const auto& [key, value] : more.items()) made.data[key] = value;
  if (tell_.told) tell_.told(std::move(made));
}

void member_list::add(const node_info& who, time now) {
  lost_.erase(who.name);
  all_[who.name] = {.info = who};
  members_.add(who.name, who.started, now);
  tell_.log("node " + who.name + " (pid " + std::to_string(who.pid) + ") joined");
  tell("node.joined", who.name,
       {{"pid", who.pid},
        {"address", who.host + ":" + std::to_string(who.port)},
        {"version", who.version},
        {"role", who.role}});
}

void member_list::remove(const std::string& name, const std::string& how, bool lost) {
  const auto found = all_.find(name);
  if (found == all_.end()) return;
  const auto info = found->second.info;
  tell_.log("node " + name + " (pid " + std::to_string(info.pid) + ") has left: " + how);
  if (lost) {
    if (lost_.size() >= most_lost)
      lost_.erase(std::min_element(lost_.begin(), lost_.end(),
                                   [](const auto& a, const auto& b) { return a.second.lost < b.second.lost; }));
    lost_[name] = {
        .info = info, .state = to_string(member_state::lost), .report = {}, .lost = now_microseconds(), .how = how};
  }
  all_.erase(found);
  members_.remove(name);
  tell(lost ? "node.lost" : "node.left", name, {{"pid", info.pid}, {"how", how}});
}

bool member_list::beat(const heartbeat& message, time now) {
  if (!members_.beat(message.name, message.incarnation, message.report, now)) return false;
  all_[message.name].shares_runs = message.shares_runs;
  tell_drained();
  return true;
}

std::vector<membership::change> member_list::look(time now) {
  std::vector<membership::change> lost;
  for (auto& change : members_.look(now)) {
    if (change.state == member_state::lost) {
      lost.push_back(std::move(change));
    } else if (change.state == member_state::suspect) {
      tell_.log("node " + change.name + " is suspect: nothing was heard of it for " + seconds(change.silence));
      tell("node.suspect", change.name, {{"silence_milliseconds", change.silence.count()}});
    } else if (change.state == member_state::ready) {
      tell_.log("node " + change.name + " is ready");
      tell("node.recovered", change.name, options::object());
    }
  }
  return lost;
}

status member_list::drain(const std::string& name, bool draining) {
  if (name == own_.name)
    return user_error("no_drain", "node " + name + " is the controller, which can't be drained",
                      "stop it with SIGTERM: its runs end in order, and live ones at a checkpoint");
  const auto found = all_.find(name);
  if (found == all_.end()) {
    std::vector<std::string> names;
    for (const auto& [each, one] : all_) names.push_back(each);
    const auto near = nearest_name(name, names);
    return user_error("node_not_found", "the cluster has no node named '" + name + "'",
                      near.empty() ? "see `sluice nodes`" : "did you mean '" + near + "'?");
  }
  members_.drain(name, draining);
  found->second.draining = draining;
  found->second.drained = false;
  tell_.log("node " + name + (draining ? " is draining: it gets no new work" : " takes work again"));
  tell_drained();
  return {};
}

void member_list::tell_drained() {
  for (auto& [name, one] : all_) {
    if (!one.draining || one.drained || (tell_.used && tell_.used(name))) continue;
    if (const auto report = members_.report_of(name); report.units > 0 || report.runs > 0) continue;
    one.drained = true;
    tell_.log("node " + name + " is drained: nothing works on it any more");
    tell("node.drained", name, {{"pid", one.info.pid}});
  }
}

std::vector<node_status> member_list::table(const member_report& own) const {
  std::vector<node_status> all;
  all.push_back({.info = own_, .state = to_string(member_state::ready), .report = own, .shares_runs = true});
  std::vector<node_status> others;
  for (const auto& [name, one] : all_)
    others.push_back({.info = one.info,
                      .state = to_string(members_.state_of(name)),
                      .report = members_.report_of(name),
                      .shares_runs = one.shares_runs});
  std::stable_sort(others.begin(), others.end(),
                   [](const auto& a, const auto& b) { return a.info.started < b.info.started; });
  all.insert(all.end(), others.begin(), others.end());
  for (const auto& [name, one] : lost_) all.push_back(one);
  return all;
}

placeable_node placeable(const node_status& of) {
  const bool takes = of.state != to_string(member_state::suspect) && of.state != to_string(member_state::draining);
  return {.name = of.info.name,
          .labels = of.info.labels,
          .works = of.info.role != "controller",
          .state = takes ? std::string() : of.state,
          .shares_runs = of.shares_runs,
          .cores = of.report.cores,
          .units = of.report.units};
}

std::vector<placeable_node> placeable(const std::vector<node_status>& table) {
  std::vector<placeable_node> all;
  for (const auto& one : table)
    if (one.state != to_string(member_state::lost)) all.push_back(placeable(one));
  return all;
}

options to_json(const node_status& of) {
  const auto& info = of.info;
  options made = {{"name", info.name}, {"role", info.role}, {"state", of.state}, {"version", info.version}};
  if (of.state != to_string(member_state::lost)) {
    made["load_percent"] = of.report.load_percent;
    made["memory"] = of.report.memory;
    made["units"] = of.report.units;
    made["runs"] = of.report.runs;
    made["shares_runs"] = of.shares_runs;
  } else {
    made["lost"] = of.lost;
    made["how"] = of.how;
  }
  made["pid"] = info.pid;
  made["cluster"] = info.host + ":" + std::to_string(info.port);
  made["http"] = info.http;
  made["labels"] = info.labels;
  made["started"] = info.started;
  return made;
}

}  // namespace sluice::cluster
