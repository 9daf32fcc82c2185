#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice::cluster {

/// Leaves a sign in a folder, by which others find out whether they see the same folder under the same path: a file of
/// the node's name with a text of its own. Gives what they have to know. Blocks. Errors: those of the file system.
result<std::string> make_sign(const std::string& folder, const std::string& node);

/// Whether this process sees that sign. Blocks, on a folder of another machine for long.
bool sees_sign(const std::string& sign);

/// Puts the runs' files of a state folder into another one, which other nodes see too: a link of that name in the state
/// folder. Error: folder_exists, where the runs have files in the state folder already.
status keep_runs_in(const std::string& state_folder, const std::string& folder);

}  // namespace sluice::cluster
