#include "engine/files/publish_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice {

namespace {

error cannot_lock(const std::string& folder, int number) {
  auto problem = from_errno(number, "lock the folder " + folder);
  problem.code = "cannot_lock";
  problem.hint =
      "runs that write to the same target lock its folder: the folder must be readable, and its file system must "
      "support locks";
  return problem;
}

}  // namespace

result<publish_lock> publish_lock::take(const std::string& folder, interruption& stop,
                                        std::chrono::milliseconds patience) {
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return cannot_lock(folder, errno);
  publish_lock lock(handle);
  const auto give_up = std::chrono::steady_clock::now() + patience;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
    if (::flock(handle, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return cannot_lock(folder, errno);
    if (std::chrono::steady_clock::now() >= give_up)
      return external_error("target_busy",
                            "another run has been publishing into the folder " + folder + " for " +
                                std::to_string(patience.count() / 1000) + " s",
                            "check whether a run hangs (sluice runs), then run again", true);
    if (!stop.sleep_until(std::chrono::steady_clock::now() + pause))
      return interrupted_error("waiting for another run that publishes into the folder " + folder);
  }
}

publish_lock::publish_lock(publish_lock&& other) noexcept : folder_(std::exchange(other.folder_, -1)) {}

publish_lock::~publish_lock() {
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace sluice
