#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"
#include "engine/store/source_state.hpp"

#include <string>
#include <vector>

namespace sluice {

/// How files that were taken before are recognised.
struct file_choice_rules {
  bool appends = false;       ///< a file that has grown is read on behind its last line
  bool read_changed = false;  ///< a file that was changed is read again; else it is a fault
  bool remembers = true;      ///< a later run is to know what this one takes; else nothing is read
  std::string reset = {};     ///< the command that forgets what was taken, for the hint
};

/// Which of the files that were found a run takes.
struct file_choice {
  std::vector<input_file> files;        ///< to read, in the order found, `begin` set where a file has grown
  std::vector<store::file_mark> marks;  ///< of these, and of known ones that were only touched
  std::int64_t fresh = 0;
  std::int64_t grown = 0;
  std::int64_t changed = 0;  ///< read again
  std::int64_t known = 0;    ///< left out
};

/// Compares files with what earlier runs have taken. One that was neither written nor replaced since (size, times,
/// number) is known. Else all bytes that were taken are compared, by their hash: the same bytes are known, the same
/// bytes and more behind the end of a line have grown. New files are read once, for their hash. Errors: file_changed
/// (names them), not_a_file.
result<file_choice> choose_new_files(const std::vector<input_file>& found, const std::vector<store::file_mark>& taken,
                                     const file_choice_rules& rules);

}  // namespace sluice
