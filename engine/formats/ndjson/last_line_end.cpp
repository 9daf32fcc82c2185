#include "engine/formats/ndjson/last_line_end.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace sluice::ndjson {

result<std::int64_t> last_line_end(const followed_file& file, std::int64_t from, std::int64_t to) {
  constexpr std::int64_t block_bytes = 64 * 1024;
  std::vector<char> block(static_cast<std::size_t>(std::min(to - from, block_bytes)));
  for (auto end = to; end > from;) {
    const auto begin = std::max(from, end - block_bytes);
    SLUICE_ASSIGN(const auto got, file.read_at(begin, block.data(), end - begin));
    const auto* const found = static_cast<const char*>(::memrchr(block.data(), '\n', static_cast<std::size_t>(got)));
    if (found != nullptr) return begin + (found - block.data()) + 1;
    end = begin;
  }
  return from;
}

}  // namespace sluice::ndjson
