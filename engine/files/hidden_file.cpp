#include "engine/files/hidden_file.hpp"

#include "engine/files/file_identity.hpp"
#include "engine/secrets/mask.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace sluice {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t longest_name = 255;  // NAME_MAX of every Linux file system
constexpr std::size_t longest_number = 24;

std::string hidden_name(const std::string& target, const std::string& run, const std::string& unit,
                        const std::string& number) {
  auto tail = "." + run + "." + unit + "." + number + ".part";
  std::replace(tail.begin(), tail.end(), '/', '_');
  if (tail.size() > longest_name - 32) tail.erase(0, tail.size() - (longest_name - 32));
  const auto path = fs::path(target);
  // The target may be called by a secret; a name of ours is not.
  const auto own_name = secrets::mask(path.filename().string());
  // As much of the target's name whatever the number is, so that all of a unit's files are found by their begin.
  const auto room = longest_name - 1 - longest_number - (tail.size() - number.size());
  const auto name = "." + own_name.substr(0, room) + tail;
  return (path.parent_path() / name).string();
}

}  // namespace

std::string hidden_path(const std::string& target, const std::string& run, const std::string& unit,
                        std::uint32_t attempt, std::uint64_t part) {
  auto number = std::to_string(attempt);
  if (part > 0) number += "-" + std::to_string(part);
  return hidden_name(target, run, unit, number);
}

void remove_hidden_files(const std::string& target, const std::string& run, const std::string& unit,
                         const std::vector<std::string>& kept) noexcept {
  std::error_code ignored;
  // The names of all attempts and parts are alike but for their number.
  const auto like = fs::path(hidden_name(target, run, unit, "#")).filename().string();
  const auto mark = like.rfind('#');
  const auto head = like.substr(0, mark);
  const auto tail = like.substr(mark + 1);
  std::vector<fs::path> found;
  for (fs::directory_iterator at(fs::path(target).parent_path(), ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    const auto name = at->path().filename().string();
    if (!name.starts_with(head)) continue;
    const auto behind = name.find_first_not_of("0123456789-", head.size());
    // SQLite's journal has a tail of its own behind ".part".
    if (behind == std::string::npos || name.compare(behind, tail.size(), tail) != 0) continue;
    const auto of = (at->path().parent_path() / name.substr(0, behind + tail.size())).string();
    if (std::find(kept.begin(), kept.end(), of) == kept.end()) found.push_back(at->path());
  }
  for (const auto& path : found) fs::remove(path, ignored);
}

void remove_hidden_files(const std::string& target, const std::string& run) noexcept {
  std::error_code ignored;
  // SQLite's journal has a tail of its own behind ".part".
  const auto is_its = [&](const std::string& name) {
    const auto mark = name.find("." + run + ".");
    return name.starts_with('.') && mark != std::string::npos && name.find(".part", mark) != std::string::npos;
  };
  std::vector<fs::path> found;
  for (fs::directory_iterator at(fs::path(target).parent_path(), ignored), end; !ignored && at != end;
       at.increment(ignored))
    if (is_its(at->path().filename().string()) && at->is_regular_file(ignored)) found.push_back(at->path());
  for (const auto& path : found) fs::remove(path, ignored);
}

std::string target_of(const std::string& path, const std::string& base_folder) {
  auto whole = absolute_path(path, base_folder);
  std::error_code ignored;
  return fs::is_symlink(whole, ignored) ? real_path(whole) : whole;
}

int sync_folder(const std::string& folder) {
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return errno == EACCES ? 0 : errno;
  // File systems that can't do it (EINVAL) need no such call.
  const int failed = ::fsync(handle) == 0 || errno == EINVAL ? 0 : errno;
  ::close(handle);
  return failed;
}

status made_folders::make(const std::string& folder) {
  std::vector<std::string> missing;
  for (auto above = fs::path(folder); !above.empty(); above = above.parent_path()) {
    struct stat info {};
    if (::stat(above.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode))
        return from_errno(ENOTDIR, "make the folder " + folder + " (" + above.string() + " is a file)");
      break;
    }
    // ENOTDIR: a parent is a file; the loop gets there and says which.
    if (errno != ENOENT && errno != ENOTDIR) return from_errno(errno, "look at the folder " + above.string());
    missing.push_back(above.string());
    if (above == above.root_path()) break;
  }
  for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
    if (::mkdir(next->c_str(), 0777) == 0)
      made_.push_back(*next);
    else if (errno != EEXIST)
      return from_errno(errno, "make the folder " + *next);
  }
  return {};
}

int made_folders::sync() const {
  for (const auto& folder : made_) {
    if (const int number = sync_folder(fs::path(folder).parent_path().string()); number != 0) return number;
  }
  return 0;
}

void made_folders::remove() noexcept {
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) ::rmdir(folder->c_str());
  made_.clear();
}

}  // namespace sluice
