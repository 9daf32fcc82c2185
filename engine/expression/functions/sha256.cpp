// SHA-256 (FIPS 180-4) with the instructions that x86 processors have for it since 2016.
#include "engine/expression/functions/sha256.hpp"

#include <cpuid.h>
#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace sluice::expression {

namespace {

constexpr std::size_t block_bytes = 64;

alignas(16) constexpr std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// The state in the order that the instructions want: A B E F and C D G H, the first in the highest lane.
struct sha_state {
  __m128i abef;
  __m128i cdgh;
};

/// The bytes of each number the other way round: the standard is big-endian.
__attribute__((target("sha,sse4.1"))) inline __m128i swapped(__m128i words) {
  return _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

__attribute__((target("sha,sse4.1"))) void take_blocks(sha_state& state, const char* data, std::size_t count) {
  auto abef = state.abef;
  auto cdgh = state.cdgh;
  for (; count > 0; --count, data += block_bytes) {
    __m128i words[4];
    for (int i = 0; i < 4; ++i) words[i] = swapped(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data + 16 * i)));
    const auto abef_before = abef;
    const auto cdgh_before = cdgh;
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      auto& now = words[i % 4];
      const auto keyed = _mm_add_epi32(now, _mm_load_si128(reinterpret_cast<const __m128i*>(round_constants + 4 * i)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, keyed);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(keyed, 0x0e));
      if (i >= 12) continue;
      const auto next = words[(i + 1) % 4];
      const auto last = words[(i + 3) % 4];
      const auto sum = _mm_add_epi32(_mm_sha256msg1_epu32(now, next), _mm_alignr_epi8(last, words[(i + 2) % 4], 4));
      now = _mm_sha256msg2_epu32(sum, last);
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  state = {abef, cdgh};
}

__attribute__((target("sha,sse4.1"))) void digest(std::string_view text, sha256_digest& out) {
  sha_state state{_mm_set_epi32(0x6a09e667, static_cast<int>(0xbb67ae85), 0x510e527f, static_cast<int>(0x9b05688c)),
                  _mm_set_epi32(0x3c6ef372, static_cast<int>(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19)};
  const auto whole = text.size() / block_bytes;
  take_blocks(state, text.data(), whole);
  // What is left, a 1 bit, zeros, and the length in bits as a big-endian number at the end of a block.
  char rest[2 * block_bytes] = {};
  const auto left = text.size() % block_bytes;
  if (left > 0) std::memcpy(rest, text.data() + whole * block_bytes, left);
  rest[left] = static_cast<char>(0x80);
  const std::size_t blocks = left + 9 > block_bytes ? 2 : 1;
  const auto bits = __builtin_bswap64(std::uint64_t{text.size()} * 8);
  std::memcpy(rest + blocks * block_bytes - 8, &bits, 8);
  take_blocks(state, rest, blocks);
  const auto feba = _mm_shuffle_epi32(state.abef, 0x1b);
  const auto dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
  auto* to = reinterpret_cast<__m128i*>(out.data());
  _mm_storeu_si128(to, swapped(_mm_blend_epi16(feba, dchg, 0xf0)));
  _mm_storeu_si128(to + 1, swapped(_mm_alignr_epi8(dchg, feba, 8)));
}

}  // namespace

bool has_sha_instructions() {
  static const bool has = [] {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 29 & 1) != 0;
  }();
  return has;
}

void sha256_by_instructions(std::string_view text, sha256_digest& out) { digest(text, out); }

}  // namespace sluice::expression
