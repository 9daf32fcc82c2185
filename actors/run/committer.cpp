#include "actors/run/committer.hpp"

#include <algorithm>

namespace sluice::actors {

namespace {

constexpr std::chrono::milliseconds longest_pause{30'000};

}  // namespace

committer::committer(caf::event_based_actor* self, std::shared_ptr<io_pool> pool,
                     std::shared_ptr<const run_setup> setup, callbacks calls)
    : self_(self),
      io_(self, std::move(pool)),
      setup_(std::move(setup)),
      patience_(setup_->commit_patience),
      calls_(std::move(calls)) {}

void committer::prepared(const flow::instance_id& who, store::prepared_sink what) {
  sinks_[who].what = std::move(what);
}

std::vector<store::prepared_sink> committer::all() const {
  std::vector<store::prepared_sink> list;
  for (const auto& [who, one] : sinks_) list.push_back(one.what);
  return list;
}

void committer::begin() {
  begun_ = self_->clock().now();
  for (const auto& [who, one] : sinks_) asked_.insert(who);
  tell_all(false);
  go_on();
}

void committer::committed(const flow::instance_id& who) {
  if (asked_.erase(who) == 0) return;
  visible_.insert(who);
  sinks_[who].problem.reset();
  go_on();
}

void committer::failed(const flow::instance_id& who, error why) {
  if (asked_.erase(who) == 0) return;
  sinks_[who].problem = std::move(why);
  go_on();
}

void committer::tell_all(bool at_once) {
  // From a copy: one that is gone answers at once.
  for (const auto& who : std::set<flow::instance_id>(asked_)) calls_.tell(who, sinks_[who].what.token, at_once);
}

void committer::hurry() {
  patience_ = std::chrono::milliseconds(0);
  stop_->interrupt();
  if (!over_) tell_all(true);
}

void committer::clean_up() {
  io_.post([setup = setup_] { remove_leftovers(*setup->what, *setup->context, setup->components.make_sink, {}); });
}

void committer::close() {
  over_ = true;
  setup_ = nullptr;
  calls_ = {};
}

void committer::go_on() {
  if (over_ || !asked_.empty()) return;
  if (visible_.size() < sinks_.size()) return repeat();
  over_ = true;
  calls_.done();
}

void committer::repeat() {
  std::vector<store::prepared_sink> left;
  for (const auto& [who, one] : sinks_)
    if (visible_.count(who) == 0) left.push_back(one.what);
  io_.call(
      [setup = setup_, left = std::move(left), stop = stop_] {
        return commit_prepared(*setup->what, *setup->context, setup->components.make_sink, left, stop.get());
      },
      [this](const std::vector<sink_outcome>& outcomes) {
        if (!over_) repeated(outcomes);
      });
}

void committer::repeated(const std::vector<sink_outcome>& outcomes) {
  for (const auto& outcome : outcomes)
    for (auto& [who, one] : sinks_) {
      if (one.what.unit != outcome.what.unit || one.what.instance != outcome.what.instance) continue;
      one.problem = outcome.problem;
      if (!outcome.problem) visible_.insert(who);
    }
  if (visible_.size() == sinks_.size()) return go_on();
  std::vector<sink_outcome> all;
  bool only_refusals = true;
  for (const auto& [who, one] : sinks_) {
    all.push_back(one);
    only_refusals = only_refusals && (!one.problem || is_refused(*one.problem));
  }
  const bool late = patience_ && self_->clock().now() - begun_ >= *patience_;
  if (!only_refusals && !late) {
    self_->delayed_send(self_, pause_, continuation{[this] {
                          if (!over_) repeat();
                        }});
    pause_ = std::min(pause_ * 2, patience_ ? std::chrono::milliseconds(2000) : longest_pause);
    return;
  }
  over_ = true;
  auto why = commit_problem(all);
  const bool refused = why.code == "commit_refused" && only_refusals;
  if (!refused) why.code = "commit_unfinished";
  refused ? calls_.refused(std::move(why)) : calls_.unfinished(std::move(why));
}

}  // namespace sluice::actors
