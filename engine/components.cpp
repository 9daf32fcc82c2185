#include "engine/component/component.hpp"

namespace sluice {

#define SLUICE_COMPONENT(kind, name) const component& name##_##kind();
#include "engine/components.inc"
#undef SLUICE_COMPONENT

const std::vector<const component*>& components() {
  static const std::vector<const component*> all = {
#define SLUICE_COMPONENT(kind, name) &name##_##kind(),
#include "engine/components.inc"
#undef SLUICE_COMPONENT
  };
  return all;
}

const component* find_component(component_kind kind, const std::string& name) {
  for (const auto* candidate : components())
    if (candidate->spec.kind == kind && candidate->spec.name == name) return candidate;
  return nullptr;
}

const std::vector<std::string>& planned_components(component_kind kind) {
  static const std::vector<std::string> sources = {"avro",    "delta",   "excel", "fixed_width", "http",
                                                   "iceberg", "mariadb", "mqtt",  "mysql",       "nats",
                                                   "orc",     "process", "redis", "s3",          "xml"};
  static const std::vector<std::string> transforms = {"enrich", "explode", "lookup", "process", "sessionize", "window"};
  static const std::vector<std::string> sinks = {"avro",  "delta", "excel", "http",    "iceberg", "mariadb", "mqtt",
                                                 "mysql", "nats",  "orc",   "process", "redis",   "s3"};
  static const std::vector<std::string> subscribers;
  switch (kind) {
    case component_kind::source:
      return sources;
    case component_kind::transform:
      return transforms;
    case component_kind::sink:
      return sinks;
    case component_kind::subscriber:
      return subscribers;
  }
  return subscribers;
}

}  // namespace sluice
