#include "engine/files/sync_together.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {

namespace {

thread_local int depth = 0;

}  // namespace

sync_together::sync_together(bool active) : active_(active) { depth += active_ ? 1 : 0; }

sync_together::~sync_together() { depth -= active_ ? 1 : 0; }

bool sync_together::active() { return depth > 0; }

status sync_together::finish(const std::string& folder) const {
  if (!active_) return {};
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return from_errno(errno, "make durable the folder " + folder);
  // Since Linux 5.8 it reports what could not be written.
  const int number = ::syncfs(handle) == 0 ? 0 : errno;
  ::close(handle);
  return number == 0 ? status() : status(from_errno(number, "make durable what is in " + folder));
}

}  // namespace sluice
