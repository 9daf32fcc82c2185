#include "app/run_lock.hpp"

#include "engine/files/private_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sluice::app {

namespace {

/// A byte of the pipeline's lock file for each set of params. Locks may lie behind the end of a file, so it stays
/// empty.
struct flock range_of(const run_claim& what) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = what.alone ? 0 : static_cast<off_t>(what.params >> 2U);
  range.l_len = what.alone ? 0 : 1;  // 0: all of it
  return range;
}

}  // namespace

result<run_lock> run_lock::take(const std::string& state_folder, const run_claim& what) {
  const auto folder = state_folder + "/locks";
  SLUICE_TRY(make_private_folder(state_folder));
  SLUICE_TRY(make_private_folder(folder));
  const auto path = folder + "/" + what.pipeline;
  run_lock lock;
  SLUICE_ASSIGN(lock.file_, open_private_file(path, O_RDWR));
  // The kind of lock that knows its process. It would be lost if this process closed the file elsewhere: nobody else
  // opens it.
  for (;;) {
    auto range = range_of(what);
    if (::fcntl(lock.file_, F_SETLK, &range) == 0) return lock;
    if (errno != EACCES && errno != EAGAIN) return from_errno(errno, "lock " + path);
    range = range_of(what);
    if (::fcntl(lock.file_, F_GETLK, &range) != 0) return from_errno(errno, "look at the lock " + path);
    if (range.l_type == F_UNLCK) continue;  // it has just ended
    ::close(std::exchange(lock.file_, -1));
    lock.holder_ = range.l_pid;
    return lock;
  }
}

run_lock::run_lock(run_lock&& other) noexcept : file_(std::exchange(other.file_, -1)), holder_(other.holder_) {}

run_lock& run_lock::operator=(run_lock&& other) noexcept {
  std::swap(file_, other.file_);
  holder_ = other.holder_;
  return *this;
}

run_lock::~run_lock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace sluice::app
