#include "engine/operators/protection/value_cipher.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <vector>

namespace sluice::protection {

namespace {

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::string_view gcm_head = "enc1:";
constexpr std::string_view siv_head = "siv1:";

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

struct freer {
  void operator()(EVP_CIPHER_CTX* of) const { EVP_CIPHER_CTX_free(of); }
  void operator()(EVP_CIPHER* of) const { EVP_CIPHER_free(of); }
};
using context_ptr = std::unique_ptr<EVP_CIPHER_CTX, freer>;
using cipher_ptr = std::unique_ptr<EVP_CIPHER, freer>;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/// Decodes base64 with its padding; false where it is none.
bool decode_base64(std::string_view text, std::vector<unsigned char>& out) {
  out.resize(text.size() / 4 * 3 + 3);
  if (text.empty() || text.size() % 4 != 0) return false;
  const int size = EVP_DecodeBlock(out.data(), bytes_of(text), static_cast<int>(text.size()));
  if (size < 0) return false;
  const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  out.resize(static_cast<std::size_t>(size) - padding);
  return true;
}

void append_base64(const std::vector<unsigned char>& bytes, std::string& out) {
  const auto before = out.size();
  out.resize(before + (bytes.size() + 2) / 3 * 4 + 1);
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + before), bytes.data(),
                                   static_cast<int>(bytes.size()));
  out.resize(before + static_cast<std::size_t>(size));
}

std::array<std::uint8_t, 64> siv_keys(const key_bytes& key) {
  const std::string_view whole(reinterpret_cast<const char*>(key.data()), key.size());
  const auto first = derived_key(whole, "sluice siv 1");
  const auto second = derived_key(whole, "sluice siv 2");
  std::array<std::uint8_t, 64> both{};
  std::copy(first.begin(), first.end(), both.begin());
  std::copy(second.begin(), second.end(), both.begin() + 32);
  return both;
}

cipher_ptr fetch(bool joinable) {
  return cipher_ptr(EVP_CIPHER_fetch(nullptr, joinable ? "AES-256-SIV" : "AES-256-GCM", nullptr));
}

error refused() {
  return external_error("crypto_error", "OpenSSL refused to encrypt a value",
                        "a FIPS installation may forbid the algorithm");
}

}  // namespace

result<key_bytes> read_key(std::string_view text) {
  key_bytes key{};
  const bool hex = text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return hex_value(c) >= 0; });
  if (hex) {
    for (std::size_t i = 0; i < key.size(); ++i)
      key[i] = static_cast<std::uint8_t>(hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]));
    return key;
  }
  std::vector<unsigned char> bytes;
  if (decode_base64(text, bytes) && bytes.size() == key.size()) {
    std::copy(bytes.begin(), bytes.end(), key.begin());
    return key;
  }
  return user_error("invalid_key",
                    "a key has 32 bytes, as 64 hexadecimal digits or in base64; this one has " +
                        std::to_string(text.size()) + " characters",
                    "make one by: openssl rand -hex 32");
}

key_bytes derived_key(std::string_view key, std::string_view purpose) {
  key_bytes made{};
  unsigned int size = made.size();
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(purpose), purpose.size(), made.data(), &size);
  return made;
}

