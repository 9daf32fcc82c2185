#pragma once

#include "config/load.hpp"
#include "engine/wire/codec_choice.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// What `node:` of a node's file of --config says of the node itself. Empty or not set: it says nothing.
struct node_file {
  std::string name;
  std::string listen;  ///< HOST:PORT
  std::string http;    ///< HOST:PORT
  std::string join;    ///< HOST:PORT
  std::string role;    ///< controller, worker or both
  std::string tls;     ///< folder with certificates
  std::string runs_folder;
  std::optional<std::int64_t> runs;  ///< at a time
  std::map<std::string, std::string> labels;
  struct beats {
    std::optional<std::chrono::milliseconds> interval, suspect, lost, kept;
  } heartbeat;
  struct rows {
    std::optional<std::int64_t> memory;  ///< bytes
    std::optional<wire::compression> compression;
  } exchange;  ///< of rows with other nodes
};

/// Reads it; faults are appended with their places, which `source` shows. The rest of the file is left to check_config.
node_file read_node_file(const config_text& given, diagnostics& faults, std::shared_ptr<const document>& source);

}  // namespace sluice::config
