#pragma once

#include "engine/error/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::cluster {

/// The version of the protocol between nodes, proof included: nodes of another one are refused.
inline constexpr std::uint32_t node_protocol = 5;
/// No message of a proof is larger.
inline constexpr std::size_t max_proof_bytes = 1024;
/// No name of a node is longer.
inline constexpr std::size_t max_node_name_bytes = 255;

enum class port_kind : std::uint8_t { control, data };

/// What this node brings to a proof.
struct proof_settings {
  port_kind port = port_kind::control;
  std::string name;                     ///< this node's
  std::string token;                    ///< the secret; never sent. Empty: nobody gets in
  std::string session;                  ///< which session of the cluster a data connection belongs to; not secret
  std::string release = own_release();  ///< of the program: nodes of another one are refused

  /// The first two numbers of the program's version, between which messages may change: "0.1".
  static std::string own_release();
};

/// Both nodes prove to each other that they have the same token before anything else passes on a connection: four
/// messages, a challenge and an answer in each direction. Pure: bytes in, bytes out.
///
///   dialler -> acceptor  hello: version, release, port, session, name, nonce
///   acceptor -> dialler  challenge: release, name, nonce
///   dialler -> acceptor  answer: HMAC-SHA256(token, "dial", version, port, session, both names, both nonces)
///   acceptor -> dialler  welcome: the same with "accept"
///
/// An answer fits no other connection, as the nonces differ, and can't be sent back, as the roles do. Instead of its
/// message a node may send a refusal with a reason out of a fixed list, so that an honest user learns what is wrong.
class proof {
 public:
  struct step {
    std::string send;  ///< a message to the other side; may be empty
    bool done = false;
    std::optional<error> refused;  ///< `send` goes out first, then the connection ends
  };

  /// `expected` names the node that should listen there; empty: any.
  static proof dialling(proof_settings own, std::string expected);
  static proof accepting(proof_settings own);

  /// On an encrypted connection, whose ends have shown certificates: instead of the token, what only the two ends of
  /// this connection know is proven. An empty token lets nobody in all the same.
  void bind(std::string channel_secret) {
    if (!own_.token.empty()) own_.token = std::move(channel_secret);
  }
  [[nodiscard]] bool dials() const { return dials_; }
  /// What to send before anything has come.
  [[nodiscard]] std::string begin() const;
  /// Takes the next message of the other side.
  step take(std::string_view message);
  /// The other node's name, once it is proven.
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  struct message;
  enum class waits_for : std::uint8_t { hello, challenge, answer, welcome, nothing };

  proof(proof_settings own, std::string expected, waits_for first);
  static std::string encode(const message& from);
  static message decode(std::string_view bytes);
  [[nodiscard]] std::string signature(std::string_view role) const;
  step refuse(std::string_view reason, error why);
  step refused_by_peer(const message& from);
  step take_hello(const message& from);
  step take_challenge(const message& from);
  step take_answer(const message& from);
  step take_welcome(const message& from);

  proof_settings own_;
  std::string expected_;
  std::string peer_;
  std::string own_nonce_;
  std::string peer_nonce_;
  waits_for next_;
  bool dials_;
};

}  // namespace sluice::cluster
