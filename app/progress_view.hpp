#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// How far a unit is, as the display shows it.
struct unit_view {
  std::string name;
  std::string state;  ///< waiting, running, finished
  std::uint64_t rows = 0;
  std::uint64_t rejected = 0;
  double rows_per_second = 0;   ///< recently
  std::optional<double> share;  ///< done, 0 to 1; none: unknown
  std::uint64_t waiting = 0;    ///< rows on disk that its system does not have yet
  std::string down = {};        ///< why its system can't be reached; empty: it can
  std::int64_t down_since = 0;  ///< microseconds since 1970 UTC
};

/// How far a run is.
struct run_view {
  std::string pipeline;
  std::string state;
  double seconds = 0;  ///< since it began
  std::optional<double> seconds_left;
  std::vector<unit_view> units;
};

/// Lines for a terminal of `width` columns: one a unit, and one for the run. Never wider, never wrapped.
std::vector<std::string> progress_lines(const run_view& run, int width, bool color, bool unicode);
/// One line for a log: time, share, time left, rows of the units that move.
std::string progress_line(const run_view& run);

/// Redraws lines in place: gives what to write to the terminal.
class live_display {
 public:
  /// Replaces what was drawn before by `lines`; at most `height` of them are shown, the last ones.
  std::string draw(const std::vector<std::string>& lines, int height);
  /// Removes what was drawn, so that other text can take its place.
  std::string clear();

 private:
  std::size_t drawn_ = 0;
};

}  // namespace sluice::app
