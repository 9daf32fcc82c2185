#include "engine/formats/parquet/hybrid.hpp"

#include <bit>
#include <cstring>

namespace sluice::parquet_writing {

namespace {

/// Runs shorter than this stay among the packed bits: both forms come in groups of eight.
constexpr std::size_t shortest_run = 16;

void append_run(bytes& out, std::uint32_t value, std::size_t count, int width) {
  append_varint(out, std::uint64_t{count} << 1);
  for (int bits = 0; bits < width; bits += 8) out.push_back(static_cast<std::uint8_t>(value >> bits));
}

/// Packs eight values at a time, the first into the lowest bits; what is missing in the last group is 0.
void append_packed(bytes& out, std::span<const std::uint32_t> values, int width) {
  if (values.empty()) return;
  const auto groups = (values.size() + 7) / 8;
  append_varint(out, (std::uint64_t{groups} << 1) | 1);
  const auto start = out.size();
  const auto size = groups * static_cast<std::size_t>(width);
  out.resize(start + size + 8);  // whole words are stored, also at the end
  auto* to = out.data() + start;
  std::uint64_t gathered = 0;
  int held = 0;
  for (const auto value : values) {
    gathered |= std::uint64_t{value} << held;
    held += width;
    if (held < 32) continue;
    const auto word = static_cast<std::uint32_t>(gathered);
    std::memcpy(to, &word, 4);
    to += 4;
    gathered >>= 32;
    held -= 32;
  }
  std::memcpy(to, &gathered, 8);
  out.resize(start + size);
}

/// The number of equal values from the first one on.
std::size_t run_length(std::span<const std::uint32_t> values) {
  std::size_t count = 1;
  while (count < values.size() && values[count] == values[0]) ++count;
  return count;
}

bool all_equal(const std::uint32_t* values) {
  std::uint32_t differ = 0;
  for (int i = 1; i < 8; ++i) differ |= values[i] ^ values[0];
  return differ == 0;
}

}  // namespace

void append_varint(bytes& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 128));
  out.push_back(static_cast<std::uint8_t>(value));
}

int width_of(std::uint32_t most) { return most == 0 ? 1 : std::bit_width(most); }

void append_hybrid(bytes& out, std::span<const std::uint32_t> values, int width) {
  std::size_t packed_from = 0;  // values before `at` that are still to be packed
  std::size_t at = 0;
  while (at + 8 <= values.size()) {
    if (!all_equal(values.data() + at)) {
      at += 8;
      continue;
    }
    const auto length = run_length(values.subspan(at));
    if (length < shortest_run) {
      at += 8;
      continue;
    }
    append_packed(out, values.subspan(packed_from, at - packed_from), width);
    append_run(out, values[at], length, width);
    at += length;
    packed_from = at;
  }
  append_packed(out, values.subspan(packed_from), width);
}

void append_levels(bytes& out, const std::uint8_t* valid, std::int64_t rows) {
  const auto start = out.size();
  out.resize(start + 4);
  if (valid == nullptr) {
    append_run(out, 1, static_cast<std::size_t>(rows), 1);
  } else {
    // One bit a level, the lowest first, is how Arrow has it, too.
    const auto groups = static_cast<std::size_t>((rows + 7) / 8);
    append_varint(out, (std::uint64_t{groups} << 1) | 1);
    out.insert(out.end(), valid, valid + groups);
  }
  const auto size = static_cast<std::uint32_t>(out.size() - start - 4);
  std::memcpy(out.data() + start, &size, 4);
}

}  // namespace sluice::parquet_writing
