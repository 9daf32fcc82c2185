#pragma once

#include "actors/run/run_setup.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::cluster {

/// The checkpoint that a run continues after, as a node tells it to others: JSON. What the sinks hold prepared stays
/// with the supervisor.
std::string resume_to_text(const actors::resume_point& point);
/// And back. Error: foreign_state.
result<std::shared_ptr<const actors::resume_point>> resume_from_text(const std::string& text);

}  // namespace sluice::cluster
