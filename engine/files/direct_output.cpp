#include "engine/files/direct_output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>

namespace sluice {

namespace {

/// How often somebody looks whether a named pipe has a reader: nothing tells of it.
constexpr auto reader_interval = std::chrono::milliseconds(20);

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

void direct_output::use_standard_output() {
  file_ = STDOUT_FILENO;
  name_ = "standard output";
  look_at_kind();
}

status direct_output::open(const std::string& path) {
  name_ = path;
  // A pipe that nobody reads would block the call without O_NONBLOCK.
  while ((file_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
    const int number = errno;
    struct stat info {};
    const bool pipe = ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
    if (number == EINTR) continue;
    if (number != ENXIO || !pipe) return from_errno(number, "open " + path);
    if (!stop_.sleep_until(std::chrono::steady_clock::now() + reader_interval))
      return interrupted_error("waiting for a reader of " + path);
  }
  look_at_kind();
  return {};
}

void direct_output::look_at_kind() {
  struct stat info {};
  waits_ = ::fstat(file_, &info) != 0 || !S_ISREG(info.st_mode);
}

status direct_output::write(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const char*>(data);
  const pipe_signal_blocked quiet;
  for (auto left = size; left > 0 && !reader_gone_;) {
    if (waits_ && !stop_.wait_writable(file_)) return interrupted_error("writing to " + name_);
    // A pipe that is ready takes that much without blocking; standard output is not ours to be made non-blocking.
    const auto done = ::write(file_, bytes, waits_ ? std::min<std::size_t>(left, PIPE_BUF) : left);
    if (done >= 0) {
      bytes += done;
      left -= static_cast<std::size_t>(done);
    } else if (errno == EPIPE) {
      reader_gone_ = true;
    } else if (errno != EINTR && errno != EAGAIN) {
      return from_errno(errno, "write to " + name_);
    }
  }
  return {};
}

void direct_output::close() noexcept {
  if (file_ >= 0 && file_ != STDOUT_FILENO) ::close(file_);
  file_ = -1;
}

}  // namespace sluice
