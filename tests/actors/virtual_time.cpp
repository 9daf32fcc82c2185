#include "tests/actors/virtual_time.hpp"

#include "actors/run/run.hpp"
#include "actors/units/blocking_calls.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace sluice::actors::testing {

void stepped_calls::run_one(std::size_t which) {
  const auto at = jobs_.begin() + static_cast<std::ptrdiff_t>(which);
  const auto job = std::move(*at);
  jobs_.erase(at);
  job();
}

virtual_time::config::config() {
  configure(*this, 1);
  set("scheduler.policy", caf::atom("testing"));
}

virtual_time::virtual_time(std::optional<std::uint64_t> seed)
    : random(seed.value_or(0)),
      calls_(std::make_shared<stepped_calls>()),
      system_(std::make_unique<caf::actor_system>(config_)),
      coordinator_(&dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler())),
      at_random_(seed.has_value()) {
  // Times of 0 mean "never" in some places.
  coordinator_->clock().current_time += std::chrono::hours(1);
}

virtual_time::~virtual_time() {
  // Calls use what the test has, which may be gone by now.
  stalled = true;
  for (const auto& one : kept_) kill(one);
  kept_.clear();
  settle();
  // A message on its way to an actor keeps it, and so may a call.
  coordinator_->clock().cancel_all();
  calls_->forget();
  settle();
  calls_->forget();
  if (alive() == 0) return;
  std::fprintf(stderr, "%zu actors outlive their test\n", alive());
  std::abort();
}

node_services virtual_time::services(const std::string& node) const { return {.io = calls_, .node = node}; }

std::size_t virtual_time::alive() const { return system_->registry().running(); }

caf::actor virtual_time::keep(caf::actor one) {
  kept_.push_back(one);
  return one;
}

bool virtual_time::step() {
  auto& messages = coordinator_->jobs;
  const auto calls = stalled ? 0 : calls_->waiting();
  if (messages.size() + calls == 0) return false;
  auto which = std::size_t{0};
  if (at_random_) which = std::uniform_int_distribution<std::size_t>(0, messages.size() + calls - 1)(random);
  if (which >= messages.size()) {
    calls_->run_one(which - messages.size());
    return true;
  }
  std::swap(messages.front(), messages[which]);
  coordinator_->run_once();
  return true;
}

void virtual_time::settle() {
  while (step()) {
  }
}

void virtual_time::slip(std::chrono::microseconds time) { coordinator_->clock().advance_time(time); }

bool virtual_time::jump(std::chrono::microseconds limit) {
  auto& clock = coordinator_->clock();
  if (clock.schedule().empty()) return false;
  const auto due = clock.schedule().begin()->first;
  if (due > clock.now() + limit) return false;
  clock.advance_time(std::max(due - clock.now(), std::chrono::steady_clock::duration(0)));
  return true;
}

bool virtual_time::pass_to_next(std::chrono::microseconds limit) {
  settle();
  if (!jump(limit)) return false;
  settle();
  return true;
}

void virtual_time::pass(std::chrono::microseconds time) {
  pass_until([] { return false; }, time);
}

bool virtual_time::pass_until(const std::function<bool()>& look, std::chrono::microseconds limit) {
  const auto end = now() + limit;
  settle();
  while (!look()) {
    if (pass_to_next(std::chrono::duration_cast<std::chrono::microseconds>(end - now()))) continue;
    coordinator_->clock().advance_time(end - now());
    return look();
  }
  return true;
}

void virtual_time::kill(const caf::actor& one) { caf::anon_send_exit(one, caf::exit_reason::kill); }

namespace {

class probe_actor : public caf::event_based_actor {
 public:
  probe_actor(caf::actor_config& config, std::shared_ptr<std::vector<caf::message>> got)
      : caf::event_based_actor(config) {
    set_error_handler([got](caf::scheduled_actor*, caf::error& why) { got->push_back(caf::make_message(why)); });
    set_default_handler([got = std::move(got)](caf::scheduled_actor*, caf::message_view& what) {
      got->push_back(what.move_content_to_message());
      return caf::result<caf::message>(caf::delegated<caf::message>{});  // an answer is the test's business
    });
  }
  caf::behavior make_behavior() override { return {resume_calls()}; }
};

}  // namespace

probe::probe(virtual_time& time) : handle_(time.keep(time.system().spawn<probe_actor>(got_))) {}

void probe::missing() { throw std::runtime_error("the message has not come"); }

}  // namespace sluice::actors::testing
