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
    else if (key.text != "node" && key.text != "channels" && key.text != "notify")
      // Those are of the node whose file it is: config/node_file.hpp, config/node_rules.hpp.
      in.unknown_key(key, "a file of --config", {"connections", "node", "channels", "notify"});
  }
}

}  // namespace sluice::config
