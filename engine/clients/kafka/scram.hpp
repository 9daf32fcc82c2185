#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <string_view>

namespace sluice::kafka {

/// The client's side of SCRAM (RFC 5802), without channel binding.
class scram {
 public:
  enum class hash { sha256, sha512 };
  scram(hash kind, std::string user, std::string password);

  [[nodiscard]] std::string first_message() const;
  /// Answers the server's first message.
  result<std::string> final_message(std::string_view from_server);
  /// Whether the server's last message proves that it knows the password as well.
  [[nodiscard]] status check(std::string_view from_server) const;

 private:
  hash kind_;
  std::string user_;
  std::string password_;
  std::string nonce_;
  std::string wanted_signature_;  ///< of the server, in base64
};

}  // namespace sluice::kafka
