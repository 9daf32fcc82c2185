#pragma once

#include "engine/error/error.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice::folders {

/// Fails with target_exists where a folder holds something that a reader would find.
status check_empty(const std::string& folder);

/// Removes the files of a folder, not of those below it, whose names `is_old` accepts.
status remove_files(const std::string& folder, const std::function<bool(const std::string& name)>& is_old);
/// The same in the folders of all partitions by these columns (name=value, one below the other) that a folder has, and
/// for parts in the folder itself. Folders that become empty are removed.
status remove_in_all_partitions(const std::string& folder, const std::vector<std::string>& columns,
                                const std::function<bool(const std::string& name)>& is_old);

/// Removes what any attempt of a unit of a run has gathered in a folder and in its partitions, but for `kept`.
void remove_hidden_parts(const std::string& folder, const std::vector<std::string>& columns, const std::string& run,
                         const std::string& unit, const std::vector<std::string>& kept) noexcept;

/// Removes a folder and those above it up to `top`, which stays, as far as they are empty.
void remove_empty_folders(const std::string& folder, const std::string& top) noexcept;

}  // namespace sluice::folders
