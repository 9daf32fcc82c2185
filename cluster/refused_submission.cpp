#include "cluster/refused_submission.hpp"

#include "config/fragments.hpp"
#include "config/pipeline_reader.hpp"
#include "engine/runs/refusal.hpp"

namespace sluice::cluster {

std::optional<store::event> refused_submission(const submission& what, const error& problem,
                                               const diagnostics& faults) {
  if (!concerns_pipeline(problem)) return std::nullopt;
  diagnostics known;  // they are in `faults`
  const auto source = config::parse_pipeline(what.text, what.file, {}, known);
  options more = {{"reason", "submit"}};
  if (!what.file.empty()) more["file"] = what.file;
  return refusal_event(config::pipeline_name(*source), std::move(more), faults.empty() ? diagnostics{problem} : faults);
}

}  // namespace sluice::cluster
