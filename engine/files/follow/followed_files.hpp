#pragma once

#include "engine/component/source.hpp"
#include "engine/files/files.hpp"
#include "engine/files/follow/followed_file.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice {

/// The files that a source follows: those that were found by its paths, each one split for as long as it is there,
/// whatever it is called meanwhile. Thread-safe.
class followed_files {
 public:
  explicit followed_files(file_search what) : what_(std::move(what)) {}

  /// Finds the files again that an earlier run has read; their splits keep their numbers. `name_of` gives the name that
  /// a position has. Errors: followed_file_gone, source_changed (it was truncated).
  status keep(const std::vector<split_progress>& before);
  /// Looks for new files; gives all splits so far. A path that leads nowhere yet is none. Errors: cannot_follow (a file
  /// that is packed, or not UTF-8), permission_denied.
  result<std::vector<split>> look();
  /// The file of a split; null where there is nothing left to read of it.
  [[nodiscard]] std::shared_ptr<followed_file> file(std::uint32_t split) const;
  /// Closes the file of a split that was read to its end after it was removed.
  void forget(std::uint32_t split);

  /// Names and paths of the files that are there now.
  [[nodiscard]] static result<std::vector<std::string>> names(const file_search& what);

 private:
  struct slot {
    std::string name = {};
    std::shared_ptr<followed_file> file = {};
    bool taken = false;  ///< a file has this number, or had it
  };

  result<std::shared_ptr<followed_file>> find_again(const followed_mark& mark,
                                                    const std::vector<std::string>& names) const;
  [[nodiscard]] bool is_known(const file_number& which) const;
  void add(const std::shared_ptr<followed_file>& found);

  file_search what_;
  mutable std::mutex lock_;
  std::vector<slot> slots_;  ///< by split
};

}  // namespace sluice
