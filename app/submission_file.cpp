#include "app/submission_file.hpp"

#include "app/planning.hpp"

#include <cstdlib>
#include <filesystem>

namespace sluice::app {

std::optional<cluster::submission> read_submission_file(const std::string& file, const std::vector<std::string>& set,
                                                        const std::string& config, diagnostics& faults,
                                                        std::shared_ptr<const config::document>& source) {
  cluster::submission made;
  auto given = reading_options(set, config);
  if (!given.ok()) return faults.push_back(std::move(given).problem()), std::nullopt;
  made.params = given->set;
  if (!given->configs.empty()) {
    made.config_file = given->configs.front().file;
    made.config = given->configs.front().text;
  }
  given->environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    made.environment[name] = value;
    return std::string(value);
  };
  const auto loaded = config::load_pipeline(file, *given, faults, &source);
  if (!loaded || !faults.empty()) return std::nullopt;
  std::error_code ignored;
  made.text = source->text();
  made.file = file;
  made.base_folder = std::filesystem::current_path(ignored).string();
  return made;
}

}  // namespace sluice::app
