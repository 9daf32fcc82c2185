#pragma once

#include "actors/notifier.hpp"

#include <string>

namespace sluice::actors {

/// A subscriber's function that appends each event to a file as one CloudEvents object a line. An event that comes
/// again after a crash has the same `id`. A last line that a crash cut short is completed by a line end first.
deliver_function file_subscriber(const std::string& path);

}  // namespace sluice::actors
