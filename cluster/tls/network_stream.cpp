#include "cluster/tls/network_stream.hpp"

#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/post.hpp>

namespace sluice::cluster {

namespace {

namespace ssl = boost::asio::ssl;

constexpr auto end_limit = std::chrono::seconds(2);
constexpr auto drain_limit = std::chrono::seconds(1);
constexpr std::size_t most_drained = 256 * 1024;

constexpr const char* issue_hint =
    "issue it with the same authority as those of the other nodes: sluice tls issue NAME (docs/operations.md)";

error refused(const std::string& what, const std::string& hint = issue_hint) {
  return user_error("certificate_refused", what, hint);
}

error foreign(const std::string& what) { return external_error("foreign_client", what); }

/// What this side holds against the certificate of the other.
std::string objection(long why) {
  switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet (do the clocks agree?)";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for this host";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return "its certificate was not signed by the authority in ca.crt";
    default:
      return std::string("its certificate is not accepted: ") + ::X509_verify_cert_error_string(why);
  }
}

/// The other side said in an alert what it holds against ours; empty: it said something else.
std::string told(int reason) {
  switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "it does not know the authority that signed this certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "this certificate has expired";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return "this certificate is not accepted";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it wants a certificate";
    default:
      return {};
  }
}

}  // namespace

void network_stream::handshake(side as, std::function<void(boost::system::error_code)> then) {
  if (!encrypted()) return then({});
  parts_->tls->async_handshake(
      as == side::client ? ssl::stream_base::client : ssl::stream_base::server,
      [keep = parts_, then = std::move(then)](boost::system::error_code problem) { then(problem); });
}

error network_stream::fault(boost::system::error_code problem) {
  if (!encrypted()) return foreign("it disconnected");
  if (const auto why = ::SSL_get_verify_result(parts_->tls->native_handle()); why != X509_V_OK)
    return refused(objection(why));
  if (problem.category() == boost::asio::error::get_ssl_category()) {
    const int reason = ERR_GET_REASON(static_cast<unsigned long>(problem.value()));
    if (const auto what = told(reason); !what.empty()) return refused("it refused this node: " + what);
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) return foreign("it showed no certificate");
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
        reason == SSL_R_BAD_PROTOCOL_VERSION_NUMBER)
      return foreign("it does not use TLS");
    return foreign("the TLS handshake failed: " + problem.message());
  }
  return foreign("it disconnected during the TLS handshake");
}

void network_stream::end() {
  if (!encrypted()) {
    boost::system::error_code ignored;
    socket().shutdown(socket_type::shutdown_both, ignored);
    return close();
  }
  parts_->plain.expires_after(end_limit);
  parts_->tls->async_shutdown([keep = parts_](boost::system::error_code) {
    boost::system::error_code ignored;
    keep->plain.socket().close(ignored);
  });
}

void network_stream::close_gently() {
  boost::system::error_code ignored;
  socket().shutdown(socket_type::shutdown_send, ignored);
  // A timer beside the stream's own: that one is for reads of the stream.
  parts_->drains.emplace(socket().get_executor(), drain_limit);
  parts_->drains->async_wait([of = parts_](boost::system::error_code cancelled) {
    boost::system::error_code problem;
    if (!cancelled) of->plain.socket().close(problem);
  });
  drain(parts_);
}

/// Reads from the socket itself: a read of the stream may be under way, and Beast's stream allows one at a time.
void network_stream::drain(const std::shared_ptr<parts>& of) {
  of->plain.socket().async_read_some(boost::asio::buffer(of->unread),
                                     [of](boost::system::error_code problem, std::size_t bytes) {
                                       of->drained += bytes;
                                       if (!problem && of->drained < most_drained) return drain(of);
                                       of->drains->cancel();
                                       boost::system::error_code ignored;
                                       of->plain.socket().close(ignored);
                                     });
}

}  // namespace sluice::cluster
