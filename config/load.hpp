#pragma once

#include "config/document.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/schedule/settings.hpp"
#include "engine/store/deliveries.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

using environment_lookup = std::function<std::optional<std::string>(const std::string& name)>;

/// That of this process.
std::optional<std::string> process_environment(const std::string& name);

/// A file that is given beside the pipeline (`--config`), already read.
struct config_text {
  std::string file;  ///< its name in messages
  std::string text;
  environment_lookup environment = {};  ///< not set: that of the pipeline
};

/// What a pipeline is read with besides its file.
struct load_options {
  std::map<std::string, std::string> set;  ///< `--set name=value`
  /// Looks up the environment; not set: the process's own.
  environment_lookup environment;
  /// What they have comes before what the pipeline has, and that of an earlier one before that of a later one.
  std::vector<config_text> configs = {};
  std::string base_folder = {};             ///< where relative paths of channels start; empty: the current folder
  std::optional<std::int64_t> due_at = {};  ///< when the run is due, microseconds since 1970 UTC; not set: now
};

/// Reads a file for `config_text`; the error names it as `what` and says why it can't be read.
result<config_text> read_config(const std::string& path, const std::string& what = "settings");
/// Appends the faults of such a file, for a process that is to use it later.
void check_config(const config_text& given, diagnostics& faults);

/// A pipeline and the file that it came from, which still knows where everything stands.
struct loaded {
  pipeline definition;
  std::shared_ptr<const document> source;
  std::vector<store::subscription> subscriptions;  ///< one a rule of `notify:`
  std::optional<schedule::settings> schedule = {};
  std::map<std::string, std::string> computed = {};  ///< params whose default was computed, as texts
};

/// Reads a file that `include:` names, for `parse_pipeline`.
result<std::string> read_fragment_file(const std::string& path);

/// Reads a pipeline's file and the files that it includes, "-" being standard input. All its faults are appended
/// together, each with its place; what comes back in spite of faults has the units marked of which nothing can be made,
/// and `make_plan` finds the faults of the others.
std::optional<loaded> load_pipeline(const std::string& path, const load_options& given, diagnostics& faults,
                                    std::shared_ptr<const document>* source = nullptr);
/// Reads a pipeline from its text, which contains what it includes (see `parse_pipeline`): no other file is read.
/// `file` is its name in messages. `source`, where given, is set also where there are
/// faults, so that `render` can show them in it.
std::optional<loaded> load_pipeline_text(const std::string& text, const std::string& file, const load_options& given,
                                         diagnostics& faults, std::shared_ptr<const document>* source = nullptr);

/// Gives every fault that has a `path` but no place the place that it names in the file.
void resolve_locations(const document& source, diagnostics& faults);

}  // namespace sluice::config
