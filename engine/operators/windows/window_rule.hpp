#pragma once

#include "engine/component/component.hpp"

#include <cstdint>
#include <optional>

namespace sluice::windows {

/// What `window:` of an aggregate says. Durations are microseconds.
struct window_rule {
  enum class kind { tumble, hop, session } how = kind::tumble;
  std::int64_t size = 0;   ///< of a window; of a session: the silence that ends it
  std::int64_t every = 0;  ///< from the begin of a window to that of the next; tumble: `size`
  std::int64_t allowed_lateness = 0;
};

/// Describes `window:`.
field_spec window_spec();

/// Reads it; the faults stand at /aggregate/window.
std::optional<window_rule> read_window(const options& window, diagnostics& faults);

}  // namespace sluice::windows
