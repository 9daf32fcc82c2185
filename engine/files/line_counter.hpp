#pragma once

#include "engine/files/files.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sluice {

/// What ends a line of a text.
enum class line_break {
  newline,  ///< LF alone: in JSON a CR is a blank
  any,      ///< LF, CRLF, a CR alone
};

/// Counts line ends in a row of blocks. A CR counts when the next byte is seen not to be a LF.
class line_ends {
 public:
  explicit line_ends(line_break kind) : kind_(kind) {}
  void add(const std::uint8_t* data, std::int64_t size);
  /// Those before the next byte, if the next byte begins a record.
  [[nodiscard]] std::uint64_t count() const { return count_ + (open_return_ ? 1 : 0); }

 private:
  line_break kind_;
  std::uint64_t count_ = 0;
  bool open_return_ = false;
};

/// Finds line numbers for messages by reading the files once more. Thread-safe.
///
/// Rejects come in ascending order from each unit that makes them, so that the counter stays where it came to in a file
/// and goes on from there: what is behind a thousand rejects is read once, not a thousand times.
class line_counter {
 public:
  explicit line_counter(line_break kind) : kind_(kind) {}
  /// The line, from 1, that the byte at `offset` of the unpacked file is in, where a record begins; 0 where it can't be
  /// read again.
  std::uint64_t line_at(const input_file& file, std::int64_t offset);

 private:
  /// A place in a file up to which line ends are counted.
  struct cursor {
    std::string path;
    std::int64_t at = 0;
    line_ends ends;
    std::shared_ptr<random_file> file;    ///< where it is seekable
    std::unique_ptr<byte_stream> stream;  ///< else
  };
  result<cursor> open(const input_file& file) const;
  result<std::list<cursor>::iterator> nearest(const input_file& file, std::int64_t offset);

  line_break kind_;
  std::mutex lock_;
  std::list<cursor> cursors_;  ///< the one used last in front
};

/// Numbers the lines of what can be read only once (standard input) while it passes. Thread-safe.
class passing_lines {
 public:
  explicit passing_lines(line_break kind) : kind_(kind) {}
  /// Takes the next bytes, as they come in: those from `offset` on.
  void pass(std::int64_t offset, const std::uint8_t* data, std::int64_t size);
  /// Keeps the line of a record that is among the bytes passed.
  void keep(std::int64_t offset);
  /// Forgets the lines before `offset`, those aside that were kept.
  void forget_before(std::int64_t offset);
  /// The line of a record that is not forgotten; else 0.
  std::uint64_t line_at(std::int64_t offset);

 private:
  [[nodiscard]] std::uint64_t find(std::int64_t offset) const;

  line_break kind_;
  std::mutex lock_;
  std::int64_t at_ = 0;
  std::int64_t first_ = 0;  ///< lines before it are forgotten
  bool open_return_ = false;
  std::uint64_t forgotten_ = 0;      ///< lines that begin before those in `begins_`
  std::deque<std::int64_t> begins_;  ///< offsets at which lines begin
  std::unordered_map<std::int64_t, std::uint64_t> kept_;
};

}  // namespace sluice
