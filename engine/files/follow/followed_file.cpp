#include "engine/files/follow/followed_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace sluice {

namespace {

constexpr std::int64_t quiet_seconds = 60;

std::optional<struct statx> look_at(int folder, const char* path, int flags) {
  struct statx info {};
  if (::statx(folder, path, flags, STATX_BASIC_STATS | STATX_BTIME, &info) != 0) return std::nullopt;
  return info;
}

file_number number_of(const struct statx& info) {
  file_number made{.number = static_cast<std::int64_t>(info.stx_ino)};
  if ((info.stx_mask & STATX_BTIME) != 0)
    made.born = info.stx_btime.tv_sec * 1'000'000'000 + static_cast<std::int64_t>(info.stx_btime.tv_nsec);
  return made;
}

error rewritten(const std::string& name, const std::string& what) {
  return user_error("source_changed", "the followed file " + name + " " + what,
                    "files may only grow; rotate them by renaming (with logrotate: create, not copytruncate). What was "
                    "read before stays loaded; start again with --fresh to read all files from their beginning");
}

}  // namespace

std::optional<file_number> number_at(const std::string& path) {
  const auto info = look_at(AT_FDCWD, path.c_str(), 0);
  if (!info || !S_ISREG(info->stx_mode)) return std::nullopt;
  return number_of(*info);
}

result<std::shared_ptr<followed_file>> followed_file::open(std::string name, const std::string& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return from_errno(errno, "open " + name);
  std::shared_ptr<followed_file> made(new followed_file(std::move(name), handle));
  const auto info = look_at(handle, "", AT_EMPTY_PATH);
  if (!info) return from_errno(errno, "open " + made->name_);
  made->number_ = number_of(*info);
  return made;
}

followed_file::~followed_file() { ::close(handle_); }

std::string followed_file::path() const { return "/proc/self/fd/" + std::to_string(handle_); }

result<followed_now> followed_file::look() const {
  const auto info = look_at(handle_, "", AT_EMPTY_PATH);
  if (!info) return from_errno(errno, "look at " + name_);
  return followed_now{.size = static_cast<std::int64_t>(info->stx_size),
                      .removed = info->stx_nlink == 0,
                      .quiet = info->stx_mtime.tv_sec + quiet_seconds <= std::time(nullptr)};
}

result<std::int64_t> followed_file::read_at(std::int64_t at, void* into, std::int64_t size) const {
  auto* to = static_cast<char*>(into);
  std::int64_t done = 0;
  while (done < size) {
    const auto got = ::pread(handle_, to + done, static_cast<std::size_t>(size - done), at + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, "read " + name_);
    if (got == 0) break;
    done += got;
  }
  return done;
}

result<std::int64_t> followed_file::hash(std::int64_t from, std::int64_t bytes) const {
  char buffer[marked_bytes];
  SLUICE_ASSIGN(const auto got, read_at(from, buffer, bytes));
  if (got < bytes) return rewritten(name_, "has become shorter: it was truncated");
  return static_cast<std::int64_t>(XXH3_64bits(buffer, static_cast<std::size_t>(bytes)));
}

result<std::int64_t> followed_file::hash_before(std::int64_t at) const {
  const auto bytes = std::min(at, marked_bytes);
  return hash(at - bytes, bytes);
}

result<std::int64_t> followed_file::hash_of_head(std::int64_t bytes) const {
  return hash(0, std::min(bytes, marked_bytes));
}

status followed_file::check(const followed_mark& mark) const {
  SLUICE_ASSIGN(const auto now, look());
  const auto read = std::max(mark.begin, mark.end);
  if (now.size < read)
    return rewritten(name_, "has become shorter: " + std::to_string(read) + " bytes of it were read, and now it has " +
                                std::to_string(now.size) + ". It was truncated");
  SLUICE_ASSIGN(const auto head, hash_of_head(mark.head_bytes));
  SLUICE_ASSIGN(const auto tail, hash_before(mark.begin));
  if (head == mark.head && tail == mark.tail) return {};
  return rewritten(name_, "has other content now where it was read before (up to byte " + std::to_string(mark.begin) +
                              "): it was truncated and written again");
}

}  // namespace sluice
