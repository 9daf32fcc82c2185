#pragma once

#include "actors/notifier.hpp"

#include <string>

namespace sluice::actors {

/// One event as a line of a log: time, type, run, unit, and what is worth knowing of its data.
std::string log_line(const store::event& what);

/// A subscriber's function that writes each event as a line to a file descriptor (stderr: 2).
deliver_function log_subscriber(int file_descriptor);

}  // namespace sluice::actors
