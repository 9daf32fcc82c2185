#pragma once

#include "engine/formats/files.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace sluice::csv {

/// Finds line numbers for messages: counts line ends (LF, CRLF, a CR alone) and remembers how far it came. Thread-safe.
class line_counter {
 public:
  /// The line, from 1, that the byte at `offset` of the unpacked file is in; 0 where it can't be read again.
  std::uint64_t line_at(const input_file& file, std::int64_t offset);

 private:
  std::mutex lock_;
  std::map<std::string, std::map<std::int64_t, std::uint64_t>> known_;  ///< file, offset -> line ends before it
};

}  // namespace sluice::csv
