#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// Lays rows out as a table for people to look at. The widths of the columns are those of the first rows; later values
/// that are wider push their line, nothing is cut off.
class table_text {
 public:
  explicit table_text(std::shared_ptr<arrow::Schema> schema);

  /// Appends the rows; the first ones are kept back until the widths are known.
  void write(const arrow::RecordBatch& rows, std::string& out);
  /// Appends what was kept back.
  void finish(std::string& out);

 private:
  using line = std::vector<std::string>;
  void write_line(const line& cells, std::string& out) const;
  void write_kept(std::string& out);

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::size_t> widths_;
  std::vector<bool> right_;  ///< numbers stand at the right
  std::vector<line> kept_;
  bool begun_ = false;
};

}  // namespace sluice
