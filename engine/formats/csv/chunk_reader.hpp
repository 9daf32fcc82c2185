#pragma once

#include "engine/error/error.hpp"
#include "engine/formats/csv/record_index.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace sluice::csv {

/// Where bytes come from: fills with the bytes at an offset of the unpacked content, fewer only at its end.
using fetch = std::function<result<std::int64_t>(std::int64_t at, std::uint8_t* into, std::int64_t size)>;

/// How far a record goes whose end was looked for.
struct record_extent {
  std::int64_t begin = 0;   ///< its offset
  std::int64_t quote = 0;   ///< offset of its last field, which the quote opens where `open`
  std::size_t field = 0;    ///< number of that field in the record
  std::int64_t end = 0;     ///< as far as it was looked at
  std::uint64_t lines = 0;  ///< that begin in that field
  bool open = false;        ///< a quote is not closed there
  bool to_end = true;       ///< it was looked at up to its end or the end of the content
};
/// Finds how far the record at an offset goes, reading the content once more.
using find_record_end = std::function<result<record_extent>(std::int64_t record)>;

/// Holds a piece of a file that is being read, and the fields and records found in it.
///
/// Blocks are read into one buffer, used again and again; what is left of a record at its end moves to the front. Only
/// a record larger than the buffer makes it grow.
class chunk_reader {
 public:
  /// `look`: for long records; null where content can't be read again.
  chunk_reader(fetch from, const dialect& rules, find_record_end look);

  /// From now on fewer bytes than were asked for are not the end, only none are.
  void take_what_arrives() { arriving_ = true; }
  /// Starts over at the record at `offset`.
  void start(std::int64_t offset);
  /// Drops the complete records and reads on until there are more, about up to `wanted`, an offset. False at the end of
  /// the content, and where a record does not end as it should: `runaway` says so.
  result<bool> fill(std::int64_t wanted);
  /// The record that reading can't get past: its quote never closes, or it is too large to be read.
  [[nodiscard]] const std::optional<record_extent>& runaway() const { return runaway_; }

  [[nodiscard]] const record_index& index() const { return index_; }
  /// index().ends() count in this.
  [[nodiscard]] const std::uint8_t* bytes() const { return base_; }
  /// Offset in the content of a place in bytes().
  [[nodiscard]] std::int64_t offset_of(std::uint32_t place) const { return offset_ + place; }
  /// Offset of the record behind the complete ones.
  [[nodiscard]] std::int64_t next_record() const { return offset_of(index_.next_record()); }
  [[nodiscard]] std::int64_t read_so_far() const { return offset_of(filled_); }
  /// Bytes that the buffer holds for a record without an end.
  [[nodiscard]] std::int64_t pending() const { return filled_ - index_.next_record(); }

 private:
  status make_room(std::uint32_t more);
  result<bool> goes_too_far();

  struct free_bytes {
    void operator()(std::uint8_t* bytes) const;
  };
  fetch from_;
  dialect rules_;
  bool arriving_ = false;
  find_record_end look_;
  record_index index_;
  std::unique_ptr<std::uint8_t, free_bytes> buffer_;
  std::uint8_t* base_ = nullptr;  ///< buffer_.get()
  std::uint32_t capacity_ = 0;    ///< without the padding behind
  std::uint32_t filled_ = 0;      ///< places start behind the padding in front
  std::uint32_t scanned_ = 0;
  std::int64_t offset_ = 0;  ///< of place 0: may be negative
  bool ended_ = false;
  bool looked_ = false;  ///< for the end of the record that is pending
  std::optional<record_extent> runaway_;
};

}  // namespace sluice::csv
