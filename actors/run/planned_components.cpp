#include "actors/run/run_setup.hpp"

namespace sluice::actors {

component_factory planned_components() {
  return {
      .make_source = &sluice::make_source, .make_transform = &sluice::make_transform, .make_sink = &sluice::make_sink};
}

}  // namespace sluice::actors
