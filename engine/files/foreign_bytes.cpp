#include "engine/files/foreign_bytes.hpp"

#include "engine/values/utf8.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr std::size_t looked_at = 256;

/// How many bytes at even and at odd places are zero.
struct zero_count {
  std::size_t even = 0;
  std::size_t odd = 0;
};

zero_count count_zeros(std::string_view first) {
  zero_count zeros;
  for (std::size_t i = 0; i < first.size(); ++i)
    if (first[i] == '\0') ++(i % 2 == 0 ? zeros.even : zeros.odd);
  return zeros;
}

/// The begin of a text may end within a character.
bool begins_as_utf8(std::string_view first) {
  for (int cut = 0; cut < 4 && !first.empty(); ++cut, first.remove_suffix(1))
    if (is_utf8(first)) return true;
  return first.empty();
}

}  // namespace

compression packed_as(std::string_view first) {
  const auto starts = [&](std::string_view magic) { return first.substr(0, magic.size()) == magic; };
  if (starts("\x1F\x8B\x08")) return compression::gzip;
  if (starts("\x28\xB5\x2F\xFD")) return compression::zstd;
  if (starts("\x04\x22\x4D\x18")) return compression::lz4;
  const auto block = first.substr(std::min<std::size_t>(first.size(), 4), 6);
  if (starts("BZh") && (block == "\x31\x41\x59\x26\x53\x59" || block == "\x17\x72\x45\x38\x50\x90"))
    return compression::bz2;
  return compression::none;
}

bool may_be_packed(std::string_view begin) {
  for (const std::string_view magic : {"\x1F\x8B\x08", "\x28\xB5\x2F\xFD", "\x04\x22\x4D\x18", "BZh"}) {
    const auto common = std::min(begin.size(), magic.size());
    if (begin.substr(0, common) == magic.substr(0, common)) return true;
  }
  return false;
}

bool looks_like_utf16(std::string_view first) {
  first = first.substr(0, looked_at);
  const auto zeros = count_zeros(first);
  // Characters of other alphabets have no zeros, but separators, line ends and digits have.
  const auto most = std::max(zeros.even, zeros.odd);
  return most >= 3 && most * 3 >= first.size() / 2 && std::min(zeros.even, zeros.odd) == 0;
}

std::string option_for_bytes(const input_file& file, std::string_view first) {
  if (const auto packed = packed_as(first); packed != compression::none && file.packed == compression::none)
    return "its first bytes are those of a compressed file; set compression: " + std::string(name_of(packed));
  if (looks_like_utf16(first)) {
    const auto zeros = count_zeros(first.substr(0, looked_at));
    return std::string("it looks like UTF-16 without a byte order mark; set encoding: ") +
           (zeros.odd > zeros.even ? "utf-16le" : "utf-16be");
  }
  if (!begins_as_utf8(first.substr(0, 64 * 1024)))
    return "it is not UTF-8; set its encoding, for example encoding: latin-1 or windows-1252";
  return {};
}

}  // namespace sluice
