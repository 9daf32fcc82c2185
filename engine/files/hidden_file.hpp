#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// The hidden file beside a target in which an attempt of a run gathers what it will publish.
/// `part` numbers those of one attempt.
std::string hidden_path(const std::string& target, const std::string& run, const std::string& unit,
                        std::uint32_t attempt, std::uint64_t part = 0);

/// Removes what any attempt of a unit of a run has gathered beside a target, but for the files `kept`.
void remove_hidden_files(const std::string& target, const std::string& run, const std::string& unit,
                         const std::vector<std::string>& kept) noexcept;

/// Removes what a run whose process was killed has gathered beside a target: hidden files of all its attempts.
void remove_hidden_files(const std::string& target, const std::string& run) noexcept;

/// An absolute path without "." and "..", relative ones starting at `base_folder` (empty: the working folder). A target
/// that is a symbolic link is followed, so that it stays one.
std::string target_of(const std::string& path, const std::string& base_folder);

/// Makes a folder's entries durable; errno or 0.
int sync_folder(const std::string& folder);

/// Remembers which folders were made for a target.
class made_folders {
 public:
  /// Makes a folder and those above it where they are missing.
  status make(const std::string& folder);
  /// Makes their entries durable; errno or 0.
  [[nodiscard]] int sync() const;
  /// Removes them again; one that holds something of others stays.
  void remove() noexcept;

 private:
  std::vector<std::string> made_;  ///< outermost first
};

}  // namespace sluice
