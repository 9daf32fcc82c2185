#include "engine/formats/csv/last_record_end.hpp"

#include "engine/files/files.hpp"
#include "engine/formats/csv/record_index.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace sluice::csv {

namespace {

constexpr std::int64_t block_bytes = 512 * 1024;
constexpr std::int64_t padding = 64;  // SIMD code reads so far beyond what it looks at

/// Where the records begin behind header and skipped lines; 0 where these are not complete.
result<std::int64_t> begin_of_records(const followed_file& file, const file_rules& rules, std::int64_t to) {
  const input_file looked_at{.name = file.name(), .path = file.path(), .size = to, .encoding = text_encoding::utf8};
  SLUICE_ASSIGN(const auto layout, read_layout(looked_at, rules));
  if (layout.data_begin < to) return layout.data_begin;
  char last = 0;
  SLUICE_ASSIGN(const auto got, file.read_at(to - 1, &last, 1));
  return got == 1 && last == '\n' && layout.data_begin == to ? to : 0;
}

}  // namespace

result<std::int64_t> last_record_end(const file_rules& rules, const followed_file& file, std::int64_t from,
                                     std::int64_t to) {
  auto found = from;
  if (from == 0) {
    SLUICE_ASSIGN(found, begin_of_records(file, rules, to));
    if (found == 0) return from;
  }
  record_index index(rules.rules, best_simd_level());
  index.reset(padding);
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min(to - found, block_bytes) + 3 * padding));
  std::int64_t left = 0;  // bytes of the block before that were not scanned: a CR that waits for the byte behind it
  for (auto at = found; at < to;) {
    auto* const data = buffer.data() + padding;
    SLUICE_ASSIGN(const auto got, file.read_at(at, data + left, std::min(to - at, block_bytes)));
    if (got == 0) break;
    std::memset(data + left + got, 0, padding);
    const auto begin = at - left;  // of data[0] in the file
    index.forget();
    const auto size = static_cast<std::uint32_t>(left + got);
    const auto scanned = index.scan(data, 0, size, false);
    if (index.records() > 0) found = begin + index.ends()[index.record_ends()[index.records() - 1]] + 1;
    left = size - std::min(scanned, size);
    std::memmove(data, data + size - left, static_cast<std::size_t>(left));
    at += got;
  }
  // A separator of several bytes could begin in what was not scanned, but not where that ends a line.
  auto* const rest = buffer.data() + padding;
  if (left == 0 || rest[left - 1] != '\n') return found;
  std::memset(rest + left, 0, padding);
  index.forget();
  index.scan(rest, 0, static_cast<std::uint32_t>(left), true);
  return index.in_quotes() ? found : to;
}

}  // namespace sluice::csv
