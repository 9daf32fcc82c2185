#include "engine/store/sqlite_file.hpp"

#include "engine/files/hidden_file.hpp"
#include "engine/files/private_files.hpp"
#include "engine/store/sql_schema.hpp"
#include "engine/store/sqlite_database.hpp"
#include "engine/values/uuid.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace sluice::store {

namespace {

constexpr int busy_milliseconds = 10'000;

struct removes {
  const std::string& path;
  ~removes() {
    for (const auto* tail : {"", "-wal", "-shm"}) ::unlink((path + tail).c_str());
  }
};

error cut_off(const std::string& path, const std::string& what) {
  return external_error(
      "store_corrupt", "the state database " + path + " " + what + ": the file is truncated",
      "restore it from a backup, or move it out of the state folder; then incremental pipelines load everything again");
}

/// A log whose database is gone would be played into a new one.
status check_no_log(const std::string& path) {
  struct stat about {};
  if (::stat((path + "-wal").c_str(), &about) != 0 || about.st_size == 0) return {};
  return cut_off(path, "is missing, but its log " + path + "-wal exists");
}

/// Makes a whole database beside the path and gives it its name; whoever is second uses that of the first.
status make_file(const std::string& path) {
  SLUICE_TRY(check_no_log(path));
  const auto beside = path + "." + uuid_v7() + ".new";
  const removes guard{beside};
  SLUICE_ASSIGN(const int file, open_private_file(beside, O_RDWR));
  ::close(file);
  {
    sqlite_database made;
    SLUICE_TRY(made.open(beside, busy_milliseconds));
    SLUICE_TRY(bring_schema_up_to_date(made));
    // Everything is in the one file that gets the name.
    SLUICE_TRY(made.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  if (::link(beside.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    const int number = errno;
    // Some file systems have no links.
    if (number != EPERM && number != ENOSYS && number != EOPNOTSUPP) return from_errno(number, "make " + path);
    if (::renameat2(AT_FDCWD, beside.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0 && errno != EEXIST)
      return from_errno(errno, "make " + path);
  }
  const int number = sync_folder(std::filesystem::path(path).parent_path().string());
  return number == 0 ? status{} : status(from_errno(number, "make durable " + path));
}

}  // namespace

status open_sqlite_file(sqlite_database& into, const std::string& path) {
  if (path == ":memory:") return into.open(path, busy_milliseconds);
  const auto folder = std::filesystem::path(path).parent_path().string();
  if (!folder.empty()) SLUICE_TRY(make_private_folder(folder));
  SLUICE_ASSIGN(const bool there, check_private_file(path));
  if (!there) SLUICE_TRY(make_file(path));
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return from_errno(errno, "look at " + path);
  if (about.st_size == 0) return cut_off(path, "is empty");
  for (const auto* tail : {"-wal", "-shm"}) SLUICE_TRY(check_private_file(path + tail));
  return into.open(path, busy_milliseconds);
}

}  // namespace sluice::store
