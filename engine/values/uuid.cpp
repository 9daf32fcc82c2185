#include "engine/values/uuid.hpp"

#include <openssl/evp.h>
#include <sys/random.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <mutex>

namespace sluice {

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  // Up to 256 bytes come whole, and never fail once the kernel has booted.
  while (getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
  }
  return bits;
}

std::string uuid_v7() {
  using namespace std::chrono;
  static std::mutex guard;
  static std::uint64_t last = 0;
  auto milliseconds = static_cast<std::uint64_t>(
      duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count());
  auto random = random_bits();
  std::uint64_t head = 0;  // time and the 12 bits behind it, as one number that only grows
  {
    const std::lock_guard lock(guard);
    head = (milliseconds << 12) | (random >> 52);
    if (head <= last) head = last + 1;
    last = head;
  }
  const auto tail = (random_bits() & 0x3fffffffffffffffU) | 0x8000000000000000U;
  std::array<char, 40> text = {};
  std::snprintf(text.data(), text.size(), "%08llx-%04llx-7%03llx-%04llx-%012llx",
                static_cast<unsigned long long>(head >> 28), static_cast<unsigned long long>((head >> 12) & 0xffff),
                static_cast<unsigned long long>(head & 0xfff), static_cast<unsigned long long>(tail >> 48),
                static_cast<unsigned long long>(tail & 0xffffffffffffU));
  return text.data();
}

std::string uuid_v8(std::string_view name) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(name.data(), name.size(), digest.data(), &length, EVP_sha256(), nullptr);
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t at = 0; at < 16; ++at) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", digest[at]);
    text += two.data();
    if (at == 3 || at == 5 || at == 7 || at == 9) text += '-';
  }
  return text;
}

}  // namespace sluice
