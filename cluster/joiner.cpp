#include "cluster/joiner.hpp"

#include <caf/all.hpp>

#include <chrono>

namespace sluice::cluster {

namespace {

constexpr auto answer_limit = std::chrono::seconds(5);
constexpr auto again = std::chrono::milliseconds(500);
/// A member knows the first node, so one hop is usual, and two where that has just changed.
constexpr int most_hops = 3;

constexpr const char* join_hint = "--join must be the --listen address of a node of the cluster";

}  // namespace

void joiner::dial(const address& where, const std::string& expected, dialled_function then) {
  const auto number = ++last_dial_;
  dials_[number] = std::move(then);
  self_->send(dialler_, dial_node{number, where, expected});
}

void joiner::dialled(const node_dialled& message) {
  const auto found = dials_.find(message.number);
  if (found == dials_.end()) return;
  const auto then = std::move(found->second);
  dials_.erase(found);
  then(message.node, message.why);
}

void joiner::join() {
  hops_ = 0;
  // After a loss it may be another member than the one named at the start that is back first.
  const bool other = last_first_ && attempts_++ % 2 == 1;
  // Who leads now is known where the Store is shared.
  const auto known = other && tell_.controller ? tell_.controller() : std::nullopt;
  ask(known ? *known : other ? *last_first_ : *member_);
}

void joiner::ask(const address& where) {
  asked_at_ = where;
  dial(where, {}, [this, where](const caf::actor& found, const error& why) {
    if (!found) return refused(to_join(why, where));
    asked_ = found;
    self_->send(found, join_cluster{tell_.self(), tell_.parts()});
    self_->delayed_send(self_, answer_limit, join_unanswered{++number_});
  });
}

void joiner::join_again(const address& first_node) {
  last_first_ = first_node;
  attempts_ = 0;
  self_->delayed_send(self_, again, join_now{});
}

error joiner::to_join(error why, const address& where) const {
  if (why.to_blame == blame::user) {
    why.message =
        "node " + tell_.self().info.name + " can't join the node at " + where.to_string() + ": " + why.message;
    return why;
  }
  return external_error("join_failed", "no node answers at " + where.to_string() + ": " + why.message,
                        std::string("check that it is running; ") + join_hint, true);
}

bool joiner::answered(const caf::strong_actor_ptr& sender) {
  if (sender == nullptr || !asked_ || sender != asked_) return false;
  asked_ = nullptr;
  ++number_;
  return true;
}

void joiner::refused(const error& why) {
  asked_ = nullptr;
  ++number_;
  if (tell_.first) {
    std::exchange(tell_.first, nullptr)(why);
    return;
  }
  // A node that was in a cluster before waits for it to come back.
  self_->delayed_send(self_, again, join_now{});
}

void joiner::elsewhere(const caf::strong_actor_ptr& sender, const join_elsewhere& where) {
  const auto said_by = asked_at_.to_string();
  if (!answered(sender)) return;
  const address there{where.host, where.port};
  if (++hops_ > most_hops)
    return refused(external_error("join_failed",
                                  "the nodes at " + said_by + " and " + there.to_string() + " send it to each other",
                                  "name the controller: --join", true));
  ask(there);
}

void joiner::unanswered(const join_unanswered& message) {
  if (!asked_ || message.number != number_) return;
  refused(external_error("join_failed", "the program at " + asked_at_.to_string() + " does not answer like a node",
                         join_hint));
}

void joiner::taken_in(const std::string& by) {
  if (tell_.first) {
    std::exchange(tell_.first, nullptr)({});
  } else {
    tell_.log("joined node " + by + " again");
  }
}

void joiner::close() {
  dials_.clear();
  tell_ = {};
  asked_ = nullptr;
  dialler_ = nullptr;
}

}  // namespace sluice::cluster
