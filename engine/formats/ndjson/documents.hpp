#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"
#include "engine/files/line_counter.hpp"
#include "engine/formats/ndjson/lines.hpp"
#include "engine/formats/ndjson/row_path.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::ndjson {

/// Reads JSON documents, one or several behind each other, and gives the values that a path leads to as lines.
///
/// A document is never held: a stack knows where the reader is in it, and each value on the path is turned into a line
/// where it stands. What is around it becomes blanks, line breaks inside of it as well, and the bytes before and behind
/// it become newlines, so that the offset of a row is its offset in the file. What is not on the path is checked and
/// passed over. A fault outside of the rows fails with its line and column.
class document_blocks final : public record_blocks {
 public:
  /// `lines`, which may be null, sees all bytes as they are in the file.
  document_blocks(std::unique_ptr<byte_stream> stream, std::string name, row_path path, std::int64_t block_bytes,
                  std::shared_ptr<passing_lines> lines = nullptr);
  status go_to(std::int64_t offset) override;
  void interrupt() noexcept override;
  result<bool> next() override;
  [[nodiscard]] bool ready() override;
  [[nodiscard]] std::int64_t consumed() const override { return stream_->consumed(); }
  /// Whether the last error was that the file ends inside of a document.
  [[nodiscard]] bool ran_out() const { return ran_out_; }

 private:
  /// What may come next outside of rows.
  enum class expected { document, value, value_or_end, key, key_or_end, colon, comma_or_end };
  /// What the reader is inside of.
  enum class inside { structure, key, text, scalar, row, row_text, row_scalar };
  /// An object or a list that is open, outside of rows.
  struct level {
    bool list = false;
    int step = -1;  ///< its members are matched with this step of the path; -1: it is passed over
    std::int64_t index = 0;
  };

  status read_more();
  void drop_used();
  status scan();
  status structure();
  status begin_value();
  status begin_container(bool list);
  status end_container();
  status end_key();
  status skipped_text();
  status scalar();
  status row();
  void begin_row();
  void end_row();
  void expect_behind_value();
  [[nodiscard]] int step_for_element(const level& of) const;
  [[nodiscard]] std::string at_place() const;
  [[nodiscard]] error unexpected(const std::string& wanted) const;
  [[nodiscard]] error wrong_kind(const char* wanted, const char* found) const;
  status finish();
  [[nodiscard]] error not_found() const;

  std::unique_ptr<byte_stream> stream_;
  std::string name_;
  row_path path_;
  std::int64_t block_bytes_;
  std::shared_ptr<passing_lines> lines_;
  byte_room buffer_;
  std::int64_t place_ = 0;  ///< of the buffer's begin in the unpacked file
  std::int64_t filled_ = 0;
  std::int64_t at_ = 0;      ///< the next byte to look at
  std::int64_t cut_ = 0;     ///< where the lines of rows end
  std::int64_t blank_ = 0;   ///< from here on bytes are to become blanks
  std::int64_t token_ = 0;   ///< where the key, scalar or row at hand begins
  std::int64_t wanted_ = 0;  ///< rows that begin before are left out
  bool at_end_ = false;

  std::vector<level> levels_;
  expected expects_ = expected::document;
  inside inside_ = inside::structure;
  int pending_ = 0;         ///< the step that the next value is matched with: all of them are a row; -1: pass over
  std::string brackets_;    ///< what closes the objects and lists inside of the row
  bool row_ended_ = false;  ///< the byte before was the last one of a row
  bool escaped_ = false;    ///< behind a backslash in a text
  bool reached_ = false;    ///< there was something at the path
  bool any_document_ = false;
  bool ran_out_ = false;
  std::int64_t line_ = 1;
  std::int64_t line_begin_ = 0;  ///< its offset in the file
  std::vector<std::string> seen_keys_;
  std::string scratch_;
};

}  // namespace sluice::ndjson
