#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::csv {

/// How CSV is written (RFC 4180 where nothing else is said).
struct writer_rules {
  char separator = ',';
  char quote = '"';
  bool header = true;
  bool quote_all = false;  ///< every value, not only where needed; nulls never
  std::string null_value;
  std::string line_end = "\n";
};

/// Formats batches. One growing buffer, no text per cell.
class writer {
 public:
  writer(writer_rules rules, std::shared_ptr<arrow::Schema> schema);
  ~writer();

  /// Appends the line of column names.
  void write_header();
  /// Appends the rows of a batch of the schema.
  void write(const arrow::RecordBatch& rows);

  /// What was written and not yet taken.
  [[nodiscard]] const char* data() const { return buffer_.get(); }
  [[nodiscard]] std::size_t size() const { return used_; }
  void clear() { used_ = 0; }
  /// Ends lines that are written from now on otherwise.
  void end_lines_by(std::string line_end) { rules_.line_end = std::move(line_end); }

 private:
  struct column;
  void append(std::string_view bytes);
  void make_room(std::size_t more);
  char* write_rows(std::vector<column>& columns, std::int64_t from, std::int64_t to, char* out) const;
  char* write_cell(const column& each, std::int64_t row, char* out) const;
  char* write_text(std::string_view text, bool clean, char* out) const;
  char* write_quoted(std::string_view text, char* out) const;
  [[nodiscard]] bool needs_quotes(std::string_view text) const;
  [[nodiscard]] bool is_clean(const char* data, std::size_t size) const;

  writer_rules rules_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  bool quote_fixed_ = false;  ///< numbers and dates, too
};

}  // namespace sluice::csv
