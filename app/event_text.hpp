#pragma once

#include "engine/store/store.hpp"

#include <string>

namespace sluice::app {

/// An event in words, for `logs`, `watch` and the plain progress of `run`: "unit flights finished: 27,004 rows".
std::string event_text(const store::event& what);
/// True where it reports something that somebody has to look at.
bool is_alarming(const store::event& what);

}  // namespace sluice::app
