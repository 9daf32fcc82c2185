#pragma once

#include <sys/types.h>

#include <string>

namespace sluice {

/// An absolute path without "." and "..", relative ones starting at `base_folder` (empty: the working folder).
std::string absolute_path(const std::string& path, const std::string& base_folder);

/// The path with all of its links followed, as far as it is there; what is missing is kept as it is. A link to nowhere
/// gives the place where the file would be made. `absolute` is an absolute path.
std::string real_path(const std::string& absolute);

/// Tells files apart whatever their path is spelled like: by device and number, so that symbolic and hard links and
/// mounted folders lead to the same one.
struct file_identity {
  dev_t device = 0;
  ino_t number = 0;
  std::string below = {};  ///< of a file that is not there: its path below the nearest folder that is

  bool operator==(const file_identity&) const = default;
};

/// Identifies the file at an absolute path, whether it is there or not.
file_identity identity_of(const std::string& absolute);
/// The same by the folder that holds it: `below` is never empty.
file_identity place_of(const std::string& absolute);
/// Identifies an open file.
file_identity identity_of(int handle);

}  // namespace sluice
