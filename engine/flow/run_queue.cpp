#include "engine/flow/run_queue.hpp"

#include <algorithm>

namespace sluice::flow {

namespace {

bool hinders(const run_claim& one, const run_claim& other) { return !one.pipeline.empty() && collide(one, other); }

}  // namespace

std::vector<std::string> run_queue::in_the_way_of(const run_claim& what) const {
  std::vector<std::string> found;
  for (const auto& one : entries_)
    if (hinders(one.claim, what)) found.push_back(one.run);
  return found;
}

void run_queue::add(const std::string& run, run_claim what) { entries_.push_back({run, std::move(what)}); }

void run_queue::ready(const std::string& run) {
  if (auto* const found = find(run); found != nullptr && found->now == state::coming) found->now = state::waiting;
}

std::vector<std::string> run_queue::admit() {
  auto running = static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const auto& one) { return one.now == state::running; }));
  std::vector<std::string> admitted;
  for (auto one = entries_.begin(); one != entries_.end() && running < most_; ++one) {
    if (one->now != state::waiting) continue;
    if (std::any_of(entries_.begin(), one, [&](const auto& other) { return hinders(other.claim, one->claim); }))
      continue;
    one->now = state::running;
    ++running;
    admitted.push_back(one->run);
  }
  return admitted;
}

void run_queue::force(const std::string& run) {
  if (auto* const found = find(run)) found->now = state::running;
}

void run_queue::ended(const std::string& run) {
  entries_.remove_if([&](const auto& one) { return one.run == run; });
}

run_queue::entry* run_queue::find(const std::string& run) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& one) { return one.run == run; });
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace sluice::flow
