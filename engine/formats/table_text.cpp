#include "engine/formats/table_text.hpp"

#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr std::size_t rows_for_widths = 1000;

/// Characters, not bytes, of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// A value on one line: control characters, which could also steer the terminal, are shown as escapes.
std::string cell_text(const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return "null";
  const auto text = value_text(column, row);
  std::string shown;
  for (const char c : text) {
    if (c == '\n') {
      shown += "\\n";
    } else if (c == '\t') {
      shown += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      static constexpr char digits[] = "0123456789abcdef";
      shown += {'\\', 'x', digits[c >> 4 & 15], digits[c & 15]};
    } else {
      shown += c;
    }
  }
  return shown;
}

}  // namespace

table_text::table_text(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {
  for (const auto& field : schema_->fields()) {
    widths_.push_back(width_of(field->name()));
    const auto id = field->type()->id();
    right_.push_back(arrow::is_integer(id) || arrow::is_floating(id) || arrow::is_decimal(id));
  }
}

void table_text::write(const arrow::RecordBatch& rows, std::string& out) {
  for (std::int64_t row = 0; row < rows.num_rows(); ++row) {
    line cells;
    for (const auto& column : rows.columns()) cells.push_back(cell_text(*column, row));
    if (begun_) {
      write_line(cells, out);
      continue;
    }
    for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], width_of(cells[i]));
    kept_.push_back(std::move(cells));
    if (kept_.size() == rows_for_widths) write_kept(out);
  }
}

void table_text::finish(std::string& out) {
  if (!begun_) write_kept(out);
}

void table_text::write_kept(std::string& out) {
  begun_ = true;
  write_line(schema_->field_names(), out);
  line rules;
  for (const auto width : widths_) rules.emplace_back(width, '-');
  write_line(rules, out);
  for (const auto& cells : kept_) write_line(cells, out);
  kept_.clear();
}

void table_text::write_line(const line& cells, std::string& out) const {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto width = width_of(cells[i]);
    const std::string blanks(widths_[i] > width ? widths_[i] - width : 0, ' ');
    if (i > 0) out += "  ";
    // Nothing follows the last column: no blanks at the end of a line.
    out += right_[i] ? blanks + cells[i] : cells[i] + (i + 1 < cells.size() ? blanks : "");
  }
  out += '\n';
}

}  // namespace sluice
