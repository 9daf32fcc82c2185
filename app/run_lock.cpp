#include "app/run_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace sluice::app {

result<run_lock> run_lock::take(const std::string& state_folder, const std::string& pipeline) {
  const auto folder = state_folder + "/locks";
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return from_errno(failure.value(), "make the folder " + folder);
  const auto path = folder + "/" + pipeline;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return from_errno(errno, "open the lock " + path);
  run_lock lock(file);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return from_errno(errno, "lock " + path);
    std::array<char, 32> holder = {};
    const auto size = ::pread(file, holder.data(), holder.size() - 1, 0);
    const std::string pid(holder.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return user_error("already_running",
                      "the pipeline " + pipeline + " runs already" + (pid.empty() ? "" : " (pid " + pid + ")"),
                      "sluice watch " + pipeline + " follows it, sluice cancel " + pipeline + " stops it");
  }
  const auto pid = std::to_string(::getpid());
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return from_errno(errno, "write the lock " + path);
  return lock;
}

run_lock::run_lock(run_lock&& other) noexcept : file_(other.file_) { other.file_ = -1; }

run_lock::~run_lock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace sluice::app
