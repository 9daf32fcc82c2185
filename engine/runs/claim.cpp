#include "engine/runs/claim.hpp"

#include "engine/plan/plan.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>
#include <xxhash.h>

namespace sluice {

run_claim claim_of(const pipeline& what) {
  std::string text;
  for (const auto& [name, value] : what.params) {
    text += name + '\0';
    if (value) text += value->type->ToString() + '\0' + (value->is_valid ? value->ToString() : "");
    text += '\0';
  }
  return {.pipeline = what.name, .params = XXH3_64bits(text.data(), text.size()), .alone = uses_source_state(what)};
}

bool collide(const run_claim& one, const run_claim& other) {
  return one.pipeline == other.pipeline && (one.alone || other.alone || one.params == other.params);
}

error already_running(const run_claim& what, const std::string& holder) {
  auto message = "the pipeline " + what.pipeline + " is already running";
  if (!holder.empty()) message += " (" + holder + ")";
  message +=
      what.alone ? ", and its sources are incremental: two runs would load the same rows" : " with the same params";
  return user_error("already_running", message,
                    "sluice watch " + what.pipeline + " follows it, sluice cancel " + what.pipeline +
                        " stops it; run: { overlap: queue } waits for its end, overlap: cancel stops it");
}

}  // namespace sluice
