#pragma once

#include "actors/notifier.hpp"

#include <memory>
#include <string>

namespace sluice::actors {

/// Appends every event to a file as one CloudEvents object a line, each once: the place in the event log is that of the
/// file's last whole line, and what a crash left of a line is cut off. One process at a time writes the file; others
/// wait until it is gone. `from` is the Store whose events these are: a file of another Store's begins anew behind it.
subscriber_functions file_subscriber(const std::string& path, std::shared_ptr<store::store> from);

}  // namespace sluice::actors
