#include "config/config_file.hpp"

namespace sluice::config {

void read_config_file(const config_text& given, const environment_lookup& environment, connections& into,
                      diagnostics& faults) {
  const auto parsed = document::parse(given.text, given.file, faults);
  if (!parsed->root().is_map()) return;
  parsed->fill("", {environment}, faults);
  const reading in{*parsed, faults};
  for (const auto& [key, value] : parsed->root().entries) {
    if (key.text == "connections")
      into.read(in, value);
    else if (key.text != "channels" && key.text != "notify")  // of a node, which reads them itself
      in.unknown_key(key, "a file of --config", {"connections", "channels", "notify"});
  }
}

}  // namespace sluice::config
