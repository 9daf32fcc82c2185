#include "cluster/data_metrics.hpp"

#include "cluster/data_links.hpp"

namespace sluice::cluster {

std::string metrics_of(const data_links& links) {
  std::string out;
  const auto add = [&](const std::string& name, const char* type, const char* help, std::int64_t value) {
    out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n" + name + " " + std::to_string(value) +
           "\n";
  };
  const auto traffic = links.traffic();
  add("sluice_link_waiting", "gauge", "Batches waiting for a data link.", links.waiting());
  add("sluice_link_queued_bytes_max", "gauge", "Most bytes encoded for one peer so far.", links.most_queued_bytes());
  add("sluice_link_held_bytes", "gauge", "Rows of other nodes that came and were not worked off.", links.held_bytes());
  add("sluice_link_held_bytes_max", "gauge", "Most bytes of such rows so far.", links.most_held_bytes());
  add("sluice_link_plain_bytes_total", "counter", "Rows sent to other nodes, before compression.", traffic.plain);
  add("sluice_link_packed_bytes_total", "counter", "Rows sent to other nodes, after compression.", traffic.packed);
  add("sluice_link_received_bytes_total", "counter", "Frames received from other nodes.", traffic.received);
  return out;
}

}  // namespace sluice::cluster
