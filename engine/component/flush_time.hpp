#pragma once

#include "engine/component/transform.hpp"

namespace sluice {

/// The watermark that comes before the last barrier of a run that is drained with --flush: windows are emitted as if
/// no row came any more, but the next run goes on behind it. What is kept as the watermark is the end of the last
/// window that was emitted: rows of these windows come too late from then on.
inline constexpr std::int64_t flush_of_time = end_of_time - 1;

}  // namespace sluice
