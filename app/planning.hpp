#pragma once

#include "app/arguments.hpp"
#include "app/session.hpp"
#include "config/document.hpp"
#include "config/load.hpp"
#include "engine/plan/plan.hpp"
#include "engine/store/deliveries.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// A pipeline that is fit to run, and the file that it came from.
struct planned_pipeline {
  std::shared_ptr<const config::document> source;  ///< may be null
  std::shared_ptr<const plan> what;
  std::shared_ptr<run_context> context;
  options params;                                       ///< what `--set` gave, as text
  std::optional<std::int64_t> state_version = {};       ///< of what the Store remembers of its sources
  std::vector<store::subscription> subscriptions = {};  ///< of its `notify:`
};

/// What to plan.
struct planning_request {
  std::string file;                   ///< path; "-" for stdin
  std::string text = {};              ///< the pipeline itself, where it is in no file
  std::vector<std::string> set = {};  ///< `--set`, name=value each
  std::string config = {};            ///< `--config`
  std::string run_id = {};            ///< may be empty where nothing is to run
  /// Changes the definition before it is planned (preview cuts it down to one unit).
  std::function<status(pipeline&)> adapt = {};
  /// Gets the rules of `notify:` once they can be read, whatever becomes of the plan.
  std::function<void(const std::vector<store::subscription>&)> rules = {};
  std::optional<std::int64_t> now = {};  ///< microseconds since 1970 for now(); else the present time
  bool remembers = false;                ///< a run: takes only what earlier runs have not taken
  bool fresh = false;                    ///< ... but all of it, as in a first run
};

/// Splits `--set` words.
result<std::map<std::string, std::string>> parse_set(const std::vector<std::string>& words);

/// The file of `--config`, else of SLUICE_CONFIG; empty: none.
std::string config_file(const std::string& given);
/// What a pipeline is read with: `--set` words and the file of `--config`.
result<config::load_options> reading_options(const std::vector<std::string>& set, const std::string& config);

/// Reads, checks and plans a pipeline; faults come with their places. `source` is set also where there are faults.
std::optional<planned_pipeline> plan_pipeline(const session& with, const planning_request& request, diagnostics& faults,
                                              std::shared_ptr<const config::document>& source);

/// Prints faults (or warnings) to stderr: in their file, with a caret, or as lines of JSON.
void report_faults(session& with, const diagnostics& faults, const config::document* source,
                   const std::string& word = "error");
/// 2, or 1 where Sluice itself is to blame.
int exit_code_of(const diagnostics& faults);

/// The arguments that all verbs share which take a pipeline.
positional_spec file_argument(std::string& into);
option_spec set_option(std::vector<std::string>& into);
option_spec config_option(std::string& into);
/// And those that continue a run.
option_spec from_option(std::string& into);
option_spec again_option(bool& into);
option_spec drop_state_option(std::vector<std::string>& into);

}  // namespace sluice::app
