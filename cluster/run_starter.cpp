#include "cluster/run_starter.hpp"

#include "actors/units/blocking_calls.hpp"
#include "cluster/resumed_part.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <filesystem>

namespace sluice::cluster {

namespace {
/// Runs of which the loss of a node is remembered.
constexpr std::size_t most_lost = 1000;
/// Where some nodes have kept parts of a run, the others may take so much longer to come.
constexpr auto grace_of_others = std::chrono::seconds(8);
/// How often a run that waits for workers looks whether they are there.
constexpr auto look_again = std::chrono::milliseconds(200);
}  // namespace

void run_starter::launch(const actors::launch& message, const part_function& own) {
  if (const auto known = runs_.find(message.setup->run); known != runs_.end())
    if (known->second.setup->attempt > message.setup->attempt) return;  // it has waited for too long
  const auto workers = workers_();
  std::vector<placeable_node> nodes;
  nodes.reserve(workers.size());
  for (const auto& one : workers) nodes.push_back(one.node);
  diagnostics faults;
  auto where = place(*message.setup->what, nodes, faults);
  if (waits(message, own, faults.empty())) return;
  if (!faults.empty()) {
    self_->send(message.supervisor, actors::launch_failed{cant_place(*message.setup, faults)});
    return;
  }
  auto& run = runs_[message.setup->run];
  run.setup = message.setup;
  run.supervisor = message.supervisor;
  run.rejects = message.rejects;
  run.where = std::move(where);
  self_->monitor(run.supervisor);
  std::vector<flow::instance_id> own_instances;
  for (const auto& [who, where_to] : run.where) {
    const auto& node = where_to;  // clang captures no structured binding
    if (node == own_name_) {
      own_instances.push_back(who);
    } else {
      const auto found =
          std::find_if(workers.begin(), workers.end(), [&](const auto& one) { return one.node.name == node; });
      run.nodes[node] = found->handle;
    }
  }
  auto& part = own(run.setup);
  run.all = part.start(own_instances);
  if (run.nodes.empty()) return wire(run, &part);
  send_parts(run);
}

void run_starter::offered(const std::string& node, const caf::actor& handle, const std::vector<kept_part>& parts) {
  for (const auto& part : parts) {
    if (sought_.contains(part.run)) {
      kept_.offered(node, handle, part);
    } else {
      self_->send(handle, drop_part{session_, part.run});
    }
  }
}

void run_starter::find(const std::shared_ptr<const actors::run_setup>& setup, const found_function& then) {
  if (auto all = kept_.all_of(setup->run, setup->attempt, flow::instances_of(*setup->what))) {
    sought_until_.erase(setup->run);
    return then(std::move(*all));
  }
  // The nodes may join only a little later than this controller looks.
  const auto now = self_->clock().now();
  auto& until = sought_until_.try_emplace(setup->run, std::max(grace_, now + grace_length_)).first->second;
  if (now >= (kept_.any(setup->run, setup->attempt) ? until + grace_of_others : until)) {
    sought_until_.erase(setup->run);
    return then({});
  }
  self_->delayed_send(self_, look_again, actors::continuation{[this, setup, then] { find(setup, then); }});
}

void run_starter::take(const actors::take_parts& message) {
  const auto fail = [&](const std::string& why) {
    self_->send(message.supervisor, actors::launch_failed{external_error(
                                        "not_adopted", why, "the run continues from its last checkpoint", true)});
  };
  auto all = kept_.all_of(message.setup->run, message.setup->attempt, flow::instances_of(*message.setup->what));
  if (!all) return fail("a node that had units of the run was lost meanwhile");
  sought_.erase(message.setup->run);
  auto& run = runs_[message.setup->run];
  run.setup = message.setup;
  run.supervisor = message.supervisor;
  run.rejects = message.rejects;
  run.all = std::move(*all);
  self_->monitor(run.supervisor);
  for (const auto& one : run.all) run.where[one.who] = one.node;
  for (auto& [name, part] : kept_.take(message.setup->run)) {
    if (part.attempt != message.setup->attempt) {
      self_->send(part.node, drop_part{session_, message.setup->run});
      continue;
    }
    run.nodes[name] = part.node;
    run.waiting.insert(name);
    self_->send(part.node, follow_part{session_, message.setup->run, term_, message.setup->attempt, message.supervisor,
                                       message.rejects});
  }
}

void run_starter::drop(const std::string& run) {
  sought_.erase(run);
  for (const auto& [name, part] : kept_.take(run)) self_->send(part.node, drop_part{session_, run});
}

void run_starter::wait_for_workers(std::chrono::milliseconds grace, std::chrono::milliseconds limit) {
  const auto now = self_->clock().now();
  grace_length_ = grace;
  grace_ = now + grace;
  limit_ = now + limit;
}

bool run_starter::waits(const actors::launch& message, const part_function& own, bool fits) {
  // Of a node that was lost since this controller began it is known that it is not just late.
  const bool begins = message.setup->attempt == 1 || lost_.contains(message.setup->run);
  if (begins || self_->clock().now() >= (fits ? grace_ : limit_)) return false;
  self_->delayed_send(self_, look_again, actors::continuation{[this, message, own] { launch(message, own); }});
  return true;
}

/// A run that has lost a node and finds no other place says so; with `run.retry` it waits for the node.
error run_starter::cant_place(const actors::run_setup& setup, const diagnostics& faults) const {
  const auto lost = lost_.find(setup.run);
  if (lost == lost_.end()) return faults.front();
  auto why = lost->second;
  why.hint = "it can't continue elsewhere: " + faults.front().message;
  if (!setup.what->definition.retry) why.to_blame = blame::user;
  return why;
}

void run_starter::send_parts(run_state& run) {
  const auto& context = *run.setup->context;
  const auto bytes = plan_to_bytes(*run.setup->what);
  for (const auto& [name, handle] : run.nodes) {
    start_part message{.session = session_,
                       .run = run.setup->run,
                       .term = term_,
                       .attempt = run.setup->attempt,
                       .plan = bytes,
                       .now_microseconds = context.now_microseconds,
                       .seed = context.seed,
                       .base_folder = context.base_folder,
                       .checkpoint_folder = runs_folder_ + "/" + run.setup->run + "/checkpoints",
                       .resume = {},
                       .instances = {}};
    if (run.setup->resume) {
      auto point = *run.setup->resume;
      point.folder = seen_by_others(point.folder);
      message.resume = resume_to_text(point);
    }
    for (const auto& [who, node] : run.where)
      if (node == name) message.instances.push_back(who);
    run.waiting.insert(name);
    self_->send(handle, std::move(message));
  }
}

void run_starter::started(part_started message, const std::function<run_part*(const std::string&)>& own) {
  const auto found = runs_.find(message.run);
  if (found == runs_.end() || found->second.waiting.erase(message.node) == 0) return;
  auto& run = found->second;
  for (auto& instance : message.instances) run.all.push_back(std::move(instance));
  if (run.waiting.empty()) wire(run, own(message.run));
}

void run_starter::wire(run_state& run, run_part* own) {
  if (own != nullptr) own->wire(run.all, run.supervisor, run.rejects);
  for (const auto& [name, handle] : run.nodes) {
    run.waiting.insert(name);
    self_->send(handle, wire_part{session_, run.setup->run, run.all, run.supervisor, run.rejects});
  }
  if (run.nodes.empty()) finish(run);
}

void run_starter::wired(const part_wired& message) {
  const auto found = runs_.find(message.run);
  if (found == runs_.end() || found->second.waiting.erase(message.node) == 0) return;
  if (found->second.waiting.empty()) finish(found->second);
}

void run_starter::finish(run_state& run) {
  self_->send(run.supervisor, actors::launched{run.all});
  run.all.clear();
}

void run_starter::failed(const std::string& run, const error& why) {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return;
  found->second.waiting.clear();  // what still comes launches nothing
  self_->send(found->second.supervisor, actors::launch_failed{why});
}

std::string run_starter::supervisor_gone(const caf::actor_addr& supervisor) {
  for (auto& [id, run] : runs_) {
    if (run.supervisor.address() != supervisor) continue;
    auto ended = id;
    if (lost_.size() > most_lost) lost_.clear();
    for (const auto& [name, handle] : run.nodes) self_->send(handle, release_part{session_, ended});
    runs_.erase(ended);
    return ended;
  }
  return {};
}

void run_starter::node_gone(const node_info& node, const std::string& how) {
  kept_.node_gone(node.name);
  for (auto& [id, run] : runs_) {
    if (run.nodes.erase(node.name) == 0) continue;
    run.waiting.clear();
    std::set<std::string> units;
    for (const auto& [who, name] : run.where)
      if (name == node.name) units.insert(run.setup->what->units[who.unit].definition.name);
    std::string list;
    for (const auto& unit : units) list += (list.empty() ? "" : ", ") + unit;
    auto why = external_error(
        "node_lost",
        "node " + node.name + " (pid " + std::to_string(node.pid) + ") was lost while running " + list + ": " + how,
        "check the log of that node, restart it and submit again", true);
    why.where = "node " + node.name;
    lost_[id] = why;
    self_->send(run.supervisor, actors::node_lost{node.name, std::move(why)});
  }
}

bool run_starter::uses(const std::string& node) const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const auto& entry) { return entry.second.nodes.count(node) > 0; });
}

std::vector<std::shared_ptr<const actors::run_setup>> run_starter::runs_on(const std::string& node) const {
  std::vector<std::shared_ptr<const actors::run_setup>> all;
  for (const auto& [id, run] : runs_)
    if (run.nodes.count(node) > 0) all.push_back(run.setup);
  return all;
}

/// The folder of a checkpoint, which may be another run's, below the folder of runs as other nodes see that.
std::string run_starter::seen_by_others(const std::string& checkpoints) const {
  const std::filesystem::path path(checkpoints);
  return runs_folder_ + "/" + path.parent_path().filename().string() + "/" + path.filename().string();
}

}  // namespace sluice::cluster
