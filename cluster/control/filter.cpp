#include "cluster/control/filter.hpp"

#include "cluster/control/travelling.hpp"

#include <caf/atom.hpp>

#include <algorithm>

namespace sluice::cluster {

namespace {

// CAF 0.17, libcaf_io/caf/io/basp/header.hpp: operation, two bytes of padding, flags, payload length (4 bytes), data of
// the operation, number of the sending and of the receiving actor (8 bytes each), highest byte first.
constexpr std::size_t header_bytes = 32;
enum operation : std::uint8_t {
  server_handshake,
  client_handshake,
  direct_message,
  routed_message,
  monitor_message,
  down_message,
  heartbeat
};
constexpr std::uint8_t named_receiver = 1, select_connection = 2;
constexpr std::uint64_t protocol_version = 3;
/// The number of a message has flags above the number of its request, if it has one. Messages of streams are never
/// sent.
constexpr std::uint64_t is_answer = 0x8000000000000000, is_of_stream = 0x2000000000000000;

// Within a payload: a node's id is an atom (8 bytes), then for the usual kind the process (4 bytes) and the host (20).
constexpr std::size_t atom_bytes = 8, node_id_bytes = 32;
constexpr auto usual_node_id = static_cast<std::uint64_t>(caf::atom("default"));

/// No type of a message is longer than this; a longer one is none of ours.
constexpr std::size_t most_type_bytes = 200;
/// How much of a payload is looked at: two nodes, the number of actors on the way, and the type.
constexpr std::size_t most_prefix_bytes = 2 * node_id_bytes + 1 + 2 + 2 + most_type_bytes;

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// Foreign text for the log.
std::string printable(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

error malformed(const std::string& what) { return external_error("malformed_frame", what); }

/// Reads a payload as far as it has come.
class payload_reader {
 public:
  explicit payload_reader(std::string_view bytes) : left_(bytes) {}

  [[nodiscard]] bool has(std::size_t bytes) const { return left_.size() >= bytes; }
  std::uint64_t number(std::size_t bytes) {
    const auto value = number_at(left_, 0, bytes);
    left_.remove_prefix(bytes);
    return value;
  }
  std::string_view text(std::size_t bytes) {
    const auto value = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return value;
  }
  /// A node's id of the usual kind; false: of another kind.
  bool skip_node_id() {
    if (number(atom_bytes) != usual_node_id) return false;
    left_.remove_prefix(node_id_bytes - atom_bytes);
    return true;
  }
  /// A length of up to 14 bits in one or two bytes; larger ones give a number that no length here may have.
  std::uint64_t length() {
    const auto low = number(1);
    if (low < 128) return low;
    const auto high = number(1);
    return high < 128 ? (low & 127) | high << 7 : UINT64_MAX;
  }

 private:
  std::string_view left_;
};

}  // namespace

status control_filter::take(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const auto some = std::min(left_, bytes.size());
      if (passes_) out.append(bytes.substr(0, some));
      bytes.remove_prefix(some);
      left_ -= some;
      if (left_ == 0) begun_ = true;
      continue;
    }
    // The begin of a message: its header, then as much of the payload as its verdict needs.
    const auto known = header_read_ ? std::min(payload_, most_prefix_bytes) : 0;
    const auto some = std::min(header_bytes + known - head_.size(), bytes.size());
    head_.append(bytes.substr(0, some));
    bytes.remove_prefix(some);
    if (!header_read_) {
      if (head_.size() < header_bytes) continue;
      SLUICE_TRY(check_header());
      header_read_ = true;
    }
    const bool all_known = head_.size() == header_bytes + std::min(payload_, most_prefix_bytes);
    if (!all_known) continue;
    passes_ = judge();
    left_ = payload_ - (head_.size() - header_bytes);
    if (passes_) out.append(head_);
    if (left_ == 0) begun_ = true;
    head_.clear();
    header_read_ = false;
  }
  return {};
}

