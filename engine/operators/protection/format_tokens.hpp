#pragma once

#include "engine/error/error.hpp"
#include "engine/operators/protection/value_cipher.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::protection {

/// Puts a pseudonym in the place of a text that keeps its format: each digit becomes a digit, each ASCII letter one of
/// the same case, and other ASCII characters stay, so that lengths, separators and patterns remain. The same text gives
/// the same token under a key, and different ASCII texts of a format give different ones (it is a bijection). Letters
/// beyond ASCII become ASCII letters first, and then texts may meet.
///
/// Two passes, from the left and from the right, add to each character a number modulo the size of its alphabet: of
/// AES-256 in CBC-MAC over the length and what was passed before (in the pass's own output). So each character depends
/// on all others. This is no encryption: a short text, such as a postcode, can be guessed by who can ask for tokens.
class format_tokens {
 public:
  static result<std::unique_ptr<format_tokens>> make(const key_bytes& key);
  ~format_tokens();
  format_tokens(const format_tokens&) = delete;
  format_tokens& operator=(const format_tokens&) = delete;

  /// Appends the token of a text.
  void append(std::string_view text, std::string& out);

 private:
  struct state;
  explicit format_tokens(std::unique_ptr<state> own);
  std::unique_ptr<state> state_;
};

}  // namespace sluice::protection
