#include "cluster/proof/proof.hpp"

#include "cluster/token.hpp"
#include "engine/version.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#include <msgpack.hpp>

namespace sluice::cluster {

namespace {

constexpr std::size_t nonce_bytes = 32;
constexpr std::size_t signature_bytes = 32;

constexpr std::string_view reason_version = "version";
constexpr std::string_view reason_token = "token";
constexpr std::string_view reason_port = "port";
constexpr std::string_view reason_name = "name";
constexpr std::string_view reason_session = "session";

constexpr const char* use_one_release =
    "run the same release of Sluice on all nodes: their versions may differ in the last number only";
constexpr const char* use_one_token =
    "use the same state folder, or set SLUICE_TOKEN to the content of the file 'token' in it";

std::string_view name_of(port_kind port) { return port == port_kind::control ? "control" : "data"; }

std::string make_nonce() {
  std::string bytes(nonce_bytes, '\0');
  // Up to 256 bytes never come in part.
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  return bytes;
}

error foreign(const std::string& what) { return external_error("foreign_client", what); }

}  // namespace

/// A flat map of texts, bytes and one number; a key stands once.
struct proof::message {
  std::uint64_t version = 0;
  std::string kind, release, port, session, node, nonce, signature, reason;
  bool well_formed = false;
};

namespace {

/// Takes a flat map of texts, bytes and whole numbers, and nothing else. Unknown keys are passed over: what they mean
/// is for another version to know, and that is told by its number.
template <class Message>
class proof_visitor : public msgpack::null_visitor {
 public:
  explicit proof_visitor(Message& into) : into_(into) {}

  bool start_map(std::uint32_t) { return depth_++ == 0; }
  bool start_map_key() { return in_key_ = true; }
  bool end_map_key() { return in_key_ = false, true; }
  bool start_array(std::uint32_t) { return false; }
  bool visit_positive_integer(std::uint64_t value) {
    if (depth_ == 0 || in_key_) return false;
    if (key_ == "sluice") into_.version = value;
    return true;
  }
  bool visit_str(const char* text, std::uint32_t size) {
    if (depth_ == 0) return false;
    const std::string_view value(text, size);
    if (in_key_) return key_ = value, true;
    if (key_ == "kind") into_.kind = value;
    if (key_ == "release") into_.release = value;
    if (key_ == "port") into_.port = value;
    if (key_ == "session") into_.session = value;
    if (key_ == "node") into_.node = value;
    if (key_ == "reason") into_.reason = value;
    return true;
  }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    if (depth_ == 0 || in_key_) return false;
    if (key_ == "nonce") into_.nonce.assign(bytes, size);
    if (key_ == "signature") into_.signature.assign(bytes, size);
    return true;
  }
  bool visit_nil() { return false; }
  bool visit_boolean(bool) { return false; }
  bool visit_negative_integer(std::int64_t) { return false; }
  bool visit_float32(float) { return false; }
  bool visit_float64(double) { return false; }
  bool visit_ext(const char*, std::uint32_t) { return false; }
  void parse_error(std::size_t, std::size_t) {}
  void insufficient_bytes(std::size_t, std::size_t) {}

 private:
  Message& into_;
  int depth_ = 0;
  bool in_key_ = false;
  std::string key_;
};

}  // namespace

std::string proof_settings::own_release() {
  const std::string_view whole = version();
  return std::string(whole.substr(0, whole.find('.', whole.find('.') + 1)));
}

