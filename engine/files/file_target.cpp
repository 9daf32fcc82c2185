#include "engine/files/file_target.hpp"

#include "engine/component/grows_in_place.hpp"
#include "engine/component/opaque.hpp"
#include "engine/files/publish_lock.hpp"
#include "engine/files/sync_together.hpp"
#include "engine/runs/proof.hpp"
#include "engine/secrets/known_secrets.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>

namespace sluice {

namespace fs = std::filesystem;

namespace {

constexpr char file_token = 'f';
constexpr char direct_token = '-';
result<continuation> follow_at_once(const input_file*, const std::string*) { return continuation{}; }

std::int64_t modified_nanoseconds(const struct stat& info) {
  return std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

error lost(const std::string& hidden, const std::string& why) {
  return external_error("prepared_lost", "the file " + hidden + " can't be continued after the checkpoint: " + why,
                        "--fresh starts again");
}

error is_complete(const std::string& path) {
  return internal_error(
      "not_supported",
      "the file " + path + " was completed by an earlier checkpoint; rows of a later one can't be added to it");
}

}  // namespace

result<file_mode> parse_file_mode(std::string_view text) {
  if (text.empty() || text == "replace") return file_mode::replace;
  if (text == "error") return file_mode::error;
  if (text == "append") return file_mode::append;
  if (text == "replace_partitions") {
    auto problem = user_error("invalid_option", "mode replace_partitions needs partition_by",
                              "add partition_by: [column] to the component, or use mode: replace");
    problem.path = "/mode";
    return problem;
  }
  auto problem = user_error("unknown_mode", "a file sink has no mode " + std::string(text),
                            "use one of these modes: replace, error, append and replace_partitions");
  problem.path = "/mode";
  return problem;
}

file_target::file_target(request what)
    : what_(std::move(what)),
      path_(what_.path.empty() || what_.path == "-" ? what_.path : target_of(what_.path, what_.base_folder)),
      continue_(follow_at_once) {}

file_target::file_target(const sink_request& from, std::string path)
    : file_target(request{.path = std::move(path),
                          .mode = parse_file_mode(from.mode).ok() ? *parse_file_mode(from.mode) : file_mode::replace,
                          .base_folder = from.context ? from.context->base_folder : "",
                          .run_id = from.context ? from.context->run_id : "",
                          .unit = from.unit}) {}

file_target::~file_target() {
  // What was prepared may be committed by someone who has only the token.
  prepared_ ? close_file() : abort();
}

error file_target::failed(int number, const std::string& doing) const {
  return from_errno(number, doing + " " + path_);
}

status file_target::open(std::uint32_t attempt) {
  if (what_.path == "-") {
    direct_.emplace(stopped_).use_standard_output();
    return {};
  }
  if (what_.path.empty())
    return user_error("missing_path", "a file sink needs a path", "path: out/report.csv, or - for standard output");
  if (!fs::path(what_.path).has_filename())
    return user_error("is_a_folder", "the target " + path_ + " is a folder, but a file is needed",
                      "give the path of a file: " + path_ + "part.csv");
  folder_ = fs::path(path_).parent_path().string();
  SLUICE_TRY(check_target());
  if (direct_) return {};
  SLUICE_TRY(folders_.make(folder_));
  if (grows_ && !behind_.empty()) return go_on(attempt);
  SLUICE_TRY(make_hidden(attempt));
  return what_.mode == file_mode::append ? begin_append() : status{};
}

status file_target::check_target() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return errno == ENOENT ? status{} : status(failed(errno, "write"));
  if (S_ISDIR(info.st_mode))
    return user_error("is_a_folder", "the target " + path_ + " is a folder, but a file is needed",
                      "give the path of a file in it");
  if (!S_ISREG(info.st_mode)) {
    return direct_.emplace(stopped_).open(path_);
  }
  if (what_.mode == file_mode::error)
    return user_error("target_exists", "the target " + path_ + " already exists, and mode is error",
                      "remove it, use another path, or set mode: replace");
  // Renaming over a file asks only for the right to its folder; someone who write-protected it means the file.
  if (::access(path_.c_str(), W_OK) != 0) return failed(errno, "write");
  old_permissions_ = info.st_mode & 07777;
  return {};
}

status file_target::make_hidden(std::uint32_t attempt) {
  const auto name = hidden_path(path_, what_.run_id, what_.unit, attempt);
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
  // Who goes on with it sees by the lock whether this process is still at work. Some file systems have none.
  if (grows_) (void)::flock(file_, LOCK_EX | LOCK_NB);
  return {};
}

/// Goes on in the hidden file, cut to what it was at the epoch; in a copy of it, where an earlier attempt is still
/// alive.
status file_target::go_on(std::uint32_t attempt) {
  SLUICE_ASSIGN(const auto made, read_token(behind_));
  const auto& old = made.file.hidden;
  if (made.file.path != path_) return lost(old, "it was to become " + made.file.path + ", not " + path_);
  file_ = ::open(old.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (file_ < 0) return errno == ENOENT ? lost(old, "it is missing") : failed(errno, "continue");
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(std::exchange(file_, -1));
    SLUICE_TRY(make_hidden(attempt));
    SLUICE_ASSIGN(const auto copied, copy_target(old, file_));
    (void)copied;
  } else {
    hidden_ = old;
    prepared_ = true;
  }
  struct stat info {};
  if (::fstat(file_, &info) != 0) return failed(errno, "look at");
  if (info.st_size < made.size)
    return lost(old, "it has " + std::to_string(info.st_size) + " bytes, but it had " + std::to_string(made.size));
  if (::ftruncate(file_, made.size) != 0 || ::lseek(file_, 0, SEEK_END) < 0) return failed(errno, "continue");
  base_ = made.size;
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

status file_target::takes_rows() const { return prepared_ && !grows_ ? status(is_complete(path_)) : status{}; }

status file_target::write(const void* data, std::size_t size) {
  if (direct_) return write_direct(data, size);
  if (size == 0) return {};
  SLUICE_TRY(takes_rows());
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
  if (!pieces.empty()) SLUICE_TRY(takes_rows());
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
  SLUICE_TRY(direct_->write(data, size));
  bytes_ += static_cast<std::int64_t>(size);
  return {};
}

std::string file_target::token_of(const prepared_file& made) const {
  return opaque_writer(grows_ ? holds_earlier_mark : file_token)
      .text(secrets::hide(made.file.hidden))
      .text(secrets::hide(made.file.path))
      .number(static_cast<std::int64_t>(made.mode))
      .number(made.device)
      .number(made.inode)
      .number(made.size)
      .number(made.modified)
      .number(made.file.old.number)
      .number(made.file.old.size)
      .number(made.file.old.modified)
      .number(made.file.rows)
      .text(made.file.form)
      .number(static_cast<std::int64_t>(made.rows_hash))
      .take();
}

result<file_target::prepared_file> file_target::read_token(const std::string& token) {
  opaque_reader from(token, holds_earlier(token) ? holds_earlier_mark : file_token);
  prepared_file made;
  made.file.hidden = from.text();
  made.file.path = from.text();
  const auto mode = from.number();
  made.mode = mode == static_cast<std::int64_t>(file_mode::error)    ? file_mode::error
              : mode == static_cast<std::int64_t>(file_mode::append) ? file_mode::append
                                                                     : file_mode::replace;
  made.device = from.number();
  made.inode = from.number();
  made.size = from.number();
  made.modified = from.number();
  made.file.old.number = from.number();
  made.file.old.size = from.number();
  made.file.old.modified = from.number();
  made.file.rows = from.number();
  made.file.form = from.text();
  made.rows_hash = static_cast<std::uint64_t>(from.number());
  SLUICE_TRY(from.done("the token of a file to publish"));
  for (auto* path : {&made.file.hidden, &made.file.path}) SLUICE_TRY(secrets::reveal(*path));
  return made;
}

result<std::string> file_target::hidden_of(const std::string& token) {
  SLUICE_ASSIGN(auto made, read_token(token));
  return std::move(made.file.hidden);
}

void file_target::forget(const std::string& token) noexcept {
  if (const auto hidden = hidden_of(token); hidden.ok()) ::unlink(hidden->c_str());
}

bool file_target::is_direct(const std::string& token) { return opaque_reader(token, direct_token).done("").ok(); }

result<std::string> file_target::prepare() {
  if (direct_) return opaque_writer(direct_token).take();
  SLUICE_TRY(takes_rows());
  if (!sync_together::active() && ::fsync(file_) != 0) return failed(errno, "make durable");
  // Network file systems report a full disk as late as here. A file that grows stays open, and locked.
  if (!grows_)
    if (const int handle = std::exchange(file_, -1); ::close(handle) != 0 && errno != EINTR)
      return failed(errno, "close");
  prepared_file made;
  made.file.path = path_;
  made.file.hidden = hidden_;
  made.mode = what_.mode;
  if (what_.mode == file_mode::append) {
    appended_.rows = bytes_;
    // Here, too, so that less can go wrong once others of the run are published.
    SLUICE_ASSIGN(const bool followed, follow_target(appended_, continue_));
    (void)followed;
    made.file = appended_;
    SLUICE_ASSIGN(const auto hash, hash_of_tail(hidden_, appended_.rows));
    made.rows_hash = hash.value_or(0);
  }
  struct stat info {};
  if (::stat(hidden_.c_str(), &info) != 0) return failed(errno, "look at");
  made.device = static_cast<std::int64_t>(info.st_dev);
  made.inode = static_cast<std::int64_t>(info.st_ino);
  made.size = info.st_size;
  made.modified = modified_nanoseconds(info);
  // The token finds the file by its name, so that has to last as well.
  if (!sync_together::active()) {
    if (const int number = sync_folder(folder_); number != 0) return failed(number, "make durable");
    if (const int number = folders_.sync(); number != 0) return failed(number, "make durable");
  }
  prepared_ = true;
  return token_of(made);
}

result<bool> file_target::is_published(const prepared_file& made) {
  struct stat now {};
  if (::stat(made.file.path.c_str(), &now) != 0) return false;
  if (static_cast<std::int64_t>(now.st_dev) == made.device && static_cast<std::int64_t>(now.st_ino) == made.inode)
    return true;
  // The rest tells only where the hidden file is gone: a copy of the whole folder has other numbers, and what followed
  // the rows of someone else was copied once more.
  struct stat hidden {};
  if (::stat(made.file.hidden.c_str(), &hidden) == 0) return false;
  if (now.st_size == made.size && modified_nanoseconds(now) == made.modified) return true;
  if (made.mode != file_mode::append) return false;
  SLUICE_ASSIGN(const auto hash, hash_of_tail(made.file.path, made.file.rows));
  return hash && *hash == made.rows_hash;
}

status file_target::publish(prepared_file made) {
  const auto& path = made.file.path;
  const auto& hidden = made.file.hidden;
  auto turn = publish_lock::take(fs::path(path).parent_path().string(), stopped_);
  // What takes the place of the target as a whole does so also without a lock.
  if (!turn.ok() && (made.mode == file_mode::append || turn.problem().code != "cannot_lock"))
    return std::move(turn).problem();
  SLUICE_ASSIGN(const bool published, is_published(made));
  if (published) {
    // By a link, which leaves the hidden name for a moment.
    ::unlink(hidden.c_str());
    return {};
  }
  struct stat info {};
  if (::stat(hidden.c_str(), &info) != 0)
    return external_error(
        "prepared_lost",
        "the file " + hidden + ", which should become " + path + ", is missing, and that file is another one",
        "it was published and then replaced, or it was removed: run the pipeline again if its rows are missing");
  if (made.mode == file_mode::append) {
    SLUICE_ASSIGN(const bool followed, follow_target(made.file, continue_));
    (void)followed;
  } else if (info.st_size != made.size) {
    return external_error("prepared_lost",
                          "the file " + hidden + " has " + std::to_string(info.st_size) + " bytes, but it had " +
                              std::to_string(made.size) + " when it was complete",
                          "another program changed it: run the pipeline again");
  }
  int number = 0;
  if (made.mode != file_mode::error) {
    number = ::rename(hidden.c_str(), path.c_str()) == 0 ? 0 : errno;
  } else if (::renameat2(AT_FDCWD, hidden.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    number = errno;
    // Some file systems have no such rename; a hard link refuses an existing name as well.
    if (number == EINVAL) number = ::link(hidden.c_str(), path.c_str()) == 0 ? (::unlink(hidden.c_str()), 0) : errno;
  }
  if (proof::planted(proof::bug::failed_rename_ignored)) number = 0;
  if (number == EEXIST)
    return user_error("target_exists",
                      "the target " + path + " was created by another program during the run, and mode is error",
                      "remove it, use another path, or set mode: replace");
  return number == 0 ? status{} : status(from_errno(number, "publish " + path));
}

status file_target::commit(const std::string& token) {
  if (is_direct(token)) return {};
  SLUICE_ASSIGN(auto made, read_token(token));
  const auto folder = fs::path(made.file.path).parent_path().string();
  const bool ours = made.file.hidden == hidden_;
  // What this object has published is not looked at again: others may have changed it since.
  if (!ours || !published_) SLUICE_TRY(publish(std::move(made)));
  published_ = published_ || ours;
  const int number = sync_together::active() ? 0 : sync_folder(folder);
  return number == 0 ? status{} : status(from_errno(number, "make durable the folder " + folder));
}

status file_target::recover(const std::vector<std::string>& tokens) {
  for (const auto& token : tokens) SLUICE_TRY(commit(token));
  if (path_ != "-") remove_hidden_files(path_, what_.run_id, what_.unit, {});
  return {};
}

status file_target::keep(const std::vector<std::string>& tokens) {
  std::vector<std::string> kept;
  for (const auto& token : tokens) {
    if (is_direct(token)) continue;
    SLUICE_ASSIGN(kept.emplace_back(), hidden_of(token));
  }
  if (path_ != "-") remove_hidden_files(path_, what_.run_id, what_.unit, kept);
  return {};
}

void file_target::close_file() noexcept {
  if (direct_) direct_->close();
  if (file_ >= 0) ::close(file_);
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
