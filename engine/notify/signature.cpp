#include "engine/notify/signature.hpp"

#include "engine/values/base64.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace sluice::notify {

namespace {

error unusable() {
  return user_error("invalid_option", "a signing key must be whsec_ and the base64 of 24 to 64 random bytes",
                    "make one: echo whsec_$(openssl rand -base64 32)");
}

}  // namespace

result<std::string> signing_key(std::string_view text) {
  constexpr std::string_view prefix = "whsec_";
  if (!text.starts_with(prefix)) return unusable();
  text.remove_prefix(prefix.size());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() < 24 || bytes->size() > 64) return unusable();
  return *bytes;
}

std::string signature_of(const std::vector<std::string>& keys, std::string_view id, std::int64_t seconds,
                         std::string_view body) {
  std::string content(id);
  content.append(".").append(std::to_string(seconds)).append(".").append(body);
  std::string all;
  for (const auto& key : keys) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
    unsigned int length = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(content.data()),
         content.size(), bytes.data(), &length);
    all += (all.empty() ? "v1," : " v1,") + to_base64({reinterpret_cast<const char*>(bytes.data()), length});
  }
  return all;
}

}  // namespace sluice::notify
