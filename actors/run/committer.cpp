#include "actors/run/committer.hpp"

#include "engine/runs/settle_left.hpp"

#include <algorithm>

namespace sluice::actors {

namespace {

constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::milliseconds longest_pause{30'000};

}  // namespace

committer::committer(caf::event_based_actor* self, std::shared_ptr<io_pool> pool,
                     std::shared_ptr<const run_setup> setup, callbacks calls)
    : self_(self),
      io_(self, std::move(pool)),
      setup_(std::move(setup)),
      patience_(setup_->commit_patience),
      calls_(std::move(calls)) {}

void committer::begin(const std::vector<prepared>& what, bool last) {
  sinks_.clear();
  for (const auto& [who, one] : what) sinks_[who].what.push_back(one);
  begun_ = self_->clock().now();
  pause_ = first_pause;
  last_ = last;
  over_ = false;
  for (const auto& [who, one] : sinks_) asked_.insert(who);
  tell_all(false);
  go_on();
}

void committer::committed(const flow::instance_id& who) {
  if (!asked_.contains(who)) return;
  auto& one = sinks_[who];
  one.problem.reset();
  if (++one.visible < one.what.size()) return tell(who, false);
  asked_.erase(who);
  go_on();
}

bool committer::failed(const flow::instance_id& who, error why) {
  if (asked_.erase(who) == 0) return false;
  sinks_[who].problem = std::move(why);
  go_on();
  return true;
}

void committer::tell(const flow::instance_id& who, bool at_once) {
  const auto& one = sinks_[who];
  calls_.tell(who, commit_load{.token = one.what[one.visible].token,
                               .at_once = at_once,
                               .last = last_ && one.visible + 1 == one.what.size()});
}

void committer::tell_all(bool at_once) {
  // From a copy: one that is gone answers at once.
  for (const auto& who : std::set<flow::instance_id>(asked_)) tell(who, at_once);
}

void committer::hurry() {
  patience_ = std::chrono::milliseconds(0);
  stop_->interrupt();
  if (!over_) tell_all(true);
}

void committer::clean_up(std::vector<store::prepared_sink> kept) {
  io_.post([setup = setup_, kept = std::move(kept)] {
    (void)keep_prepared(*setup->what, *setup->context, setup->components.make_sink, kept);
  });
}

void committer::close() {
  over_ = true;
  setup_ = nullptr;
  calls_ = {};
}

void committer::go_on() {
  if (over_ || !asked_.empty()) return;
  const bool all = std::all_of(sinks_.begin(), sinks_.end(),
                               [](const auto& one) { return one.second.visible == one.second.what.size(); });
  if (!all) return repeat();
  over_ = true;
  calls_.done();
}

void committer::repeat() {
  std::vector<store::prepared_sink> left;
  for (const auto& [who, one] : sinks_)
    left.insert(left.end(), one.what.begin() + static_cast<std::ptrdiff_t>(one.visible), one.what.end());
  io_.call(
      [setup = setup_, left = std::move(left), last = last_, stop = stop_] {
        const auto& make = setup->components.make_sink;
        auto outcomes = commit_prepared(*setup->what, *setup->context, make, left, stop.get());
        if (last) settle_left(*setup->what, *setup->context, make, outcomes, stop.get());
        return outcomes;
      },
      [this](const std::vector<sink_outcome>& outcomes) {
        if (!over_) repeated(outcomes);
      });
}

void committer::repeated(const std::vector<sink_outcome>& outcomes) {
  for (const auto& outcome : outcomes)
    for (auto& [who, one] : sinks_) {
      const auto& what = one.what.front();
      if (what.unit != outcome.what.unit || what.instance != outcome.what.instance) continue;
      one.problem = outcome.problem;
      if (!outcome.problem) ++one.visible;
    }
  std::vector<sink_outcome> all;
  bool only_refusals = true;
  bool visible = true;
  for (const auto& [who, one] : sinks_) {
    for (std::size_t at = 0; at < one.what.size(); ++at)
      all.push_back({.what = one.what[at], .problem = at < one.visible ? std::nullopt : one.problem});
    visible = visible && one.visible == one.what.size();
    only_refusals = only_refusals && (!one.problem || is_refused(*one.problem));
  }
  if (visible) return go_on();
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
