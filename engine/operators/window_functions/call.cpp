#include "engine/operators/window_functions/call.hpp"

namespace sluice::window_functions {

bool is_running(const expression::window_frame& of) {
  return of.start == expression::frame_bound::unbounded_preceding && of.end == expression::frame_bound::current_row &&
         of.exclusion == expression::frame_exclusion::none;
}

result<std::unique_ptr<call>> make_call(const expression::window_call& of) {
  for (const auto make : {make_rank, make_place, make_frame_sum, make_frame_extreme})
    if (auto made = make(of)) return made;
  return user_error("not_supported_yet", of.text + " of this type is not supported yet",
                    "compute it with the transform aggregate, then join");
}

}  // namespace sluice::window_functions
