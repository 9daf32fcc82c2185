#include "actors/run/shared_sources.hpp"

#include "actors/run/run_setup.hpp"

namespace sluice::actors {

result<std::shared_ptr<source>> shared_sources::get(const run_setup& setup, int unit) {
  const std::lock_guard guard(lock_);
  if (const auto found = made_.find(unit); found != made_.end()) return found->second;
  SLUICE_ASSIGN(std::shared_ptr<source> made, setup.components.make_source(*setup.what, unit, *setup.context));
  made_.emplace(unit, made);
  return made;
}

}  // namespace sluice::actors
