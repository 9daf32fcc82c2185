#include "engine/component/source.hpp"

namespace sluice {

status split_reader::add(const split& piece, const std::string& position) {
  (void)position;
  return internal_error("not_supported", "a reader that can read only one split got another one: " + piece.object);
}

status check_step(const read_step& step, bool bounded) {
  // A source without end has silent times; of any other, such a step would be followed by the next one for ever.
  if (bounded && !step.end && step.records == 0 && step.bytes == 0)
    return internal_error("bad_step", "a reader's step returned nothing and did not say that it is the last one");
  return {};
}

}  // namespace sluice
