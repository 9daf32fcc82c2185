#include "engine/files/appended_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 1024 * 1024;

class open_file {
 public:
  open_file(const std::string& path, int flags, mode_t mode = 0) : handle_(::open(path.c_str(), flags, mode)) {}
  ~open_file() {
    if (handle_ >= 0) ::close(handle_);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  [[nodiscard]] int handle() const { return handle_; }
  /// Closes it; errno or 0: network file systems report a full disk as late as here.
  int close() { return ::close(std::exchange(handle_, -1)) == 0 || errno == EINTR ? 0 : errno; }

 private:
  int handle_;
};

file_stamp stamp_of(const struct stat& info) {
  return {.number = static_cast<std::int64_t>(info.st_ino),
          .size = info.st_size,
          .modified = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

status write_all(int to, std::string_view bytes, const std::string& doing) {
  while (!bytes.empty()) {
    const auto done = ::write(to, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return from_errno(errno, doing);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

/// Copies `size` bytes (-1: all) from where `from` stands to where `to` stands; gives how many.
result<std::int64_t> copy_bytes(int from, int to, std::int64_t size, const std::string& doing) {
  std::vector<char> block(static_cast<std::size_t>(block_bytes));
  std::int64_t copied = 0;
  while (size < 0 || copied < size) {
    const auto wanted = size < 0 ? block_bytes : std::min(block_bytes, size - copied);
    const auto got = ::read(from, block.data(), static_cast<std::size_t>(wanted));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, doing);
    if (got == 0) break;
    SLUICE_TRY(write_all(to, {block.data(), static_cast<std::size_t>(got)}, doing));
    copied += got;
  }
  return copied;
}

/// Writes old content, what stands between, and the rows.
status glue(appended_file& what, const std::string& made, const continue_text& how) {
  const auto doing = "append to " + what.path;
  const open_file rows(what.hidden, O_RDONLY | O_CLOEXEC);
  if (rows.handle() < 0) return from_errno(errno, "read " + what.hidden);
  open_file to(made, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (to.handle() < 0) return from_errno(errno, doing);
  struct stat info {};
  if (::stat(what.path.c_str(), &info) == 0 || ::fstat(rows.handle(), &info) == 0)
    (void)!::fchmod(to.handle(), info.st_mode & 07777U);
  SLUICE_ASSIGN(what.old, copy_target(what.path, to.handle()));
  const input_file copied{.name = what.path, .path = made, .size = what.old.size};
  SLUICE_ASSIGN(const auto next, how(what.old.size > 0 ? &copied : nullptr, &what.form));
  SLUICE_TRY(write_all(to.handle(), next.between, doing));
  if (::lseek(rows.handle(), -what.rows, SEEK_END) < 0) return from_errno(errno, "read " + what.hidden);
  SLUICE_ASSIGN(const auto copied_rows, copy_bytes(rows.handle(), to.handle(), what.rows, doing));
  if (copied_rows != what.rows)
    return external_error("target_changed", "the file " + what.hidden + " became shorter during the run",
                          "another program changed it: run again");
  if (::fsync(to.handle()) != 0) return from_errno(errno, doing);
  const int number = to.close();
  return number == 0 ? status{} : status(from_errno(number, doing));
}

}  // namespace

result<std::optional<std::uint64_t>> hash_of_tail(const std::string& path, std::int64_t bytes) {
  const open_file from(path, O_RDONLY | O_CLOEXEC);
  if (from.handle() < 0) return from_errno(errno, "read " + path);
  struct stat info {};
  if (::fstat(from.handle(), &info) != 0) return from_errno(errno, "read " + path);
  if (info.st_size < bytes) return std::optional<std::uint64_t>();
  if (::lseek(from.handle(), -bytes, SEEK_END) < 0) return from_errno(errno, "read " + path);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  std::vector<char> block(static_cast<std::size_t>(block_bytes));
  for (std::int64_t done = 0; done < bytes;) {
    const auto got = ::read(from.handle(), block.data(), static_cast<std::size_t>(std::min(block_bytes, bytes - done)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, "read " + path);
    if (got == 0) return std::optional<std::uint64_t>();
    XXH3_64bits_update(hash.get(), block.data(), static_cast<std::size_t>(got));
    done += got;
  }
  return std::optional<std::uint64_t>(XXH3_64bits_digest(hash.get()));
}

result<file_stamp> copy_target(const std::string& path, int to) {
  const auto doing = "append to " + path;
  const open_file old(path, O_RDONLY | O_CLOEXEC);
  if (old.handle() < 0 && errno == ENOENT) return file_stamp{};
  struct stat info {};
  if (old.handle() < 0 || ::fstat(old.handle(), &info) != 0) return from_errno(errno, doing);
  auto copied = stamp_of(info);
  SLUICE_ASSIGN(copied.size, copy_bytes(old.handle(), to, -1, doing));
  return copied;
}

result<file_stamp> file_stamp::of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return stamp_of(info);
  if (errno == ENOENT) return file_stamp{};
  return from_errno(errno, "look at " + path);
}

result<bool> follow_target(appended_file& what, const continue_text& how) {
  SLUICE_ASSIGN(const auto now, file_stamp::of(what.path));
  if (now == what.old) return false;
  const auto made = what.hidden + "-new";
  if (auto done = glue(what, made, how); !done.ok()) {
    ::unlink(made.c_str());
    return std::move(done).problem();
  }
  if (::rename(made.c_str(), what.hidden.c_str()) == 0) return true;
  const int number = errno;
  ::unlink(made.c_str());
  return from_errno(number, "append to " + what.path);
}

}  // namespace sluice
