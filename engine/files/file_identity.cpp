#include "engine/files/file_identity.hpp"

#include <sys/stat.h>

#include <deque>
#include <filesystem>
#include <system_error>

namespace sluice {

namespace fs = std::filesystem;

namespace {

constexpr int most_links = 40;  // as many as the kernel follows

/// True where the text of a link leads to what the link leads to: those of /proc name things that are no files.
bool tells_its_target(const fs::path& link, const fs::path& text) {
  struct stat by_link {};
  if (::stat(link.c_str(), &by_link) != 0) return true;  // leads nowhere, or to where a file is to be made
  struct stat by_text {};
  return ::stat(text.c_str(), &by_text) == 0 && by_text.st_dev == by_link.st_dev && by_text.st_ino == by_link.st_ino;
}

}  // namespace

std::string absolute_path(const std::string& path, const std::string& base_folder) {
  auto whole = fs::path(path);
  if (whole.is_relative()) whole = (base_folder.empty() ? fs::current_path() : fs::path(base_folder)) / whole;
  return whole.lexically_normal().string();
}

std::string real_path(const std::string& absolute) {
  std::deque<fs::path> left;
  const auto put_first = [&](const fs::path& path) {
    const auto parts = path.relative_path();
    left.insert(left.begin(), parts.begin(), parts.end());
  };
  put_first(absolute);
  fs::path done = "/";
  for (int links = 0; !left.empty();) {
    const auto part = std::move(left.front());
    left.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      done = done.parent_path();
      continue;
    }
    const auto next = done / part;
    std::error_code no_link;
    const auto target = fs::read_symlink(next, no_link);
    if (no_link || ++links > most_links || !tells_its_target(next, target.is_absolute() ? target : done / target)) {
      done = next;
      continue;
    }
    put_first(target);
    if (target.is_absolute()) done = "/";
  }
  return done.string();
}

file_identity identity_of(const std::string& absolute) {
  struct stat info {};
  if (::stat(absolute.c_str(), &info) == 0) return {.device = info.st_dev, .number = info.st_ino};
  return place_of(absolute);
}

file_identity place_of(const std::string& absolute) {
  const fs::path real = real_path(absolute);
  for (auto folder = real.parent_path();; folder = folder.parent_path()) {
    struct stat info {};
    const bool root = folder == folder.root_path();
    if (::stat(folder.c_str(), &info) != 0 && !root) continue;
    return {.device = info.st_dev, .number = info.st_ino, .below = real.lexically_relative(folder).string()};
  }
}

file_identity identity_of(int handle) {
  struct stat info {};
  if (::fstat(handle, &info) != 0) return {};
  return {.device = info.st_dev, .number = info.st_ino};
}

}  // namespace sluice
