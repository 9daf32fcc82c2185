#include "engine/schedule/file_arrival.hpp"

#include <algorithm>

namespace sluice::schedule {

file_arrival::file_arrival(std::int64_t settle, const options& state) : settle_(settle) {
  if (!state.is_object()) return;
  if (state.contains("known"))
    for (const auto& [path, one] : state["known"].items())
      known_[path] = {one[0].get<std::int64_t>(), one[1].get<std::int64_t>()};
  if (state.contains("coming"))
    for (const auto& [path, one] : state["coming"].items())
      coming_[path] = {{one[0].get<std::int64_t>(), one[1].get<std::int64_t>()}, one[2].get<std::int64_t>()};
}

options file_arrival::state() const {
  options known = options::object();
  for (const auto& [path, one] : known_) known[path] = std::vector<std::int64_t>{one.first, one.second};
  options arriving = options::object();
  for (const auto& [path, one] : coming_)
    arriving[path] = std::vector<std::int64_t>{one.as.first, one.as.second, one.since};
  return options{{"known", std::move(known)}, {"coming", std::move(arriving)}};
}

std::vector<std::string> file_arrival::look(const std::map<std::string, seen>& there, std::int64_t now) {
  const auto gone = [&](const auto& one) { return there.count(one.first) == 0; };
  changed_ = std::erase_if(known_, gone) + std::erase_if(coming_, gone) > 0 || changed_;
  std::vector<std::string> arrived;
  for (const auto& [path, as] : there) {
    if (const auto found = known_.find(path); found != known_.end() && found->second == as) {
      changed_ = coming_.erase(path) > 0 || changed_;
      continue;
    }
    auto [found, fresh] = coming_.try_emplace(path, coming{as, now});
    if (!fresh && found->second.as != as) {
      found->second = {as, now};
      fresh = true;
    }
    changed_ = changed_ || fresh;
    // A clock that was put back: waited for anew.
    if (found->second.since > now) {
      found->second.since = now;
      changed_ = true;
    }
    if (now - found->second.since >= settle_) arrived.push_back(path);
  }
  for (const auto& path : arrived) {
    known_[path] = coming_[path].as;
    coming_.erase(path);
    changed_ = true;
  }
  return arrived;
}

std::int64_t file_arrival::next() const {
  std::int64_t first = 0;
  for (const auto& [path, one] : coming_)
    if (first == 0 || one.since + settle_ < first) first = one.since + settle_;
  return first;
}

}  // namespace sluice::schedule
