#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::smtp {

struct server {
  std::string url = {};   ///< smtp://host:587 (STARTTLS) or smtps://host:465
  std::string user = {};  ///< empty: without a login
  std::string password = {};
  std::string ca = {};  ///< file of certificates to trust instead of the system's
  bool plain = false;   ///< without TLS
};

struct mail {
  std::string from = {};             ///< address
  std::vector<std::string> to = {};  ///< addresses
  std::string content = {};          ///< header and body, lines ending in CR LF
  std::chrono::milliseconds limit{15'000};
};

/// What the server said of one recipient.
struct recipient_answer {
  std::string to = {};
  bool taken = false;
  bool for_good = false;  ///< refused with a code from 500 to 599: trying again does not help
  std::string answer = {};
  std::vector<std::string> steps = {};
};

/// Sends a mail to each recipient by itself, over one connection, so that one bad address keeps nobody else from being
/// told. TLS is required unless the server is `plain`. Blocks.
std::vector<recipient_answer> send(const server& through, const mail& what, const std::atomic<bool>& stopped);

/// Whether a text can be an address without changing the dialogue with a server: one @, no blanks, controls or < >.
bool is_address(const std::string& text);

}  // namespace sluice::smtp
