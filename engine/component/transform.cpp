#include "engine/component/transform.hpp"

namespace sluice {

status transform::restore(const std::vector<state_part>& parts) {
  if (parts.empty()) return {};
  return internal_error("foreign_state",
                        "state with the name " + parts.front().name + " was given to a unit that has no state");
}

}  // namespace sluice
