#pragma once

#include "app/progress_view.hpp"
#include "app/session.hpp"

#include <chrono>
#include <string>

namespace sluice::app {

/// The progress of a run as JSON (cluster::progress_to_json, the HTTP API) for the display.
run_view view_of(const options& progress);

/// Shows a run's progress on stderr: lines redrawn in place on a terminal, a plain line now and then elsewhere.
class run_display {
 public:
  /// `shared` says that data goes to the same terminal: then nothing is redrawn.
  run_display(session& with, bool shared);

  void show(const run_view& view);
  /// Prints a line above the display.
  void say(const std::string& line);
  /// Takes the display away, for the report.
  void end();

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds plain_interval{5};

  session& with_;
  enum class form { none, plain, live } form_;
  live_display live_;
  clock::time_point next_plain_;
};

}  // namespace sluice::app
