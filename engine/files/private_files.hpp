#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice {

/// Makes a folder, with those above it, that only its owner may enter: mode 0700 whatever the umask. One that is there
/// has to be this user's, and nobody else may write to it (folder_exposed); rights to read are taken away. The folder
/// itself is no symbolic link: whoever made the link could point it elsewhere (link_refused).
status make_private_folder(const std::string& path);

/// Opens a file, following no link, and makes it where it is missing: mode 0600 whatever the umask. `flags` as those of
/// open(2), without O_CREAT. One that is there has to be this user's (file_exposed); rights of others are taken away.
result<int> open_private_file(const std::string& path, int flags);

/// The same check of a file that is there; true where there is one.
result<bool> check_private_file(const std::string& path);

}  // namespace sluice
