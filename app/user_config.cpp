#include "app/user_config.hpp"

#include "config/document.hpp"
#include "engine/error/names.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace sluice::app {

namespace {

std::string config_path() {
  const auto* folder = std::getenv("XDG_CONFIG_HOME");
  if (folder != nullptr && *folder == '/') return std::string(folder) + "/sluice/config.yaml";
  const auto* home = std::getenv("HOME");
  return home == nullptr || *home != '/' ? std::string{} : std::string(home) + "/.config/sluice/config.yaml";
}

}  // namespace

result<std::map<std::string, std::string>> read_user_config() {
  static const std::vector<std::string> known = {"ca", "log", "progress", "spill", "state", "state_folder", "to"};
  std::map<std::string, std::string> found;
  const auto path = config_path();
  std::ifstream file(path);
  if (path.empty() || !file) return found;
  diagnostics faults;
  const auto read = config::document::parse({std::istreambuf_iterator<char>(file), {}}, path, faults);
  for (const auto& [key, value] : read->root().entries) {
    if (std::find(known.begin(), known.end(), key.text) == known.end()) {
      const auto nearest = nearest_name(key.text, known);
      faults.push_back(read->fault(key, "unknown_key", "the settings have no key " + key.text,
                                   nearest.empty()
                                       ? "possible keys: ca, log, progress, spill, state, state_folder and to"
                                       : "did you mean " + nearest + "?"));
    } else if (!value.is_scalar()) {
      faults.push_back(
          read->fault(value, "invalid_value", key.text + " must be a text, found " + config::describe(value)));
    } else {
      found[key.text] = value.text;
    }
  }
  if (!faults.empty()) return faults.front();
  return found;
}

}  // namespace sluice::app
