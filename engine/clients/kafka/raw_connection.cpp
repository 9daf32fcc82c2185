#include "engine/clients/kafka/raw_connection.hpp"

#include "engine/clients/kafka/scram.hpp"
#include "engine/clients/kafka/wire.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice::kafka {

namespace {

using namespace std::chrono_literals;

constexpr auto answer_within = 10s;
constexpr std::int32_t longest_response = 64 << 20;

std::string tls_reason() {
  char text[256] = "unknown";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

}  // namespace

struct raw_connection::tls_state {
  SSL_CTX* context = nullptr;
  SSL* session = nullptr;
  ~tls_state() {
    SSL_free(session);
    SSL_CTX_free(context);
  }
};

std::vector<endpoint> endpoints_of(const std::string& brokers) {
  std::vector<endpoint> found;
  for (std::size_t from = 0; from < brokers.size();) {
    const auto comma = std::min(brokers.find(',', from), brokers.size());
    auto one = brokers.substr(from, comma - from);
    from = comma + 1;
    while (!one.empty() && one.front() == ' ') one.erase(0, 1);
    while (!one.empty() && one.back() == ' ') one.pop_back();
    if (const auto scheme = one.find("://"); scheme != std::string::npos) one.erase(0, scheme + 3);
    if (one.empty()) continue;
    const auto bracket = one.starts_with('[') ? one.find(']') : std::string::npos;
    const auto colon = one.find(':', bracket == std::string::npos ? 0 : bracket);
    auto host = bracket == std::string::npos ? one.substr(0, colon) : one.substr(1, bracket - 1);
    found.push_back({std::move(host), colon == std::string::npos ? "9092" : one.substr(colon + 1)});
  }
  return found;
}

raw_connection::raw_connection(std::string name, interruption* stop) : name_(std::move(name)), stop_(stop) {}

raw_connection::~raw_connection() {
  tls_.reset();
  if (socket_ >= 0) ::close(socket_);
}

error raw_connection::lost(const std::string& why) const {
  return external_error("broker_unreachable", "the connection to Kafka at " + name_ + ": " + why,
                        "check that the broker runs and that its address is right from this machine", true);
}

status raw_connection::wait(short events, time_point until) {
  for (;;) {
    if (stop_ != nullptr && stop_->raised()) return interrupted_error("talking to Kafka");
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left <= 0ms) return lost("no answer within " + std::to_string(answer_within.count()) + " s");
    pollfd file = {.fd = socket_, .events = events, .revents = 0};
    const int ready = ::poll(&file, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 100)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lost(std::strerror(errno));
  }
}

result<std::unique_ptr<raw_connection>> raw_connection::open(const cluster& of, const endpoint& to,
                                                             interruption* stop) {
  std::unique_ptr<raw_connection> made(new raw_connection(to.host + ":" + to.port, stop));
  SLUICE_TRY(made->connect(to));
  if (of.tls) SLUICE_TRY(made->start_tls(of, to.host));
  if (!of.mechanism.empty()) SLUICE_TRY(made->authenticate(of));
  return made;
}

status raw_connection::connect(const endpoint& to) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &wanted, &found); code != 0)
    return lost(::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> held(found, ::freeaddrinfo);
  status last = lost("it has no address");
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    if (socket_ >= 0) ::close(socket_);
    socket_ = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol);
    if (socket_ < 0) return lost(std::strerror(errno));
    int wrong = ::connect(socket_, one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
    if (wrong == EINPROGRESS) {
      last = wait(POLLOUT, std::chrono::steady_clock::now() + answer_within);
      if (!last.ok()) continue;
      socklen_t size = sizeof wrong;
      ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &wrong, &size);
    }
    if (wrong == 0) {
      const int on = 1;
      ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return {};
    }
    last = lost(std::strerror(wrong));
  }
  return last;
}

status raw_connection::start_tls(const cluster& of, const std::string& host) {
  const auto refused = [&](const std::string& why) {
    return user_error("tls_failed", "no encrypted connection to Kafka at " + name_ + ": " + why,
                      "check tls: the file of ca must contain the certificate that signed the broker's");
  };
  tls_ = std::make_unique<tls_state>();
  tls_->context = SSL_CTX_new(TLS_client_method());
  if (tls_->context == nullptr) return refused(tls_reason());
  const int trusted = of.ca.empty() ? SSL_CTX_set_default_verify_paths(tls_->context)
                                    : SSL_CTX_load_verify_locations(tls_->context, of.ca.c_str(), nullptr);
  if (trusted != 1) return refused(tls_reason());
  if (!of.certificate.empty()) {
    SSL_CTX_set_default_passwd_cb_userdata(tls_->context, const_cast<char*>(of.key_password.c_str()));
    if (SSL_CTX_use_certificate_chain_file(tls_->context, of.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_->context, of.key.c_str(), SSL_FILETYPE_PEM) != 1)
      return refused(tls_reason());
  }
  SSL_CTX_set_verify(tls_->context, of.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  tls_->session = SSL_new(tls_->context);
  if (tls_->session == nullptr || SSL_set_fd(tls_->session, socket_) != 1) return refused(tls_reason());
  in6_addr address{};
  const bool is_address =
      ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
  if (is_address)
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_->session), host.c_str());
  else if (SSL_set1_host(tls_->session, host.c_str()) != 1 ||
           SSL_set_tlsext_host_name(tls_->session, host.c_str()) != 1)
    return refused(tls_reason());
  const auto until = std::chrono::steady_clock::now() + answer_within;
  for (;;) {
    const int done = SSL_connect(tls_->session);
    if (done == 1) return {};
    const int why = SSL_get_error(tls_->session, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return refused(tls_reason());
    SLUICE_TRY(wait(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until));
  }
}

