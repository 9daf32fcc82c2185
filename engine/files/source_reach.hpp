#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/files/file_identity.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// True where a file in a folder is one that a source reads which names the folder: by its extension, whatever it is
/// packed by. No `extensions`: every file is.
bool counts_in_folder(std::string_view path, const std::vector<std::string>& extensions);

/// A file, there or not.
struct possible_file {
  file_identity file;
  file_identity place;         ///< by its folder
  file_identity hidden_place;  ///< of the hidden file that a sink makes beside it until it is complete
};
/// Looks at the file at an absolute path.
possible_file look_at_place(const std::string& absolute);

/// The entry of a source's `path` by which it reads a file.
struct reached_file {
  std::string entry;     ///< as written
  bool is_read = false;  ///< now; else only once the file is there
};

/// What a source of files reads: its `path`, a text or a list of them.
class source_reach {
 public:
  source_reach(const options& path, std::vector<std::string> extensions, std::string base_folder);
  /// Looks whether a file is read. Errors: folders that can't be listed.
  [[nodiscard]] result<std::optional<reached_file>> find(const possible_file& what);

 private:
  struct entry {
    std::string text;
    std::string pattern = {};  ///< of a glob or folder; empty: a file
    bool folder = false;
    std::vector<file_identity> files = {};  ///< that are there
  };
  status look(entry& one) const;

  std::vector<entry> entries_;
  std::vector<std::string> extensions_;
  std::string base_folder_;
  bool looked_ = false;
};

}  // namespace sluice
