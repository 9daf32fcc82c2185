#pragma once

#include "engine/memory/manager.hpp"

#include <cstdint>

namespace sluice::windows {

/// Reserves what is held until the watermark lets it go. It does not go to disk, so the error (memory_exceeded) says
/// how less is held.
inline status reserve_held(memory::reservation& from, std::int64_t bytes) {
  auto done = from.resize(bytes);
  if (done.ok()) return done;
  auto why = done.problem();
  why.hint =
      "raise run.memory; or let rows be held for a shorter time: a shorter within, a lower out_of_order or "
      "allowed_lateness";
  return why;
}

}  // namespace sluice::windows
