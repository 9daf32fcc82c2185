#include "config/node_rules.hpp"

#include "config/connections.hpp"
#include "config/notify_reader.hpp"
#include "engine/store/subscription_log.hpp"

namespace sluice::config {

std::vector<store::subscription> read_node_rules(const config_text& given, const environment_lookup& environment,
                                                 const std::string& folder, diagnostics& faults) {
  const auto parsed = document::parse(given.text, given.file, faults);
  if (!parsed->root().is_map()) return {};
  parsed->fill("", {environment}, faults);
  const reading in{*parsed, faults};
  connections known;
  for (const auto& [key, value] : parsed->root().entries) {
    if (key.text == "connections")
      known.read(in, value);
    else if (key.text != "channels" && key.text != "notify" && key.text != "node")
      in.unknown_key(key, "a file of rules", {"connections", "channels", "notify"});
  }
  pipeline everything;
  everything.name = store::every_pipeline;
  return read_notifications(in, everything, known, folder);
}

}  // namespace sluice::config
