#pragma once

#include "app/console.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// Lays out text in columns for a terminal or a file.
class table {
 public:
  struct column {
    std::string title;
    std::string note = {};  ///< a second title line (a type), shown dim
    bool right = false;     ///< numbers
    int shrink_to = 0;      ///< may be cut down to this many columns where the terminal is narrow; 0: never
    int rank = 0;           ///< where there is no room, columns of a higher rank are left out first
    bool wraps = false;     ///< goes on in further lines, between words, instead of being cut
  };
  struct cell {
    std::string text;
    style how = style::plain;
  };

  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }
  /// Puts a rule above the row that is added next (totals).
  void rule() { rules_.push_back(rows_.size()); }
  /// Columns that the widest line takes where nothing is cut.
  [[nodiscard]] int width() const;
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// The lines, each ending in a line break. Columns that do not fit `width` are shortened or left out (by rank, then
  /// from the right), and a last line names these.
  [[nodiscard]] std::string render(int width, bool color, bool unicode) const;

 private:
  [[nodiscard]] std::vector<int> widths() const;
  [[nodiscard]] std::vector<std::size_t> squeeze(std::vector<int>& sizes, int width) const;

  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
  std::vector<std::size_t> rules_;
};

}  // namespace sluice::app
