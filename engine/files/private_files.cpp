#include "engine/files/private_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace sluice {

namespace fs = std::filesystem;

namespace {

error is_a_link(const std::string& kind, const std::string& path) {
  std::error_code ignored;
  return user_error("link_refused", "the " + kind + " " + path + " is a symbolic link",
                    "use the path that it points to instead: " + fs::read_symlink(path, ignored).string());
}

std::string user_text(uid_t user) { return "user " + std::to_string(user); }

error not_ours(const std::string& code, const std::string& kind, const std::string& path, uid_t owner) {
  return user_error(code,
                    "the " + kind + " " + path + " belongs to " + user_text(owner) + ", but this process runs as " +
                        user_text(::geteuid()),
                    "use another state folder with --state or SLUICE_STATE, or change its owner");
}

/// Closes a descriptor at the end of a scope.
struct open_folder {
  int handle;
  ~open_folder() { ::close(handle); }
};

status check_folder(const std::string& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (handle < 0) {
    const int number = errno;
    std::error_code ignored;
    if ((number == ELOOP || number == ENOTDIR) && fs::is_symlink(path, ignored)) return is_a_link("folder", path);
    return from_errno(number, "open the folder " + path);
  }
  const open_folder guard{handle};
  struct stat about {};
  if (::fstat(handle, &about) != 0) return from_errno(errno, "look at the folder " + path);
  if (about.st_uid != ::geteuid()) return not_ours("folder_exposed", "folder", path, about.st_uid);
  if ((about.st_mode & 022) != 0)
    return user_error("folder_exposed", "other users can write to the folder " + path,
                      "chmod 700 " + path + ", after checking its contents");
  if ((about.st_mode & 07777) != 0700 && ::fchmod(handle, 0700) != 0)
    return from_errno(errno, "close the folder " + path + " to other users");
  return {};
}

status check_file(int handle, const std::string& path) {
  struct stat about {};
  if (::fstat(handle, &about) != 0) return from_errno(errno, "look at " + path);
  if (!S_ISREG(about.st_mode))
    return user_error("file_exposed", path + " is not a regular file", "remove it, or use another state folder");
  if (about.st_uid != ::geteuid()) return not_ours("file_exposed", "file", path, about.st_uid);
  if ((about.st_mode & 022) != 0)
    return user_error("file_exposed", "other users can write to " + path, "chmod 600 " + path + ", or remove it");
  if ((about.st_mode & 07777) != 0600 && ::fchmod(handle, 0600) != 0)
    return from_errno(errno, "close " + path + " to other users");
  return {};
}

}  // namespace

status make_private_folder(const std::string& path) {
  if (path.empty())
    return user_error("no_state_folder", "there is no home folder for the state",
                      "set a folder of your own with --state or SLUICE_STATE");
  const auto above = fs::path(path).parent_path();
  std::error_code failure;
  if (!above.empty() && !fs::exists(above, failure)) SLUICE_TRY(make_private_folder(above.string()));
  if (::mkdir(path.c_str(), 0700) == 0) {
    // A umask that takes the owner's own rights away does not count here.
    if (::chmod(path.c_str(), 0700) != 0) return from_errno(errno, "make the folder " + path);
  } else if (errno != EEXIST) {
    return from_errno(errno, "make the folder " + path);
  }
  return check_folder(path);
}

result<int> open_private_file(const std::string& path, int flags) {
  const int wanted = (flags & ~(O_CREAT | O_EXCL)) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  for (int tries = 0;; ++tries) {
    int handle = ::open(path.c_str(), wanted | O_CREAT | O_EXCL, 0600);
    if (handle < 0 && errno == EEXIST) handle = ::open(path.c_str(), wanted);
    if (handle < 0 && errno == ENOENT && tries < 3) continue;  // removed between the two calls
    if (handle < 0) {
      const int number = errno;
      if (number == ELOOP) return is_a_link("file", path);
      return from_errno(number, "open " + path);
    }
    auto checked = check_file(handle, path);
    if (checked.ok()) return handle;
    ::close(handle);
    return std::move(checked).problem();
  }
}

result<bool> check_private_file(const std::string& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (handle < 0) {
    if (errno == ENOENT) return false;
    if (errno == ELOOP) return is_a_link("file", path);
    return from_errno(errno, "open " + path);
  }
  auto checked = check_file(handle, path);
  ::close(handle);
  if (!checked.ok()) return std::move(checked).problem();
  return true;
}

}  // namespace sluice
