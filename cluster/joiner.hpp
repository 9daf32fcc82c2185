#pragma once

#include "cluster/node_messages.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cluster {

/// A node's way to others: it dials them, and asks to be taken into the cluster until it is. Any member may be asked;
/// one that is not the first node says where that is. Belongs to the node actor; no thread of its own.
class joiner {
 public:
  struct callbacks {
    std::function<peer()> self;                     ///< what is asked to be taken in
    std::function<std::vector<kept_part>()> parts;  ///< and what it has kept of runs
    std::function<void(const std::string&)> log;    ///< one line
    std::function<void(status)> first;              ///< the outcome of the first attempt; may be empty
    /// Where the controller is by the Store, if that is known; may be empty.
    std::function<std::optional<address>()> controller = {};
  };
  /// `member`: whom to ask; without one this is the first node.
  joiner(caf::event_based_actor* self, caf::actor dialler, std::optional<address> member, callbacks tell)
      : self_(self), dialler_(std::move(dialler)), member_(std::move(member)), tell_(std::move(tell)) {}

  /// True where this node joins others.
  [[nodiscard]] bool joins() const { return member_.has_value(); }
  [[nodiscard]] const std::optional<address>& member() const { return member_; }

  /// Connects to a node; `then` gets the actor that it publishes, or null and why. `expected` is its name; empty: any.
  using dialled_function = std::function<void(const caf::actor&, const error&)>;
  void dial(const address& where, const std::string& expected, dialled_function then);
  void dialled(const node_dialled& message);

  /// Asks to be taken in.
  void join();
  /// The first node was there and is no more: it is asked again, and the others too.
  void join_again(const address& first_node);
  /// True where `sender` is the one that was asked: its answer counts, once.
  bool answered(const caf::strong_actor_ptr& sender);
  void refused(const error& why);
  void elsewhere(const caf::strong_actor_ptr& sender, const join_elsewhere& where);
  void unanswered(const join_unanswered& message);
  /// It was taken in by the node of that name.
  void taken_in(const std::string& by);
  void close();

 private:
  void ask(const address& where);
  [[nodiscard]] error to_join(error why, const address& where) const;

  caf::event_based_actor* self_;
  caf::actor dialler_;
  std::optional<address> member_;
  std::optional<address> last_first_;  ///< where the first node was
  callbacks tell_;
  caf::actor asked_;
  address asked_at_;
  int hops_ = 0;  ///< of the present attempt, from member to member
  std::uint64_t attempts_ = 0;
  std::uint64_t number_ = 0;
  std::map<std::uint64_t, dialled_function> dials_;
  std::uint64_t last_dial_ = 0;
};

}  // namespace sluice::cluster
