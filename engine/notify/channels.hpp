#pragma once

#include "engine/notify/subscriber.hpp"

#include <memory>
#include <string>

namespace sluice {

#define SLUICE_COMPONENT(kind, name) SLUICE_DECLARE_##kind(name)
#define SLUICE_DECLARE_sink(name)
#define SLUICE_DECLARE_source(name)
#define SLUICE_DECLARE_transform(name)
#define SLUICE_DECLARE_subscriber(name) \
  std::unique_ptr<subscriber> make_##name##_subscriber(const subscriber_request&, diagnostics& faults);
#include "engine/components.inc"
#undef SLUICE_COMPONENT
#undef SLUICE_DECLARE_sink
#undef SLUICE_DECLARE_source
#undef SLUICE_DECLARE_transform
#undef SLUICE_DECLARE_subscriber

/// Makes a channel of a kind (a component of kind subscriber). Appends all faults, whose paths begin with the kind
/// ("/webhook/url"), and gives null if there are any, or where there is no such kind.
std::unique_ptr<subscriber> make_subscriber(const std::string& kind, const subscriber_request& request,
                                            diagnostics& faults);

}  // namespace sluice
