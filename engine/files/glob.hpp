#pragma once

#include "engine/error/error.hpp"
#include "engine/files/file_identity.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// True where a path holds a character that makes it a glob: * ? [
bool is_glob(std::string_view path);
/// The folder that a glob starts from: everything before its first part with a wildcard; "." where there is none.
std::string glob_root(std::string_view pattern);
/// Says whether one path part fits one part of a pattern: * any characters, ? one, [a-z] and [!a-z] sets, \ escapes.
bool fits_glob(std::string_view pattern, std::string_view name);
/// Finds all files (not folders) that fit, sorted bytewise, named as the pattern names them. `**` stands for any number
/// of folders; as the last part also for the files in them. Names that start with . or _ fit only a part that does.
/// Folders that can't be read give permission_denied.
result<std::vector<std::string>> expand_glob(std::string_view pattern, const std::string& base_folder);
/// Says whether a file at `place` (as `place_of` gives it) would be among what `expand_glob` finds, were it there.
result<bool> glob_would_find(std::string_view pattern, const std::string& base_folder, const file_identity& place);

}  // namespace sluice