std::string proof::encode(const message& from) {
  std::vector<std::pair<const char*, const std::string*>> texts, bytes;
  for (const auto& [key, value] : {std::pair{"kind", &from.kind},
                                   {"release", &from.release},
                                   {"port", &from.port},
                                   {"session", &from.session},
                                   {"node", &from.node},
                                   {"reason", &from.reason}})
    if (!value->empty()) texts.emplace_back(key, value);
  for (const auto& [key, value] : {std::pair{"nonce", &from.nonce}, {"signature", &from.signature}})
    if (!value->empty()) bytes.emplace_back(key, value);
  msgpack::sbuffer out;
  msgpack::packer<msgpack::sbuffer> to(out);
  to.pack_map(static_cast<std::uint32_t>(1 + texts.size() + bytes.size()));
  to.pack(std::string("sluice"));
  to.pack(node_protocol);
  for (const auto& [key, value] : texts) {
    to.pack(std::string(key));
    to.pack(*value);
  }
  for (const auto& [key, value] : bytes) {
    to.pack(std::string(key));
    to.pack_bin(static_cast<std::uint32_t>(value->size()));
    to.pack_bin_body(value->data(), static_cast<std::uint32_t>(value->size()));
  }
  return {out.data(), out.size()};
}

proof::message proof::decode(std::string_view bytes) {
  message found;
  if (bytes.size() > max_proof_bytes) return found;
  proof_visitor<message> visitor(found);
  std::size_t offset = 0;
  try {
    found.well_formed = msgpack::parse(bytes.data(), bytes.size(), offset, visitor) && offset == bytes.size();
  } catch (const std::exception&) {
    found.well_formed = false;
  }
  return found;
}

proof::proof(proof_settings own, std::string expected, waits_for first)
    : own_(std::move(own)),
      expected_(std::move(expected)),
      own_nonce_(make_nonce()),
      next_(first),
      dials_(first == waits_for::challenge) {}

proof proof::dialling(proof_settings own, std::string expected) {
  return {std::move(own), std::move(expected), waits_for::challenge};
}
proof proof::accepting(proof_settings own) { return {std::move(own), {}, waits_for::hello}; }

std::string proof::begin() const {
  if (!dials()) return {};
  message hello;
  hello.kind = "hello";
  hello.release = own_.release;
  hello.port = name_of(own_.port);
  hello.session = own_.session;
  hello.node = own_.name;
  hello.nonce = own_nonce_;
  return encode(hello);
}

std::string proof::signature(std::string_view role) const {
  std::string text = "sluice proof of a node";
  const auto add = [&](std::string_view part) {
    // With its length before each part, no two lists of parts give one text.
    const auto size = static_cast<std::uint32_t>(part.size());
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift & 0xff);
    text += part;
  };
  add(role);
  add(std::to_string(node_protocol));
  add(name_of(own_.port));
  add(own_.session);
  add(dials() ? own_.name : peer_);
  add(dials() ? peer_ : own_.name);
  add(dials() ? own_nonce_ : peer_nonce_);
  add(dials() ? peer_nonce_ : own_nonce_);
  std::string made(signature_bytes, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), own_.token.data(), static_cast<int>(own_.token.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), reinterpret_cast<unsigned char*>(made.data()),
       &size);
  return made;
}

proof::step proof::refuse(std::string_view reason, error why) {
  next_ = waits_for::nothing;
  step made;
  if (!reason.empty()) {
    message refusal;
    refusal.kind = "refused";
    refusal.reason = reason;
    made.send = encode(refusal);
  }
  made.refused = std::move(why);
  return made;
}

/// Reasons are known ones only: nothing that an unproven peer writes is shown.
proof::step proof::refused_by_peer(const message& from) {
  const auto said = [&] {
    if (from.reason == reason_version)
      return user_error("join_failed",
                        "the other node runs another release of Sluice than this one, which runs " + own_.release,
                        use_one_release);
    if (from.reason == reason_token)
      return user_error("join_failed", "the token of the other node is different", use_one_token);
    if (from.reason == reason_session)
      return external_error("join_failed", "the other node belongs to another session of the cluster", {}, true);
    if (from.reason == reason_port)
      return user_error("join_failed", "the other port is not for " + std::string(name_of(own_.port)) + " connections",
                        "--join must be the --listen address of the first node");
    return external_error("join_failed", "the other node refused the connection", "check its log", true);
  };
  return refuse({}, said());
}

