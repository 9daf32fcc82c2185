#include "engine/flow/run_states.hpp"

#include <fmt/format.h>

namespace sluice::flow {

using store::run_state;

bool run_states::advance(run_state to) {
  const bool follows = (now_ == run_state::queued && to == run_state::starting) ||
                       (now_ == run_state::starting && to == run_state::running) ||
                       (now_ == run_state::running && to == run_state::draining) ||
                       (now_ == run_state::draining && to == run_state::committing) ||
                       (now_ == run_state::committing && (to == run_state::succeeded || to == run_state::partial)) ||
                       (!ended() && (to == run_state::failed || to == run_state::cancelled)) ||
                       (ending_ && now_ != to && (to == run_state::restarting || to == run_state::paused));
  if (!follows || (ending_ && to != *ending_)) return false;
  now_ = to;
  return true;
}

bool run_states::fail(error why) {
  if (ended() || ending_ || committing_) return false;
  ending_ = run_state::failed;
  cause_ = std::move(why);
  return true;
}

bool run_states::refuse(error why) {
  committing_ = false;
  return fail(std::move(why));
}

bool run_states::cancel() {
  if (ended() || ending_ || committing_) return false;
  ending_ = run_state::cancelled;
  return true;
}

bool run_states::pause() {
  if (ended() || ending_ || committing_) return false;
  ending_ = run_state::paused;
  return true;
}

rejects_verdict judge_rejects(const rejects_rule& rule, std::uint64_t rejected, std::uint64_t read) {
  if (rule.fail_above && rejected > 0) {
    const auto share = read == 0 ? 1.0 : static_cast<double>(rejected) / static_cast<double>(read);
    if (share > *rule.fail_above) {
      return {.state = run_state::failed,
              .cause = user_error(
                  "too_many_rejects",
                  fmt::format("{} of {} records were rejected ({:.3g} %), above rejects.fail_above of {:.3g} %",
                              rejected, read, share * 100, *rule.fail_above * 100),
                  "look at them with `sluice rejects last`; nothing was published")};
    }
  }
  const bool few = rejected <= static_cast<std::uint64_t>(std::max<std::int64_t>(rule.allow, 0));
  return {.state = few ? run_state::succeeded : run_state::partial, .cause = std::nullopt};
}

}  // namespace sluice::flow
