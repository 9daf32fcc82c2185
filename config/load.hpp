#pragma once

#include "config/document.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/store/deliveries.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// What a pipeline is read with besides its file.
struct load_options {
  std::map<std::string, std::string> set;  ///< `--set name=value`
  /// Looks up the environment; not set: the process's own.
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::string base_folder = {};            ///< where relative paths of channels start; empty: the current folder
};

/// A pipeline and the file that it came from, which still knows where everything stands.
struct loaded {
  pipeline definition;
  std::shared_ptr<const document> source;
  std::vector<store::subscription> subscriptions;  ///< one a rule of `notify:`
};

/// Reads a pipeline's file, "-" being standard input. All its faults are appended together, each with its place; what
/// comes back in spite of faults has the units marked of which nothing can be made, and `make_plan` finds the faults of
/// the others.
std::optional<loaded> load_pipeline(const std::string& path, const load_options& given, diagnostics& faults,
                                    std::shared_ptr<const document>* source = nullptr);
/// Reads a pipeline from its text; `file` is its name in messages. `source`, where given, is set also where there are
/// faults, so that `render` can show them in it.
std::optional<loaded> load_pipeline_text(const std::string& text, const std::string& file, const load_options& given,
                                         diagnostics& faults, std::shared_ptr<const document>* source = nullptr);

/// Gives every fault that has a `path` but no place the place that it names in the file.
void resolve_locations(const document& source, diagnostics& faults);

}  // namespace sluice::config
