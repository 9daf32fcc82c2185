#pragma once

#include "engine/error/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cluster {

/// Most bytes of a handshake of CAF's protocol and of its messages about actors, and of the messages themselves. CAF
/// makes room for what a header claims, up to 4 GiB.
inline constexpr std::size_t most_handshake_bytes = 64 * 1024;
inline constexpr std::size_t most_message_bytes = 256 * 1024 * 1024;

/// Stands between a connection and CAF's protocol (BASP, version 3) and lets pass only what nodes send each other, in
/// the order in which they do: first a handshake, then messages that may travel, to actors by their number, and what
/// CAF needs to watch actors. Messages of another kind are dropped and named; what could not be followed any further,
/// or breaks CAF, is an error. Pure: keeps no more than the begin of one message.
class control_filter {
 public:
  /// Who sends the bytes: handshakes of the two differ.
  enum class sender : std::uint8_t { dialler, acceptor };

  /// What is said of a dropped message that names its receiver.
  static constexpr const char* by_name = "a message to an actor by its name";

  explicit control_filter(sender who) : who_(who) {}

  /// Takes bytes in any pieces; appends those that pass to `out`. After an error nothing passes any more.
  status take(std::string_view bytes, std::string& out);
  /// What was dropped since the last call, for the log.
  std::vector<std::string> take_dropped() { return std::exchange(dropped_, {}); }
  /// True once the first message has passed whole.
  [[nodiscard]] bool has_begun() const { return begun_; }

 private:
  status check_header();
  status check_handshake();
  bool judge();

  sender who_;
  std::string head_;         ///< the header and the begin of the payload, until it is judged
  std::size_t payload_ = 0;  ///< size of the whole payload
  bool header_read_ = false;
  std::size_t left_ = 0;  ///< of the payload of a judged message
  bool passes_ = false;   ///< that message
  int handshakes_ = 0;
  bool begun_ = false;
  std::vector<std::string> dropped_;
};

}  // namespace sluice::cluster
