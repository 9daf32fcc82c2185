#pragma once

#include "engine/files/follow/followed_mark.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sluice {

/// What tells a file apart from all others that exist at the same time.
struct file_number {
  std::int64_t number = 0;  ///< of its inode
  std::int64_t born = 0;    ///< nanoseconds; 0 where unknown

  /// A number is given again once a file is gone; the time of birth is not.
  [[nodiscard]] bool same_as(const file_number& other) const {
    return number == other.number && (born == 0 || other.born == 0 || born == other.born);
  }
};

/// The file that a path leads to now; none where there is none, or it is no plain file.
std::optional<file_number> number_at(const std::string& path);

/// How a followed file is now.
struct followed_now {
  std::int64_t size = 0;
  bool removed = false;  ///< no path leads to it any more: nobody will find it again
  bool quiet = false;    ///< not written for a minute
};

/// A file that is kept open while it is followed, so that it can be read to its end wherever it is moved, and its
/// number is given to no other file. Thread-safe.
class followed_file {
 public:
  /// Opens the file at a path. Errors: those of opening it.
  static result<std::shared_ptr<followed_file>> open(std::string name, const std::string& path);
  ~followed_file();
  followed_file(const followed_file&) = delete;
  followed_file& operator=(const followed_file&) = delete;

  /// As users know it: by the name under which it was found.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const file_number& number() const { return number_; }
  /// A path by which this process can open it, whatever its name is now.
  [[nodiscard]] std::string path() const;
  [[nodiscard]] result<followed_now> look() const;
  /// Fills `into` from byte `at`; fewer only at the end.
  result<std::int64_t> read_at(std::int64_t at, void* into, std::int64_t size) const;
  /// Hash of the at most `marked_bytes` before `at`, which must be there.
  [[nodiscard]] result<std::int64_t> hash_before(std::int64_t at) const;
  /// Hash of the first bytes.
  [[nodiscard]] result<std::int64_t> hash_of_head(std::int64_t bytes) const;
  /// Whether what was read of it before is still there as it was: nothing, or the error source_changed.
  [[nodiscard]] status check(const followed_mark& mark) const;

 private:
  followed_file(std::string name, int handle) : name_(std::move(name)), handle_(handle) {}
  result<std::int64_t> hash(std::int64_t from, std::int64_t bytes) const;

  std::string name_;
  int handle_;
  file_number number_;
};

}  // namespace sluice
