#pragma once

#include "app/session.hpp"

namespace sluice::app {

/// `sluice help events`: the types of events and what `when` of a rule knows, from the engine's catalogue.
void print_event_help(session& with);

}  // namespace sluice::app
