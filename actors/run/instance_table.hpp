#pragma once

#include "engine/flow/channels.hpp"

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sluice::actors {

/// What a supervisor knows of one instance of a unit.
struct known_instance {
  flow::instance_id who = {};
  caf::actor handle = {};
  std::string node = {};
  bool started = false;
  bool finished = false;
  bool gone = false;  ///< abandoned or dead
};

/// The instances of a run, the enumerators of its sources among them.
class instance_table {
 public:
  void add(known_instance one) {
    by_address_[one.handle.address()] = one.who;
    const auto who = one.who;
    instances_[who] = std::move(one);
  }
  /// Lets go of all handles.
  void clear() { instances_.clear(); }

  [[nodiscard]] bool empty() const { return instances_.empty(); }
  known_instance& operator[](const flow::instance_id& who) { return instances_[who]; }
  /// Null where there is no such instance.
  known_instance* find(const flow::instance_id& who) {
    const auto found = instances_.find(who);
    return found == instances_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::optional<flow::instance_id> at(const caf::actor_addr& address) const {
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? std::nullopt : std::optional(found->second);
  }
  auto begin() { return instances_.begin(); }
  auto end() { return instances_.end(); }

  /// Whether a test holds for all instances but enumerators.
  template <class Test>
  [[nodiscard]] bool all(Test test) const {
    return std::all_of(instances_.begin(), instances_.end(), [&](const auto& entry) {
      return entry.first.instance == flow::instance_id::enumerator || test(entry.second);
    });
  }
  template <class Test>
  [[nodiscard]] bool all_of_unit(std::uint32_t unit, Test test) const {
    return all([&](const auto& each) { return each.who.unit != unit || test(each); });
  }
  /// Whether nothing runs any more, enumerators included.
  [[nodiscard]] bool all_gone() const {
    return std::all_of(instances_.begin(), instances_.end(), [](const auto& entry) { return entry.second.gone; });
  }

 private:
  std::map<flow::instance_id, known_instance> instances_;
  std::map<caf::actor_addr, flow::instance_id> by_address_;
};

}  // namespace sluice::actors