status raw_connection::write_all(std::string_view bytes, time_point until) {
  while (!bytes.empty()) {
    short events = POLLOUT;
    std::int64_t done = 0;
    if (tls_) {
      done = SSL_write(tls_->session, bytes.data(), static_cast<int>(bytes.size()));
      if (done <= 0) {
        const int why = SSL_get_error(tls_->session, static_cast<int>(done));
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return lost(tls_reason());
        events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
      }
    } else {
      done = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (done < 0 && errno != EAGAIN && errno != EINTR) return lost(std::strerror(errno));
    }
    if (done > 0)
      bytes.remove_prefix(static_cast<std::size_t>(done));
    else
      SLUICE_TRY(wait(events, until));
  }
  return {};
}

status raw_connection::read_all(char* to, std::size_t size, time_point until) {
  while (size > 0) {
    short events = POLLIN;
    std::int64_t done = 0;
    if (tls_) {
      done = SSL_read(tls_->session, to, static_cast<int>(size));
      if (done <= 0) {
        const int why = SSL_get_error(tls_->session, static_cast<int>(done));
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return lost("the broker has closed it");
        events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
      }
    } else {
      done = ::recv(socket_, to, size, 0);
      if (done == 0) return lost("the broker has closed it");
      if (done < 0 && errno != EAGAIN && errno != EINTR) return lost(std::strerror(errno));
    }
    if (done > 0) {
      to += done;
      size -= static_cast<std::size_t>(done);
    } else {
      SLUICE_TRY(wait(events, until));
    }
  }
  return {};
}

result<std::string> raw_connection::request(std::int16_t key, std::int16_t version, bool flexible,
                                            std::string_view body) {
  wire_writer header;
  header.int16(key).int16(version).int32(++number_).text("sluice");
  if (flexible) header.no_tags();
  wire_writer frame;
  frame.int32(static_cast<std::int32_t>(header.done().size() + body.size()));
  const auto until = std::chrono::steady_clock::now() + answer_within;
  SLUICE_TRY(write_all(frame.done() + header.done() + std::string(body), until));
  char length[4];
  SLUICE_TRY(read_all(length, sizeof length, until));
  const auto size = wire_reader({length, sizeof length}).int32();
  if (size < 4 || size > longest_response) return lost("it sends something else than responses of Kafka");
  std::string response(static_cast<std::size_t>(size), '\0');
  SLUICE_TRY(read_all(response.data(), response.size(), until));
  if (wire_reader(response).int32() != number_) return lost("it sends responses to other requests");
  std::size_t begin = 4;
  if (flexible) {
    if (response.size() < 5 || response[4] != 0) return lost("its responses have fields that are not understood");
    begin = 5;
  }
  return response.substr(begin);
}

result<std::string> raw_connection::sasl_step(const std::string& bytes) {
  constexpr std::int16_t sasl_authenticate = 36;
  SLUICE_ASSIGN(const auto response, request(sasl_authenticate, 1, false, wire_writer().bytes(bytes).done()));
  wire_reader in(response);
  const auto code = in.int16();
  const auto message = in.text();
  auto answer = in.bytes();
  if (code != 0)
    return user_error("authentication_failed", "Kafka at " + name_ + " refused the user: " + message,
                      "check mechanism, user and password of sasl");
  return answer;
}

status raw_connection::authenticate(const cluster& of) {
  constexpr std::int16_t sasl_handshake = 17;
  SLUICE_ASSIGN(const auto response, request(sasl_handshake, 1, false, wire_writer().text(of.mechanism).done()));
  if (wire_reader(response).int16() != 0)
    return user_error("authentication_failed", "Kafka at " + name_ + " does not offer " + of.mechanism,
                      "check mechanism of sasl");
  if (of.mechanism == "PLAIN") {
    SLUICE_ASSIGN(const auto ignored, sasl_step(std::string("\0", 1) + of.user + std::string("\0", 1) + of.password));
    return {};
  }
  scram talk(of.mechanism == "SCRAM-SHA-256" ? scram::hash::sha256 : scram::hash::sha512, of.user, of.password);
  SLUICE_ASSIGN(const auto first, sasl_step(talk.first_message()));
  SLUICE_ASSIGN(const auto final_message, talk.final_message(first));
  SLUICE_ASSIGN(const auto last, sasl_step(final_message));
  return talk.check(last);
}

}  // namespace sluice::kafka
