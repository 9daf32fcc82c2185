#include "engine/formats/csv/line_counter.hpp"

#include <algorithm>
#include <vector>

namespace sluice::csv {

namespace {

constexpr std::int64_t block_bytes = 256 * 1024;

/// Counts line ends in a row of blocks. A CR counts when the next byte is seen not to be a LF.
struct line_ends {
  std::uint64_t count = 0;
  bool open_return = false;

  void add(const std::uint8_t* data, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i) {
      count += data[i] == '\n' || (open_return && data[i] != '\n') ? 1 : 0;
      open_return = data[i] == '\r';
    }
  }
};

}  // namespace

std::uint64_t line_counter::line_at(const input_file& file, std::int64_t offset) {
  if (file.path == "-") return 0;
  const std::lock_guard guard(lock_);
  auto& known = known_[file.path];
  std::int64_t at = 0;
  line_ends ends;
  // Records start behind line ends, so what was remembered never lies inside a CRLF.
  if (auto next = known.upper_bound(offset); next != known.begin() && file.seekable()) {
    --next;
    at = next->first;
    ends.count = next->second;
  }
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(block_bytes));
  if (file.seekable()) {
    const auto open = random_file::open(file);
    if (!open.ok()) return 0;
    while (at < offset) {
      const auto got = (*open)->read_at(at, buffer.data(), std::min(block_bytes, offset - at));
      if (!got.ok() || *got == 0) return 0;
      ends.add(buffer.data(), *got);
      at += *got;
    }
    if (!ends.open_return) known[offset] = ends.count;
  } else {
    const auto stream = open_stream(file);
    if (!stream.ok()) return 0;
    while (at < offset) {
      const auto got = (*stream)->read(buffer.data(), std::min(block_bytes, offset - at));
      if (!got.ok() || *got == 0) return 0;
      ends.add(buffer.data(), *got);
      at += *got;
    }
  }
  return ends.count + (ends.open_return ? 1 : 0) + 1;
}

}  // namespace sluice::csv
