#include "engine/clients/kafka/scram.hpp"

#include "engine/values/base64.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <charconv>
#include <vector>

namespace sluice::kafka {

namespace {

const EVP_MD* digest_of(scram::hash kind) { return kind == scram::hash::sha256 ? EVP_sha256() : EVP_sha512(); }

std::string hmac(scram::hash kind, const std::string& key, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(digest_of(kind), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), reinterpret_cast<unsigned char*>(out.data()), &size);
  out.resize(size);
  return out;
}

std::string hashed(scram::hash kind, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &size, digest_of(kind), nullptr);
  out.resize(size);
  return out;
}

/// The value of r=, s=, i= or v= in a message.
std::string attribute(std::string_view message, char name) {
  while (!message.empty()) {
    const auto comma = std::min(message.find(','), message.size());
    const auto part = message.substr(0, comma);
    if (part.size() >= 2 && part[0] == name && part[1] == '=') return std::string(part.substr(2));
    message.remove_prefix(std::min(comma + 1, message.size()));
  }
  return {};
}

/// A name in which = and , have their escapes.
std::string escaped(const std::string& user) {
  std::string out;
  for (const char c : user) out += c == '=' ? "=3D" : c == ',' ? "=2C" : std::string(1, c);
  return out;
}

error not_understood() {
  return external_error("kafka_error", "authenticate with SCRAM: the broker's answer is not understood",
                        "check that the address is a broker of Kafka");
}

}  // namespace

scram::scram(hash kind, std::string user, std::string password)
    : kind_(kind), user_(std::move(user)), password_(std::move(password)) {
  std::string random(24, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(random.size()));
  nonce_ = to_base64(random);
}

std::string scram::first_message() const { return "n,,n=" + escaped(user_) + ",r=" + nonce_; }

result<std::string> scram::final_message(std::string_view from_server) {
  const auto nonce = attribute(from_server, 'r');
  const auto salt = from_base64(attribute(from_server, 's')).value_or("");
  const auto rounds_text = attribute(from_server, 'i');
  int rounds = 0;
  std::from_chars(rounds_text.data(), rounds_text.data() + rounds_text.size(), rounds);
  constexpr int most_rounds = 10'000'000;
  if (!nonce.starts_with(nonce_) || salt.empty() || rounds < 1 || rounds > most_rounds) return not_understood();
  std::string salted(static_cast<std::size_t>(EVP_MD_get_size(digest_of(kind_))), '\0');
  PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), rounds,
                    digest_of(kind_), static_cast<int>(salted.size()), reinterpret_cast<unsigned char*>(salted.data()));
  const auto without_proof = "c=biws,r=" + nonce;
  const auto signed_text =
      "n=" + escaped(user_) + ",r=" + nonce_ + "," + std::string(from_server) + "," + without_proof;
  const auto client_key = hmac(kind_, salted, "Client Key");
  auto proof = hmac(kind_, hashed(kind_, client_key), signed_text);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  wanted_signature_ = to_base64(hmac(kind_, hmac(kind_, salted, "Server Key"), signed_text));
  return without_proof + ",p=" + to_base64(proof);
}

status scram::check(std::string_view from_server) const {
  if (!wanted_signature_.empty() && attribute(from_server, 'v') == wanted_signature_) return {};
  return external_error("authentication_failed", "the broker of Kafka does not know the password of " + user_,
                        "check that the address is your own broker");
}

}  // namespace sluice::kafka
