#pragma once

#include "actors/run/run.hpp"
#include "app/planning.hpp"
#include "app/session.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::app {

/// Keeps the rows that arrive: what a preview loads into.
struct kept_rows {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
};

/// What became of the run that got them.
struct preview_outcome {
  actors::run_outcome run;
  std::vector<std::string> rejects;  ///< the first ones: where, why and the record
  int signal = 0;                    ///< that stopped it, or 0
};

/// The unit of the sink that `cut_down` adds.
inline constexpr const char* preview_sink = "_preview";

/// Cuts the pipeline down to what `wanted` is made of, its first rows going to a sink of our own.
status cut_down(pipeline& what, std::string& wanted, std::int64_t rows);
/// Runs the cut-down pipeline in this process; its state is kept nowhere.
result<preview_outcome> fetch_rows(const session& with, const planned_pipeline& planned,
                                   const std::shared_ptr<kept_rows>& into);

/// Runs a pipeline in this process, the rows of each sink named in `into` going there; its state is kept nowhere.
result<preview_outcome> fetch_rows(const session& with, const planned_pipeline& planned,
                                   const std::map<std::string, std::shared_ptr<kept_rows>>& into);
/// Runs a pipeline whose state is kept nowhere with its own sinks: `sluice query`.
result<preview_outcome> run_and_show(const session& with, const planned_pipeline& planned);

}  // namespace sluice::app
