#include "engine/component/down_note.hpp"

#include <chrono>

namespace sluice {

void down_note::failed(const std::string& why) {
  using namespace std::chrono;
  const std::lock_guard guard(lock_);
  if (down_) return;
  down_ = down_state{.since = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count(), .why = why};
}

void down_note::reached() {
  const std::lock_guard guard(lock_);
  down_.reset();
}

std::optional<down_state> down_note::state() const {
  const std::lock_guard guard(lock_);
  return down_;
}

}  // namespace sluice
