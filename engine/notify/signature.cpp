#include "engine/notify/signature.hpp"

#include "engine/values/base64.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

namespace sluice::notify {

namespace {

using scheme = webhook_key::scheme;
constexpr std::size_t ed25519_bytes = 32;  // of a private key, and of a public one
constexpr std::size_t ed25519_signature = 64;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

struct free_key {
  void operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
};
struct free_context {
  void operator()(EVP_MD_CTX* one) const { EVP_MD_CTX_free(one); }
};
using openssl_key = std::unique_ptr<EVP_PKEY, free_key>;
using openssl_context = std::unique_ptr<EVP_MD_CTX, free_context>;

openssl_key openssl_key_of(const webhook_key& key) {
  const auto make = key.what == scheme::ed25519_private ? &EVP_PKEY_new_raw_private_key : &EVP_PKEY_new_raw_public_key;
  return openssl_key(make(EVP_PKEY_ED25519, nullptr, bytes_of(key.bytes), key.bytes.size()));
}

std::string public_bytes(const webhook_key& key) {
  std::array<unsigned char, ed25519_bytes> bytes = {};
  auto length = bytes.size();
  const auto used = openssl_key_of(key);
  if (used == nullptr || EVP_PKEY_get_raw_public_key(used.get(), bytes.data(), &length) != 1) return {};
  return {reinterpret_cast<const char*>(bytes.data()), length};
}

/// The bytes behind a prefix; nullopt where the text has another one, or no base64.
std::optional<std::string> decoded(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return from_base64(text);
}

std::optional<webhook_key> shared_key(std::string_view text) {
  auto bytes = decoded(text, "whsec_");
  if (!bytes || bytes->size() < 24 || bytes->size() > 64) return std::nullopt;
  return webhook_key{scheme::hmac, *std::move(bytes)};
}

std::string content_of(std::string_view id, std::int64_t seconds, std::string_view body) {
  std::string content(id);
  return content.append(".").append(std::to_string(seconds)).append(".").append(body);
}

std::string hmac_of(const webhook_key& key, const std::string& content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.bytes.data(), static_cast<int>(key.bytes.size()), bytes_of(content), content.size(),
       bytes.data(), &length);
  return {reinterpret_cast<const char*>(bytes.data()), length};
}

std::string ed25519_of(const webhook_key& key, const std::string& content) {
  std::array<unsigned char, ed25519_signature> bytes = {};
  auto length = bytes.size();
  const auto used = openssl_key_of(key);
  const openssl_context context(EVP_MD_CTX_new());
  if (used == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, used.get()) != 1 ||
      EVP_DigestSign(context.get(), bytes.data(), &length, bytes_of(content), content.size()) != 1)
    return {};
  return {reinterpret_cast<const char*>(bytes.data()), length};
}

bool is_ed25519_of(const webhook_key& key, const std::string& signature, const std::string& content) {
  const auto used = openssl_key_of(key);
  const openssl_context context(EVP_MD_CTX_new());
  return signature.size() == ed25519_signature && used != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, used.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(content), content.size()) == 1;
}

bool same(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

result<webhook_key> key_to_sign(std::string_view text) {
  if (auto key = shared_key(text)) return *std::move(key);
  if (const auto bytes = decoded(text, "whsk_");
      bytes && (bytes->size() == ed25519_bytes || bytes->size() == 2 * ed25519_bytes)) {
    webhook_key key{scheme::ed25519_private, bytes->substr(0, ed25519_bytes)};
    const auto given = bytes->substr(ed25519_bytes);
    if (given.empty() || given == public_bytes(key)) return key;
    return user_error("invalid_option", "the public key in the second half of whsk_ is not that of the private key",
                      "give the first 32 bytes alone");
  }
  return user_error("invalid_option",
                    "a signing key must be whsec_ and the base64 of 24 to 64 random bytes, or whsk_ and that of an "
                    "ed25519 key of 32 bytes",
                    "make one: echo whsec_$(openssl rand -base64 32)");
}

result<webhook_key> key_to_check(std::string_view text) {
  if (auto key = shared_key(text)) return *std::move(key);
  if (auto bytes = decoded(text, "whpk_"); bytes && bytes->size() == ed25519_bytes)
    return webhook_key{scheme::ed25519_public, *std::move(bytes)};
  return user_error("invalid_option",
                    "a key of incoming webhooks must be whsec_ and the base64 of 24 to 64 random bytes, or whpk_ and "
                    "that of the sender's public ed25519 key",
                    "make one: echo whsec_$(openssl rand -base64 32)");
}

std::string signature_of(const std::vector<webhook_key>& keys, std::string_view id, std::int64_t seconds,
                         std::string_view body) {
  const auto content = content_of(id, seconds, body);
  std::string all;
  for (const auto& key : keys) {
    const bool shared = key.what == scheme::hmac;
    if (!all.empty()) all += ' ';
    all += (shared ? "v1," : "v1a,") + to_base64(shared ? hmac_of(key, content) : ed25519_of(key, content));
  }
  return all;
}

bool is_signed(const webhook_key& key, std::string_view signatures, std::string_view id, std::int64_t seconds,
               std::string_view body) {
  const auto content = content_of(id, seconds, body);
  const auto wanted = key.what == scheme::hmac ? "v1," + to_base64(hmac_of(key, content)) : std::string();
  while (!signatures.empty()) {
    const auto one = signatures.substr(0, signatures.find(' '));
    signatures.remove_prefix(std::min(one.size() + 1, signatures.size()));
    if (key.what == scheme::hmac) {
      if (same(one, wanted)) return true;
    } else if (const auto bytes = decoded(one, "v1a,"); bytes && is_ed25519_of(key, *bytes, content)) {
      return true;
    }
  }
  return false;
}

}  // namespace sluice::notify
