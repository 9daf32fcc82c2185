#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

namespace sluice::ndjson {

inline constexpr std::int64_t longest_record = 256 * 1024 * 1024;

/// Bytes that grow without being given values.
class byte_room {
 public:
  [[nodiscard]] char* data() { return bytes_.get(); }
  [[nodiscard]] const char* data() const { return bytes_.get(); }
  char& operator[](std::size_t i) { return bytes_[i]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void resize(std::size_t size) {
    std::unique_ptr<char[]> grown(new char[size]);
    if (size_ > 0) std::memcpy(grown.get(), bytes_.get(), size_ < size ? size_ : size);
    bytes_ = std::move(grown);
    size_ = size;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

/// Gives records in blocks of whole lines, one record a line.
class record_blocks {
 public:
  virtual ~record_blocks() = default;
  /// Leaves out the records before an offset (as of `offset()`) at which one begins. A stream is read up to there.
  /// Before the first `next`.
  virtual status go_to(std::int64_t offset) = 0;
  /// Lets a stream that waits fail soon. Comes from any thread.
  virtual void interrupt() noexcept = 0;
  /// Reads the next block; false at the end.
  virtual result<bool> next() = 0;
  /// False where `next` would wait for records that have not come.
  [[nodiscard]] virtual bool ready() = 0;
  /// Bytes of the file used up by the blocks so far.
  [[nodiscard]] virtual std::int64_t consumed() const = 0;

  /// The block's lines: each ends in a newline, also the last one of the file. `padding` bytes behind may be read.
  [[nodiscard]] const char* begin() const { return block_begin_; }
  [[nodiscard]] const char* end() const { return block_end_; }
  /// Where the block begins, counted from the begin of the range.
  [[nodiscard]] std::int64_t offset() const { return block_offset_; }

 protected:
  const char* block_begin_ = nullptr;
  const char* block_end_ = nullptr;
  std::int64_t block_offset_ = 0;
};

/// Reads a file in blocks of whole lines: those that begin in a range of its bytes, or all of a stream. A newline
/// always ends a record, for inside of JSON's strings it is escaped; so any byte range can be read by itself.
class line_blocks final : public record_blocks {
 public:
  /// Lines that begin in [begin, end) of a seekable file.
  line_blocks(std::shared_ptr<random_file> file, std::string name, std::int64_t begin, std::int64_t end,
              std::int64_t block_bytes);
  /// All lines of a stream.
  line_blocks(std::unique_ptr<byte_stream> stream, std::string name, std::int64_t block_bytes);
  status go_to(std::int64_t offset) override;
  void interrupt() noexcept override;
  result<bool> next() override;
  [[nodiscard]] bool ready() override;
  [[nodiscard]] std::int64_t consumed() const override;

 private:
  result<bool> find_next();
  result<bool> read_more();
  bool skip_first_line();
  bool find_cut();
  void drop_used();

  std::shared_ptr<random_file> file_;
  std::unique_ptr<byte_stream> stream_;
  std::string name_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::int64_t block_bytes_;
  byte_room buffer_;
  std::int64_t place_ = 0;  ///< of the buffer's begin in the file
  std::int64_t filled_ = 0;
  std::int64_t first_ = 0;      ///< begin of the block in the buffer
  std::int64_t cut_ = 0;        ///< its end
  std::int64_t looked_at_ = 0;  ///< no line ends before it
  bool in_first_line_ = false;  ///< of a line that began before the range
  bool at_end_of_file_ = false;
  bool done_ = false;
};

}  // namespace sluice::ndjson
