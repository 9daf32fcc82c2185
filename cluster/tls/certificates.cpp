#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/tls/certificates.hpp"

#include "cluster/tls/certificate_file.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <array>
#include <boost/asio/ssl/context.hpp>

namespace sluice::cluster {

namespace {

namespace ssl = boost::asio::ssl;

error unusable(const std::string& what, std::string hint = {}) {
  if (hint.empty()) hint = "`sluice tls issue NAME` creates new ones";
  return user_error("certificate_unusable", what, std::move(hint));
}

/// The key is worth as much as the node: nobody else may read it.
status check_key_file(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return from_errno(errno, "read " + path);
  // Root may leave it to the group of the service, as Kubernetes does.
  const bool of_us = about.st_uid == ::geteuid() || about.st_uid == 0;
  if (!of_us) return unusable(path + " belongs to user " + std::to_string(about.st_uid), "chown it to the node's user");
  if ((about.st_mode & 037) != 0) return unusable(path + " can be read by other users", "chmod 600 " + path);
  return {};
}

certificates::context make_context(const std::string& folder, bool between_nodes) {
  auto made = std::make_shared<ssl::context>(ssl::context::tls);
  auto* const raw = made->native_handle();
  ::SSL_CTX_set_min_proto_version(raw, between_nodes ? TLS1_3_VERSION : TLS1_2_VERSION);
  // The kernel's socket buffers and frames of MiB: whole records, and no renegotiation that strangers could ask for.
  ::SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  ::SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(raw, 0);
  if (::SSL_CTX_use_certificate_chain_file(raw, (folder + "/tls.crt").c_str()) != 1 ||
      ::SSL_CTX_use_PrivateKey_file(raw, (folder + "/tls.key").c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(raw) != 1)
    return {};
  if (between_nodes) {
    if (::SSL_CTX_load_verify_locations(raw, (folder + "/ca.crt").c_str(), nullptr) != 1) return {};
    ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return made;
}

bool is_number(const std::string& host) {
  std::array<unsigned char, 16> ignored{};
  return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

}  // namespace

struct certificates::loaded {
  context nodes, http;
  certificate_facts facts;
};

certificates::certificates(std::string folder, log_function log) : folder_(std::move(folder)), log_(std::move(log)) {}

result<std::shared_ptr<certificates>> certificates::load(std::string folder, log_function log) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  auto made = std::shared_ptr<certificates>(new certificates(std::move(folder), std::move(log)));
  made->seen_ = made->marks();
  SLUICE_ASSIGN(made->loaded_, read(made->folder_));
  if (made->loaded_->facts.days_left() < 30 && made->log_)
    made->log_("the certificate in " + made->folder_ + " expires at " + made->loaded_->facts.expires_text() +
               ": renew it with `sluice tls issue`, the node reads it without a restart");
  return made;
}

std::string certificates::marks() const {
  std::string all;
  for (const auto* name : {"/ca.crt", "/tls.crt", "/tls.key"}) {
    struct stat about {};
    if (::stat((folder_ + name).c_str(), &about) != 0) about = {};
    all += std::to_string(about.st_ino) + "," + std::to_string(about.st_size) + "," +
           std::to_string(about.st_mtim.tv_sec) + "," + std::to_string(about.st_mtim.tv_nsec) + ";";
  }
  return all;
}

result<std::shared_ptr<const certificates::loaded>> certificates::read(const std::string& folder) {
  for (const auto* name : {"/ca.crt", "/tls.crt", "/tls.key"})
    if (::access((folder + name).c_str(), R_OK) != 0)
      return unusable("the file " + folder + name + " can't be read: " + from_errno(errno, "open").message,
                      "give the folder that `sluice tls issue NAME` made");
  SLUICE_TRY(check_key_file(folder + "/tls.key"));
  auto made = std::make_shared<loaded>();
  SLUICE_ASSIGN(made->facts, read_certificate(folder + "/tls.crt"));
  SLUICE_TRY(read_certificate(folder + "/ca.crt"));
  if (made->facts.names.empty()) return unusable("the certificate " + folder + "/tls.crt contains no name of a node");
  if (made->facts.seconds_left() <= 0)
    return unusable("the certificate " + folder + "/tls.crt has expired at " + made->facts.expires_text());
  made->nodes = make_context(folder, true);
  made->http = make_context(folder, false);
  if (!made->nodes || !made->http)
    return unusable("the certificate " + folder + "/tls.crt and the key tls.key do not belong together");
  SLUICE_TRY(check_issuer(folder + "/tls.crt", folder + "/ca.crt"));
  return std::shared_ptr<const loaded>(std::move(made));
}

std::shared_ptr<const certificates::loaded> certificates::current() {
  const std::lock_guard guard(lock_);
  auto marks_now = marks();
  if (marks_now == seen_) return loaded_;
  seen_ = std::move(marks_now);
  auto again = read(folder_);
  if (again.ok()) {
    loaded_ = std::move(again).value();
    if (log_) log_("read the certificate in " + folder_ + " again: valid until " + loaded_->facts.expires_text());
  } else if (log_) {
    log_("the earlier certificate stays in use: " + again.problem().message);
  }
  return loaded_;
}

certificates::context certificates::for_nodes() { return current()->nodes; }
certificates::context certificates::for_http() { return current()->http; }
std::vector<std::string> certificates::names() { return current()->facts.names; }

result<certificates::context> trust_of(const std::string& ca_file) {
  SLUICE_TRY(read_certificate(ca_file));
  auto made = std::make_shared<ssl::context>(ssl::context::tls);
  auto* const raw = made->native_handle();
  ::SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  if (::SSL_CTX_load_verify_locations(raw, ca_file.c_str(), nullptr) != 1)
    return unusable("the file " + ca_file + " contains no certificate of an authority",
                    "give the file ca.crt of the cluster");
  ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  return made;
}

void expect_host(SSL* of, const std::string& host) {
  auto* const wanted = ::SSL_get0_param(of);
  if (is_number(host)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
  } else {
    ::X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    ::SSL_set_tlsext_host_name(of, host.c_str());
  }
}

std::vector<std::string> peer_names(const SSL* of) {
  const auto* const shown = ::SSL_get0_peer_certificate(of);
  return shown == nullptr ? std::vector<std::string>() : names_of(shown);
}

std::string channel_secret(SSL* of) {
  static constexpr char label[] = "EXPORTER-sluice-proof";
  std::array<unsigned char, 32> bytes{};
  if (::SSL_export_keying_material(of, bytes.data(), bytes.size(), label, sizeof label - 1, nullptr, 0, 0) != 1)
    return {};
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace sluice::cluster
