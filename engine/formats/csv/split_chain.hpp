#pragma once

#include "engine/files/files.hpp"
#include "engine/formats/csv/dialect.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::csv {

/// Knows where the splits of one file truly start: a line end inside quotes starts nothing. Thread-safe.
///
/// Split i owns the records that start in [begin_i, begin_i+1); where its first one starts follows from where the last
/// of split i-1 ends, back to the file's first record. Readers report what they found, so that mostly nobody reads
/// twice; whoever needs a start that nobody reported has it found here, without waiting for others.
class split_chain {
 public:
  split_chain(input_file file, dialect rules, std::int64_t data_begin, std::int64_t split_bytes);

  [[nodiscard]] std::int64_t begin_of(std::size_t split) const {
    return data_begin_ + static_cast<std::int64_t>(split) * split_bytes_;
  }
  /// The true start of a split, where it follows from the reports.
  std::optional<std::int64_t> known_start(std::size_t split);
  /// The true start of a split. May read the file.
  result<std::int64_t> find_start(std::size_t split);
  /// Says that records read from `start` in a split go on to `end`, the first start at or behind the next split's
  /// begin.
  void report(std::size_t split, std::int64_t start, std::int64_t end);
  /// Says that they go on to `record` so far, which is the start of one: nobody has to search what lies before.
  void report_so_far(std::size_t split, std::int64_t start, std::int64_t record);
  /// A start that was guessed turned out wrong: guessing is not worth it in this file.
  void guessed_wrong() {
    const std::lock_guard guard(lock_);
    guessing_pays_ = false;
  }
  [[nodiscard]] bool guessing_pays() {
    const std::lock_guard guard(lock_);
    return guessing_pays_;
  }

  /// The file, open as long as somebody reads it: a source may have more files than a process may have open. The error
  /// is source_changed where it is another one than before.
  result<std::shared_ptr<random_file>> file();

 private:
  struct finding {
    std::int64_t start, end;
    bool whole;  ///< else `end` is the start of a record of the split
  };
  void follow_reports(std::size_t split);
  /// The furthest start of a record that is known in the last split whose start is.
  [[nodiscard]] std::int64_t furthest() const;

  input_file file_;
  dialect rules_;
  std::int64_t data_begin_;
  std::int64_t split_bytes_;
  std::mutex opening_;  ///< of the next two
  std::weak_ptr<random_file> open_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> identity_;  ///< device and inode
  std::mutex searching_;                                             ///< one searches at a time; taken before lock_
  std::mutex lock_;                                                  ///< of what follows; never held while reading
  std::vector<std::int64_t> starts_;                                 ///< proved, from split 0 on
  std::map<std::size_t, finding> findings_;                          ///< reported and not yet proved, or not whole
  bool guessing_pays_ = true;
};

}  // namespace sluice::csv