status control_filter::check_header() {
  const auto what = static_cast<std::uint8_t>(head_[0]);
  payload_ = number_at(head_, 4, 4);
  const auto data = number_at(head_, 8, 8), from = number_at(head_, 16, 8), to = number_at(head_, 24, 8);
  if (what == server_handshake || what == client_handshake) return check_handshake();
  if (handshakes_ == 0) return malformed("it does not begin with a handshake");
  const auto most = what == direct_message || what == routed_message ? most_message_bytes : most_handshake_bytes;
  if (payload_ > most)
    return malformed("its next message announces " + std::to_string(payload_) + " bytes, where " +
                     std::to_string(most) + " are allowed");
  const auto correct = [&] {
    switch (what) {
      case direct_message:
      case routed_message:
        return payload_ > 0 && to != 0;
      case monitor_message:
        return payload_ == 2 * node_id_bytes && data == 0 && to != 0;
      case down_message:
        return payload_ > 2 * node_id_bytes && data == 0 && from != 0 && to == 0;
      case heartbeat:
        return payload_ == 0 && data == 0 && from == 0 && to == 0;
      default:
        return false;
    }
  }();
  if (!correct) return malformed("its next message has a header that no node writes");
  return {};
}

/// The acceptor sends one, the dialler one and a second that selects the connection. CAF crashes on one without
/// payload.
status control_filter::check_handshake() {
  const auto what = static_cast<std::uint8_t>(head_[0]);
  const auto flags = static_cast<std::uint8_t>(head_[3]);
  const auto data = number_at(head_, 8, 8), from = number_at(head_, 16, 8), to = number_at(head_, 24, 8);
  const bool of_acceptor = who_ == sender::acceptor;
  if (payload_ > most_handshake_bytes)
    return malformed("its handshake announces " + std::to_string(payload_) + " bytes, where " +
                     std::to_string(most_handshake_bytes) + " are allowed");
  const bool expected = of_acceptor ? what == server_handshake && handshakes_ == 0 && data == protocol_version
                                    : what == client_handshake && handshakes_ < 2 && data == 0 &&
                                          flags == (handshakes_ == 0 ? 0 : select_connection);
  if (!expected || from != 0 || to != 0 || payload_ < node_id_bytes)
    return malformed("it sent a handshake that nodes do not send at this point");
  ++handshakes_;
  return {};
}

/// True where the message may pass; else its name is kept for the log.
bool control_filter::judge() {
  const auto what = static_cast<std::uint8_t>(head_[0]);
  if (what != direct_message && what != routed_message) return true;
  const auto drop = [this](std::string why) {
    dropped_.push_back(std::move(why));
    return false;
  };
  const auto number = number_at(head_, 8, 8);
  if ((static_cast<std::uint8_t>(head_[3]) & named_receiver) != 0) return drop(by_name);
  if ((number & is_of_stream) != 0) return drop("a message of a stream");
  payload_reader payload(std::string_view(head_).substr(header_bytes));
  if (what == routed_message && (!payload.has(2 * node_id_bytes) || !payload.skip_node_id() || !payload.skip_node_id()))
    return drop("a message to an unknown kind of node");
  // Actors that it should visit first, the number of a built-in type, the length of the type's name.
  if (!payload.has(1) || payload.length() != 0) return drop("a message with its own route");
  if (!payload.has(4) || payload.number(2) != 0) return drop("a message of an unknown type");
  const auto size = payload.length();
  if (size > most_type_bytes || !payload.has(size)) return drop("a message of an unknown type");
  const auto type = payload.text(size);
  constexpr std::string_view one_value = "@<>+";
  // That an actor is gone is told by an error in place of an answer.
  if ((number & is_answer) != 0 && type == "@<>+@error") return true;
  if (!type.starts_with(one_value) || !may_travel(type.substr(one_value.size())))
    return drop("a message that is only allowed within a node: " + printable(type));
  return true;
}

}  // namespace sluice::cluster
