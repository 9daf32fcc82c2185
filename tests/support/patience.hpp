#pragma once

#include <chrono>
#include <thread>

namespace sluice::test {

/// Until a test gives up; machines may be slow.
inline constexpr auto patience = std::chrono::seconds(60);

/// Waits until `look` gives true; false where it never does.
template <class Look>
bool eventually(Look&& look) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (!look()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace sluice::test
