#pragma once

#include "engine/component/interruption.hpp"
#include "engine/error/error.hpp"
#include "engine/files/publish_lock.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::when_down {

/// The rows of one epoch on disk, synced, as a token names them.
struct segment {
  std::string run;
  std::uint64_t epoch = 0;
  std::string file = {};  ///< its name in the log's folder until it is admitted; empty: there are no rows
  std::uint64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64 of the file

  [[nodiscard]] std::string to_token() const;
  static result<segment> of_token(const std::string& token);
};

/// A segment whose epoch is committed, and whose rows are still to be loaded.
struct waiting_segment {
  std::uint64_t number = 0;  ///< counts the segments of the log, over all runs
  std::string path;
  std::uint64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint64_t checksum = 0;
  std::string run;
  std::uint64_t epoch = 0;
};

/// Writes a segment. What is not finished is removed.
class segment_writer {
 public:
  static result<std::unique_ptr<segment_writer>> create(const std::string& folder, std::string name, std::string run);
  ~segment_writer();
  segment_writer(const segment_writer&) = delete;
  segment_writer& operator=(const segment_writer&) = delete;

  status append(const batch& rows);
  /// Syncs the file; it stays from now on.
  result<segment> finish(std::uint64_t epoch);
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  segment_writer(std::string path, std::string name, std::string run, int handle);
  status write(const void* data, std::size_t size);

  std::string path_;
  std::string name_;
  std::string run_;
  int handle_;
  bool finished_ = false;
  std::uint64_t rows_ = 0;
  std::int64_t bytes_ = 0;
  std::uint64_t sequence_ = 0;
  struct hash_state;
  std::unique_ptr<hash_state> hash_;
};

/// Makes the names in a folder durable.
status sync_folder(const std::string& folder);
/// The error spill_log_damaged.
error damaged_log(const std::string& path, const std::string& what);

/// Reads a segment; gives each batch, and compares the checksum behind the last one. Error: spill_log_damaged.
status read_segment(const waiting_segment& what, const std::function<status(const batch&)>& each);

/// A folder in which the rows of a sink wait while its system is down: segments of epochs that are prepared, and those
/// that are committed, numbered in the order in which they were. Everything that changes it happens under `lock`, so
/// that a process that was thought dead does no harm.
class row_log {
 public:
  explicit row_log(std::string folder) : folder_(std::move(folder)) {}

  /// Makes the folder where it is missing, and gives the log its id: the first run that used it.
  status make(const std::string& run, interruption& stop);
  [[nodiscard]] result<publish_lock> lock(interruption& stop) const;

  // Under the lock.

  /// Who loads the rows, as the target knows it: stays the same for all runs.
  [[nodiscard]] result<std::string> id() const;
  /// Admits a segment: its rows are to be loaded, once. Repeating it does nothing. Error: prepared_lost.
  status admit(const segment& what);
  /// What is to be loaded, in its order.
  [[nodiscard]] result<std::vector<waiting_segment>> waiting() const;
  /// Notes that a run begins afresh: what is admitted from now on belongs to it, and to the runs that go on behind it.
  /// Repeating it once something of the run was admitted does nothing.
  [[nodiscard]] status begin(const std::string& run);
  /// The number from which on segments belong to that run and those behind it.
  [[nodiscard]] result<std::uint64_t> begun() const;
  /// The number of the last segment that was loaded; 0: none.
  [[nodiscard]] result<std::uint64_t> loaded() const;
  /// A segment was loaded: it is removed.
  status done(const waiting_segment& what);
  /// Removes the segments of a run that were not admitted, but for those of `kept`.
  status discard(const std::string& run, const std::vector<segment>& kept);

  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  struct notes {
    std::string id;
    std::uint64_t next = 1;
    std::uint64_t loaded = 0;
    std::uint64_t begun = 0;
    std::vector<std::pair<std::string, std::uint64_t>> admitted;  ///< by run: the last epoch; newest run last
  };
  [[nodiscard]] result<notes> read_notes() const;
  [[nodiscard]] status write_notes(const notes& what) const;

  std::string folder_;
};

}  // namespace sluice::when_down
