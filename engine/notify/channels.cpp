#include "engine/notify/channels.hpp"

#include <map>

namespace sluice {

std::unique_ptr<subscriber> make_subscriber(const std::string& kind, const subscriber_request& request,
                                            diagnostics& faults) {
  using maker = std::unique_ptr<subscriber> (*)(const subscriber_request&, diagnostics&);
  static const std::map<std::string, maker> makers = {
#define SLUICE_COMPONENT(kind, name) SLUICE_LIST_##kind(name)
#define SLUICE_LIST_sink(name)
#define SLUICE_LIST_source(name)
#define SLUICE_LIST_transform(name)
#define SLUICE_LIST_subscriber(name) {#name, make_##name##_subscriber},
#include "engine/components.inc"
  };
  const auto found = makers.find(kind);
  return found == makers.end() ? nullptr : found->second(request, faults);
}

}  // namespace sluice
