#pragma once

#include "engine/component/component.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::fuzz {

/// A file that lives in memory and is found by a path like any other.
class memory_file {
 public:
  memory_file();
  ~memory_file();
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;

  void write(std::string_view content);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int handle_;
  std::string path_;
};

/// What a source made of a file: the rows of all splits one after the other, as text, and the rejects.
struct reading {
  std::string schema;
  std::vector<std::string> columns;                            ///< one text a column, all rows
  std::vector<std::pair<std::uint64_t, std::string>> rejects;  ///< byte in the file, and code
  std::uint64_t records = 0;
  std::uint64_t rows = 0;
  std::string problem;  ///< the code of the error that ended it
};

/// Reads a file by a source, all splits in order. Aborts where a batch is not valid or the counts don't add up.
reading read_file(const component& by, source_request request,
                  std::vector<std::shared_ptr<arrow::RecordBatch>>* keep = nullptr);

/// Says what went wrong and ends the process.
[[noreturn]] void broken_promise(const std::string& what);

}  // namespace sluice::fuzz
