#include "app/params_file.hpp"

#include "config/document.hpp"
#include "config/load.hpp"
#include "config/node.hpp"

namespace sluice::app {

option_spec params_option(std::string& into) {
  return {.names = {"--params"},
          .value = "FILE",
          .help = "file with values of params (YAML: day: 2024-05-01); --set takes precedence",
          .target = &into,
          .offers = completes::file};
}

status add_params(std::vector<std::string>& set, const std::string& file) {
  if (file.empty()) return {};
  SLUICE_ASSIGN(const auto given, config::read_config(file, "params"));
  diagnostics faults;
  const auto parsed = config::document::parse(given.text, given.file, faults);
  if (!faults.empty()) return faults.front();
  parsed->fill("", {config::process_environment}, faults);
  if (!faults.empty()) return faults.front();
  std::vector<std::string> words;
  for (const auto& [key, value] : parsed->root().entries) {
    if (!value.is_scalar())
      return parsed->fault(key, "invalid_value", "the value of the param " + key.text + " must be a text or a number",
                           "for example: day: 2024-05-01");
    words.push_back(key.text + "=" + value.text);
  }
  set.insert(set.begin(), words.begin(), words.end());
  return {};
}

}  // namespace sluice::app
