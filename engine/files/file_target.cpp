#include "engine/files/file_target.hpp"

#include "engine/files/publish_lock.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <filesystem>

namespace sluice {

namespace fs = std::filesystem;

namespace {

result<continuation> follow_at_once(const input_file*, const std::string*) { return continuation{}; }

/// Keeps SIGPIPE of one write from ending the process, whatever the program does with that signal.
class pipe_signal_blocked {
 public:
  pipe_signal_blocked() {
    sigemptyset(&only_pipe_);
    sigaddset(&only_pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &only_pipe_, &before_);
  }
  ~pipe_signal_blocked() {
    const int saved = errno;
    const timespec now = {};
    if (!was_pending_) sigtimedwait(&only_pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved;
  }

 private:
  sigset_t only_pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace

result<file_mode> parse_file_mode(std::string_view text) {
  if (text.empty() || text == "replace") return file_mode::replace;
  if (text == "error") return file_mode::error;
  if (text == "append") return file_mode::append;
  auto problem =
      user_error("unknown_mode", "a file knows the modes replace, error and append, not " + std::string(text));
  problem.path = "/mode";
  return problem;
}

file_target::file_target(request what) : what_(std::move(what)), path_(what_.path), continue_(follow_at_once) {}

file_target::file_target(const sink_request& from, std::string path)
    : file_target(request{.path = std::move(path),
                          .mode = parse_file_mode(from.mode).ok() ? *parse_file_mode(from.mode) : file_mode::replace,
                          .base_folder = from.context ? from.context->base_folder : "",
                          .run_id = from.context ? from.context->run_id : "",
                          .unit = from.unit,
                          .attempt = from.attempt}) {}

file_target::~file_target() { abort(); }

error file_target::failed(int number, const std::string& doing) const {
  return from_errno(number, doing + " " + path_);
}

status file_target::open() {
  if (what_.path == "-") {
    direct_ = true;
    file_ = STDOUT_FILENO;
    return {};
  }
  if (what_.path.empty())
    return user_error("missing_path", "a file sink needs a path", "path: out/report.csv, or - for standard output");
  const bool names_folder = !fs::path(what_.path).has_filename();
  path_ = target_of(what_.path, what_.base_folder);
  if (names_folder)
    return user_error("is_a_folder", "the target " + path_ + " is a folder, a file is wanted",
                      "name a file: " + path_ + "part.csv");
  folder_ = fs::path(path_).parent_path().string();
  SLUICE_TRY(check_target());
  if (direct_) return {};
  SLUICE_TRY(folders_.make(folder_));
  SLUICE_TRY(make_hidden());
  return what_.mode == file_mode::append ? begin_append() : status{};
}

status file_target::check_target() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return errno == ENOENT ? status{} : status(failed(errno, "write"));
  if (S_ISDIR(info.st_mode))
    return user_error("is_a_folder", "the target " + path_ + " is a folder, a file is wanted", "name a file inside it");
  if (!S_ISREG(info.st_mode)) {
    direct_ = true;
    file_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    return file_ >= 0 ? status{} : status(failed(errno, "open"));
  }
  if (what_.mode == file_mode::error)
    return user_error("target_exists", "the target " + path_ + " exists already and mode is error",
                      "remove it, name another path, or write mode: replace");
  // Renaming over a file asks only for the right to its folder; someone who write-protected it means the file.
  if (::access(path_.c_str(), W_OK) != 0) return failed(errno, "write");
  old_permissions_ = info.st_mode & 07777;
  return {};
}

status file_target::make_hidden() {
  const auto name = hidden_path(path_, what_.run_id, what_.unit, what_.attempt);
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  file_ = ::open(name.c_str(), flags, 0666);
  if (file_ < 0 && errno == EEXIST) {
    // Left by a process that was killed during the same attempt.
    ::unlink(name.c_str());
    file_ = ::open(name.c_str(), flags, 0666);
  }
  if (file_ < 0) return failed(errno, "write");
  hidden_ = name;
  if (old_permissions_) (void)!::fchmod(file_, *old_permissions_);
  return {};
}

status file_target::begin_append() {
  appended_ = {.path = path_, .hidden = hidden_, .old = {}, .rows = 0, .form = {}};
  SLUICE_ASSIGN(appended_.old, copy_target(path_, file_));
  const input_file copied{.name = path_, .path = hidden_, .size = appended_.old.size};
  SLUICE_ASSIGN(auto next, continue_(appended_.old.size > 0 ? &copied : nullptr, nullptr));
  appended_.form = std::move(next.form);
  SLUICE_TRY(write(next.between));
  bytes_ = 0;
  return {};
}

status file_target::write(const void* data, std::size_t size) {
  if (direct_) return write_direct(data, size);
  const auto* bytes = static_cast<const char*>(data);
  for (auto left = size; left > 0;) {
    const auto done = ::write(file_, bytes, left);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed(errno, "write");
    bytes += done;
    left -= static_cast<std::size_t>(done);
  }
  bytes_ += static_cast<std::int64_t>(size);
  return {};
}

status file_target::write(std::span<iovec> pieces) {
  if (direct_) {
    for (const auto& piece : pieces) SLUICE_TRY(write_direct(piece.iov_base, piece.iov_len));
    return {};
  }
  while (!pieces.empty()) {
    const auto count = std::min<std::size_t>(pieces.size(), IOV_MAX);
    auto done = ::writev(file_, pieces.data(), static_cast<int>(count));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed(errno, "write");
    bytes_ += done;
    // Drops what was written; a piece may be left in part.
    while (!pieces.empty() && done >= static_cast<ssize_t>(pieces.front().iov_len)) {
      done -= static_cast<ssize_t>(pieces.front().iov_len);
      pieces = pieces.subspan(1);
    }
    if (!pieces.empty()) {
      pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + done;
      pieces.front().iov_len -= static_cast<std::size_t>(done);
    }
  }
  return {};
}

status file_target::write_direct(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const char*>(data);
  const pipe_signal_blocked quiet;
  for (auto left = size; left > 0 && !reader_gone_;) {
    const auto done = ::write(file_, bytes, left);
    if (done >= 0) {
      bytes += done;
      left -= static_cast<std::size_t>(done);
    } else if (errno == EPIPE) {
      reader_gone_ = true;
    } else if (errno == EAGAIN) {
      pollfd ready = {.fd = file_, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return failed(errno, is_stdout() ? "write to standard output" : "write");
    }
  }
  bytes_ += static_cast<std::int64_t>(size);
  return {};
}

status file_target::follow() {
  if (what_.mode != file_mode::append) return {};
  const auto followed = follow_target(appended_, continue_);
  return followed.ok() ? status{} : status(followed.problem());
}

status file_target::prepare() {
  if (direct_) return {};
  if (::fsync(file_) != 0) return failed(errno, "make durable");
  const int handle = std::exchange(file_, -1);
  // Network file systems report a full disk as late as here.
  if (::close(handle) != 0 && errno != EINTR) return failed(errno, "close");
  appended_.rows = bytes_;
  // Here, too, so that less can go wrong once others of the run are published.
  return follow();
}

status file_target::publish() {
  if (hidden_.empty())
    return internal_error("commit_without_open", "file " + path_ + " was committed before it was opened");
  auto turn = publish_lock::take(folder_);
  // What takes the place of the target as a whole does so also without a lock.
  if (!turn.ok() && (what_.mode == file_mode::append || turn.problem().code != "cannot_lock"))
    return std::move(turn).problem();
  SLUICE_TRY(follow());
  int number = 0;
  if (what_.mode != file_mode::error) {
    number = ::rename(hidden_.c_str(), path_.c_str()) == 0 ? 0 : errno;
  } else if (::renameat2(AT_FDCWD, hidden_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    number = errno;
    // Some file systems have no such rename; a hard link refuses an existing name as well.
    if (number == EINVAL) number = ::link(hidden_.c_str(), path_.c_str()) == 0 ? (::unlink(hidden_.c_str()), 0) : errno;
  }
  if (number == EEXIST)
    return user_error("target_exists",
                      "the target " + path_ + " was made by someone else during the run and mode is error",
                      "remove it, name another path, or write mode: replace");
  if (number != 0) return failed(number, "publish");
  hidden_.clear();
  published_ = true;
  return {};
}

status file_target::commit() {
  if (committed_ || direct_) return {};
  if (!published_) SLUICE_TRY(publish());
  if (const int number = sync_folder(folder_); number != 0) return failed(number, "make durable");
  if (const int number = folders_.sync(); number != 0) return failed(number, "make durable");
  committed_ = true;
  return {};
}

void file_target::close_file() noexcept {
  if (file_ >= 0 && file_ != STDOUT_FILENO) ::close(file_);
  file_ = -1;
}

void file_target::abort() noexcept {
  close_file();
  if (published_) return;
  if (!hidden_.empty()) ::unlink(hidden_.c_str());
  hidden_.clear();
  folders_.remove();
}

}  // namespace sluice
