#include "engine/operators/protection/format_tokens.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstring>

namespace sluice::protection {

namespace {

using block = std::array<unsigned char, 16>;

/// Where the alphabet of a character begins, and how many it has; 0: it stays.
struct alphabet {
  char first;
  int size;
};

alphabet alphabet_of(char c) {
  if (c >= '0' && c <= '9') return {'0', 10};
  if (c >= 'a' && c <= 'z') return {'a', 26};
  if (c >= 'A' && c <= 'Z') return {'A', 26};
  return {0, 0};
}

/// Letters beyond ASCII as a lower-case letter each.
std::string folded(std::string_view text) {
  std::string made;
  std::uint32_t letter = 0;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte < 0x80) {
      made += each;
    } else if (byte >= 0xC0) {  // the first byte of a character
      letter = byte;
      made += static_cast<char>('a' + letter % 26);
    } else {
      letter = letter * 64 + byte;
      made.back() = static_cast<char>('a' + letter % 26);
    }
  }
  return made;
}

}  // namespace

struct format_tokens::state {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  ~state() { EVP_CIPHER_CTX_free(context); }

  block step(block in) const {
    block out{};
    int size = 0;
    EVP_EncryptUpdate(context, out.data(), &size, in.data(), static_cast<int>(in.size()));
    return out;
  }

  /// One pass; `at(i)` is the place of the i-th character.
  template <class Place>
  void pass(std::string& text, unsigned char number, Place&& at) const {
    block chain{};
    const std::uint64_t length = text.size();
    std::memcpy(chain.data(), &length, sizeof length);
    chain[15] = number;
    chain = step(chain);
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto& letter = text[at(i)];
      if (const auto of = alphabet_of(letter); of.size > 0) {
        std::uint64_t pseudorandom = 0;
        std::memcpy(&pseudorandom, chain.data(), sizeof pseudorandom);
        letter = static_cast<char>(of.first + (static_cast<std::uint64_t>(letter - of.first) + pseudorandom) %
                                                  static_cast<std::uint64_t>(of.size));
      }
      chain[0] ^= static_cast<unsigned char>(letter);
      chain = step(chain);
    }
  }
};

format_tokens::format_tokens(std::unique_ptr<state> own) : state_(std::move(own)) {}
format_tokens::~format_tokens() = default;

result<std::unique_ptr<format_tokens>> format_tokens::make(const key_bytes& key) {
  auto own = std::make_unique<state>();
  if (own->context == nullptr ||
      EVP_EncryptInit_ex(own->context, EVP_aes_256_ecb(), nullptr, key.data(), nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(own->context, 0) != 1)
    return external_error("crypto_error", "OpenSSL refused AES", "a FIPS installation may forbid it");
  return std::unique_ptr<format_tokens>(new format_tokens(std::move(own)));
}

void format_tokens::append(std::string_view text, std::string& out) {
  auto token = folded(text);
  state_->pass(token, 1, [](std::size_t i) { return i; });
  state_->pass(token, 2, [&](std::size_t i) { return token.size() - 1 - i; });
  out += token;
}

}  // namespace sluice::protection
