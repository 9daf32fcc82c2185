#include "engine/component/transform.hpp"

namespace sluice {

status transform::restore(const std::vector<state_part>& parts) {
  if (parts.empty()) return {};
  return internal_error("foreign_state", "state named " + parts.front().name + " came to a unit that holds none");
}

}  // namespace sluice