bool is_key_id(std::string_view id) {
  return !id.empty() && id.size() <= 32 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

struct value_cipher::state {
  bool joinable = false;
  std::string head;
  cipher_ptr cipher;
  context_ptr context;
  std::array<std::uint8_t, 64> siv_key{};
  std::vector<unsigned char> sealed;
};

value_cipher::value_cipher(std::unique_ptr<state> own) : state_(std::move(own)) {}
value_cipher::~value_cipher() = default;

result<std::unique_ptr<value_cipher>> value_cipher::make(const key_bytes& key, std::string id, bool joinable) {
  auto own = std::make_unique<state>();
  own->joinable = joinable;
  own->head = std::string(joinable ? siv_head : gcm_head) + id + ":";
  own->cipher = fetch(joinable);
  own->context.reset(EVP_CIPHER_CTX_new());
  if (!own->cipher || !own->context) return refused();
  if (joinable)
    own->siv_key = siv_keys(key);
  else if (EVP_EncryptInit_ex2(own->context.get(), own->cipher.get(), key.data(), nullptr, nullptr) != 1)
    return refused();
  return std::unique_ptr<value_cipher>(new value_cipher(std::move(own)));
}

status value_cipher::encrypt(std::string_view value, std::string& out) {
  auto& own = *state_;
  auto* const context = own.context.get();
  int size = 0;
  const auto begin = own.joinable ? tag_size : nonce_size;
  own.sealed.resize(begin + value.size() + (own.joinable ? 0 : tag_size));
  if (own.joinable) {
    // A context of SIV takes one value.
    if (EVP_EncryptInit_ex2(context, own.cipher.get(), own.siv_key.data(), nullptr, nullptr) != 1) return refused();
  } else if (RAND_bytes(own.sealed.data(), nonce_size) != 1 ||
             EVP_EncryptInit_ex2(context, nullptr, nullptr, own.sealed.data(), nullptr) != 1) {
    return refused();
  }
  // SIV is finished by a call that gives no bytes, and wants one even for an empty value.
  if (EVP_EncryptUpdate(context, nullptr, &size, bytes_of(own.head), static_cast<int>(own.head.size())) != 1 ||
      EVP_EncryptUpdate(context, own.sealed.data() + begin, &size, bytes_of(value), static_cast<int>(value.size())) !=
          1)
    return refused();
  int rest = 0;
  unsigned char none[tag_size];
  auto* const tag = own.joinable ? own.sealed.data() : own.sealed.data() + begin + value.size();
  if (EVP_EncryptFinal_ex(context, none, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_size, tag) != 1)
    return refused();
  out += own.head;
  append_base64(own.sealed, out);
  return {};
}

bool read_sealed(std::string_view text, sealed_value& into) {
  into.joinable = text.starts_with(siv_head);
  if (!into.joinable && !text.starts_with(gcm_head)) return false;
  const auto colon = text.find(':', gcm_head.size());
  if (colon == std::string_view::npos) return false;
  into.key_id = text.substr(gcm_head.size(), colon - gcm_head.size());
  into.head = text.substr(0, colon + 1);
  into.body = text.substr(colon + 1);
  return is_key_id(into.key_id);
}

struct value_opener::state {
  key_bytes key;
  std::array<std::uint8_t, 64> siv_key;
  cipher_ptr gcm = fetch(false);
  cipher_ptr siv = fetch(true);
  context_ptr context{EVP_CIPHER_CTX_new()};
  std::vector<unsigned char> sealed, opened;
};

value_opener::value_opener(const key_bytes& key) : state_(std::make_unique<state>()) {
  state_->key = key;
  state_->siv_key = siv_keys(key);
}
value_opener::~value_opener() = default;

bool value_opener::decrypt(const sealed_value& from, std::string& out) {
  auto& own = *state_;
  auto* const context = own.context.get();
  const auto least = from.joinable ? tag_size : nonce_size + tag_size;
  if (!own.gcm || !own.siv || context == nullptr || !decode_base64(from.body, own.sealed) || own.sealed.size() < least)
    return false;
  const auto length = own.sealed.size() - least;
  auto* const body = own.sealed.data() + (from.joinable ? tag_size : nonce_size);
  auto* const tag = from.joinable ? own.sealed.data() : body + length;
  own.opened.resize(length + tag_size);
  int size = 0, rest = 0;
  const bool good =
      EVP_DecryptInit_ex2(context, from.joinable ? own.siv.get() : own.gcm.get(),
                          from.joinable ? own.siv_key.data() : own.key.data(),
                          from.joinable ? nullptr : own.sealed.data(), nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_size, tag) == 1 &&
      EVP_DecryptUpdate(context, nullptr, &size, bytes_of(from.head), static_cast<int>(from.head.size())) == 1 &&
      EVP_DecryptUpdate(context, own.opened.data(), &size, body, static_cast<int>(length)) == 1 &&
      EVP_DecryptFinal_ex(context, own.opened.data() + length, &rest) == 1;
  if (!good) return false;
  out.append(reinterpret_cast<const char*>(own.opened.data()), length);
  return true;
}

}  // namespace sluice::protection
