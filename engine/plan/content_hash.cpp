#include "engine/plan/content_hash.hpp"

#include "engine/files/file_faults.hpp"

#include <fcntl.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 1024 * 1024;

struct free_state {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

std::string hex(const XXH3_state_t& state) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&state));
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes.digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace

result<std::vector<std::string>> hash_up_to(const input_file& file, const std::vector<std::int64_t>& ends) {
  SLUICE_ASSIGN(const auto open, random_file::open(file));
  (void)::posix_fadvise(open->handle(), 0, 0, POSIX_FADV_SEQUENTIAL);
  const std::unique_ptr<XXH3_state_t, free_state> state(XXH3_createState());
  if (state == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state.get());
  std::vector<char> block(static_cast<std::size_t>(std::min(block_bytes, ends.back())));
  std::vector<std::string> hashes;
  std::int64_t at = 0;
  for (const auto end : ends) {
    while (at < end) {
      const auto wanted = std::min(block_bytes, end - at);
      SLUICE_ASSIGN(const auto got, open->read_at(at, block.data(), wanted));
      if (got < wanted) return source_shrank(file.name, end, at + got);
      XXH3_128bits_update(state.get(), block.data(), static_cast<std::size_t>(got));
      at += got;
    }
    hashes.push_back(hex(*state));
  }
  return hashes;
}

}  // namespace sluice
