#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sluice {

/// What stands between the old content of a target and the rows that follow it.
struct continuation {
  std::string between;  ///< bytes: the line end that the last line lacks, a header
  std::string form;     ///< how the rows are written (their line end), in the words of who writes them
};

/// Decides how rows follow the old content, or refuses it. `old`: null where there is none; its path is that of a copy.
/// `form`: null, or the one in which the rows are written already: what does not fit it is refused.
using continue_text = std::function<result<continuation>(const input_file* old, const std::string* form)>;

/// Tells whether a file is still the one that was looked at.
struct file_stamp {
  std::int64_t number = 0;  ///< inode; 0: there was none
  std::int64_t size = 0;
  std::int64_t modified = 0;  ///< nanoseconds

  static result<file_stamp> of(const std::string& path);
  bool operator==(const file_stamp&) const = default;
};

/// A hidden file that holds the old content of a target and, behind it, what a run appends.
struct appended_file {
  std::string path;       ///< the target
  std::string hidden;     ///< what is to take its place
  file_stamp old;         ///< the target as it was copied
  std::int64_t rows = 0;  ///< bytes of ours, at the end of the hidden file
  std::string form;       ///< of these
};

/// Puts the target's content of now under our rows where it has changed since it was copied; true: it had. The hidden
/// file is replaced at once, so that it is whole whenever the process dies. The caller keeps others from publishing.
result<bool> follow_target(appended_file& what, const continue_text& how);

/// Hashes the last bytes of a file; nothing where it is shorter.
result<std::optional<std::uint64_t>> hash_of_tail(const std::string& path, std::int64_t bytes);

/// Copies what a target holds to where `to` stands; gives what was copied, all zero where there is no target.
result<file_stamp> copy_target(const std::string& path, int to);

}  // namespace sluice
