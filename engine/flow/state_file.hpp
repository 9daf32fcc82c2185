#pragma once

#include "engine/component/state.hpp"
#include "engine/flow/snapshot.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::flow {

/// Writes what a unit holds to `folder`/`name`, with the folders above it, and makes it durable: one Arrow IPC stream
/// for each part behind the other, the part's name in the metadata of its schema. No parts: no file, and an empty name.
/// Blocks.
result<saved_state> write_state(const std::string& folder, const std::string& name,
                                const std::vector<state_part>& parts);
/// Reads it back. Blocks. Errors: checkpoint_damaged, where the file is not the one that was written.
result<std::vector<state_part>> read_state(const std::string& folder, const saved_state& what);

/// Writes a state of which not all parts are in memory together, as `write_state` does. Blocks.
class state_writer {
 public:
  static result<std::unique_ptr<state_writer>> open(const std::string& folder, const std::string& name);
  ~state_writer();
  state_writer(const state_writer&) = delete;
  state_writer& operator=(const state_writer&) = delete;
  status add(const state_part& part);
  /// Makes it durable.
  result<saved_state> finish();

 private:
  struct file;
  state_writer();
  std::unique_ptr<file> file_;
};
/// Reads one back part by part, once it has seen that the file is the one that was written.
status read_parts(const std::string& folder, const saved_state& what, const std::function<status(state_part)>& take);
/// Only looks whether it is as it was written.
status check_state(const std::string& folder, const saved_state& what);

}  // namespace sluice::flow
