#pragma once

#include "engine/component/options.hpp"
#include "engine/notify/event_catalogue.hpp"

namespace sluice::notify {

/// JSON Schema (2020-12) of an event of a type, as the CloudEvents object that subscribers get. Fields that the
/// catalogue names have their types; an event may have more, and need not have all.
options schema_of(const event_type& what);
/// Such an event, with made-up values.
options example_of(const event_type& what);

}  // namespace sluice::notify
