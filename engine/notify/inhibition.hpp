#pragma once

#include "engine/notify/condition.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::notify {

/// `inhibit:` of a rule: while one event stands for a trouble, those that follow from it are not told. An event of
/// which `by` is true mutes the rule's events of the next time that have the same values; it mutes no event of which
/// `by` is true itself. Time is that of the events, so that a process that comes later mutes the same ones.
class inhibition {
 public:
  /// `spec`: a list of { by, same, for }, as it is kept with a subscription; `state`: what `state` gave.
  static result<inhibition> make(const options& spec, const param_types& params, const options& state);

  [[nodiscard]] bool any() const { return !rules_.empty(); }
  [[nodiscard]] bool uses_params() const;
  /// Which events of a batch mute others, rule by rule; looked up for all at once. Parts of the result are for `note`.
  [[nodiscard]] result<std::vector<std::vector<bool>>> muting(const std::vector<store::event>& events,
                                                              const std::vector<options>& params) const;
  /// Notes an event that mutes others. `number`: its place in what `muting` looked at.
  void note(const store::event& what, const std::vector<std::vector<bool>>& muting, std::size_t number);
  /// What mutes an event ("node.lost of n1"); empty: nothing.
  [[nodiscard]] std::string muted_by(const store::event& what, const std::vector<std::vector<bool>>& muting,
                                     std::size_t number) const;
  [[nodiscard]] options state() const;

 private:
  struct one_rule {
    std::shared_ptr<const condition> by;
    std::vector<std::string> same = {};
    std::int64_t length = 0;
  };
  struct muted {
    std::int64_t since = 0;
    std::int64_t until = 0;
    std::string name = {};
  };

  std::vector<one_rule> rules_;
  std::vector<std::map<std::string, muted>> muted_;  ///< by rule, and by the values that have to be the same
};

/// Values that `same` may name: node, pipeline, owner, run, unit, channel.
const std::vector<std::string>& inhibition_keys();
/// The node that an event is about: `node` of its data, or that of its cause ("node n1"); empty: none.
std::string node_of(const store::event& what);

}  // namespace sluice::notify