proof::step proof::take(std::string_view bytes) {
  const auto from = decode(bytes);
  if (!from.well_formed || from.version == 0 || next_ == waits_for::nothing)
    return refuse({}, foreign("it does not speak the protocol between nodes"));
  if (dials() && from.kind == "refused") return refused_by_peer(from);
  if (from.version != node_protocol)
    return refuse(reason_version, user_error("foreign_client",
                                             "it uses version " + std::to_string(from.version) +
                                                 " of the protocol between nodes, this node uses version " +
                                                 std::to_string(node_protocol),
                                             use_one_release));
  const bool introduces = from.kind == "hello" || from.kind == "challenge";
  if ((introduces || !from.release.empty()) && from.release != own_.release)
    return refuse(
        reason_version,
        user_error("foreign_client", "it runs another release of Sluice than this node, which runs " + own_.release,
                   use_one_release));
  switch (next_) {
    case waits_for::hello:
      return take_hello(from);
    case waits_for::challenge:
      return take_challenge(from);
    case waits_for::answer:
      return take_answer(from);
    case waits_for::welcome:
      return take_welcome(from);
    case waits_for::nothing:
      break;
  }
  return refuse({}, foreign("it sent too many messages"));
}

proof::step proof::take_hello(const message& from) {
  if (from.kind != "hello" || from.nonce.size() != nonce_bytes || from.node.empty() ||
      from.node.size() > max_node_name_bytes)
    return refuse({}, foreign("its first message is not that of a node"));
  if (from.port != name_of(own_.port))
    return refuse(reason_port, foreign("it is not a connection for the " + std::string(name_of(own_.port)) + " port"));
  if (own_.token.empty() || from.session != own_.session)
    return refuse(reason_session, foreign("it belongs to another session of the cluster"));
  peer_ = from.node;
  peer_nonce_ = from.nonce;
  next_ = waits_for::answer;
  message challenge;
  challenge.kind = "challenge";
  challenge.release = own_.release;
  challenge.node = own_.name;
  challenge.nonce = own_nonce_;
  return {.send = encode(challenge), .done = false, .refused = {}};
}

proof::step proof::take_challenge(const message& from) {
  // Its own nonce comes back from a mirror, never from a node.
  if (from.kind != "challenge" || from.nonce.size() != nonce_bytes || from.nonce == own_nonce_ || from.node.empty() ||
      from.node.size() > max_node_name_bytes)
    return refuse({}, foreign("it does not answer like a node"));
  if (!expected_.empty() && from.node != expected_)
    return refuse(reason_name, external_error("foreign_client", "node " + expected_ + " was expected there, and " +
                                                                    "another one answers"));
  peer_ = from.node;
  peer_nonce_ = from.nonce;
  next_ = waits_for::welcome;
  message answer;
  answer.kind = "answer";
  answer.signature = signature("dial");
  return {.send = encode(answer), .done = false, .refused = {}};
}

proof::step proof::take_answer(const message& from) {
  if (from.kind == "refused") return refuse({}, foreign("it expected another node here"));
  if (from.kind != "answer") return refuse({}, foreign("it does not answer the challenge"));
  if (!same_token(from.signature, signature("dial")))
    return refuse(reason_token, foreign("its token is not the token of this node"));
  next_ = waits_for::nothing;
  message welcome;
  welcome.kind = "welcome";
  welcome.signature = signature("accept");
  return {.send = encode(welcome), .done = true, .refused = {}};
}

proof::step proof::take_welcome(const message& from) {
  if (from.kind != "welcome" || !same_token(from.signature, signature("accept")))
    return refuse({}, foreign("the program there did not prove that it has this node's token"));
  next_ = waits_for::nothing;
  return {.send = {}, .done = true, .refused = {}};
}

}  // namespace sluice::cluster
