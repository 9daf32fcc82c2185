#pragma once

#include "engine/error/error.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::protection {

/// 32 bytes.
using key_bytes = std::array<std::uint8_t, 32>;

/// Reads a key of 32 bytes, written as 64 hexadecimal digits or in base64. The error does not show it.
result<key_bytes> read_key(std::string_view text);

/// A key made of another one for a purpose: HMAC-SHA256 of the purpose.
key_bytes derived_key(std::string_view key, std::string_view purpose);

/// True for a name of a key that can stand in a value: letters, digits, - and _, at most 32.
bool is_key_id(std::string_view id);

/// Encrypts single values with one key. Not thread-safe.
///
/// A value becomes text: "enc1:KEY_ID:" and base64 of nonce (12 bytes, random), AES-256-GCM and its tag (16 bytes); or,
/// where equal values have to stay equal for joins, "siv1:KEY_ID:" and base64 of tag and AES-256-SIV (RFC 5297), whose
/// two keys are derived from the key. The part before the base64 is authenticated, too.
class value_cipher {
 public:
  static result<std::unique_ptr<value_cipher>> make(const key_bytes& key, std::string id, bool joinable);
  ~value_cipher();
  value_cipher(const value_cipher&) = delete;
  value_cipher& operator=(const value_cipher&) = delete;

  /// Appends the encrypted value.
  status encrypt(std::string_view value, std::string& out);

 private:
  struct state;
  explicit value_cipher(std::unique_ptr<state> own);
  std::unique_ptr<state> state_;
};

/// What an encrypted value says of itself; views into it.
struct sealed_value {
  bool joinable = false;
  std::string_view key_id;
  std::string_view head;  ///< all before the base64
  std::string_view body;
};
/// Takes a value apart; false where it is none.
bool read_sealed(std::string_view text, sealed_value& into);

/// Decrypts values of one key. Not thread-safe.
class value_opener {
 public:
  explicit value_opener(const key_bytes& key);
  ~value_opener();
  value_opener(const value_opener&) = delete;
  value_opener& operator=(const value_opener&) = delete;

  /// Appends the value; false where it was changed, or encrypted with another key.
  bool decrypt(const sealed_value& from, std::string& out);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice::protection
