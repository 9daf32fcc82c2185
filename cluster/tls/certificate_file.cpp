#include "cluster/tls/certificate_file.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>

namespace sluice::cluster {

namespace {

using owned_certificate = std::unique_ptr<X509, decltype(&::X509_free)>;

error unusable(const std::string& what) {
  return user_error("certificate_unusable", what, "`sluice tls issue NAME` creates certificates of nodes");
}

result<owned_certificate> open_certificate(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file) return unusable("the file " + path + " can't be read: " + from_errno(errno, "open").message);
  owned_certificate made(::PEM_read_X509(file.get(), nullptr, nullptr, nullptr), &::X509_free);
  if (!made) return unusable("the file " + path + " contains no certificate in PEM format");
  return made;
}

std::string text_of(const ASN1_STRING* from) {
  return {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(from)),
          static_cast<std::size_t>(::ASN1_STRING_length(from))};
}

std::string address_text(const ASN1_STRING* from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* const bytes = ::ASN1_STRING_get0_data(from);
  const auto family = ::ASN1_STRING_length(from) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ::ASN1_STRING_length(from) != 16) return {};
  return ::inet_ntop(family, bytes, text.data(), text.size()) == nullptr ? std::string() : std::string(text.data());
}

/// The entries of the subjectAltName of one kind.
std::vector<std::string> alternatives(const X509* of, int kind) {
  std::vector<std::string> found;
  auto* const all = static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(of, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const auto* const one = sk_GENERAL_NAME_value(all, i);
    if (one->type != kind) continue;
    found.push_back(kind == GEN_IPADD ? address_text(one->d.iPAddress) : text_of(one->d.dNSName));
  }
  ::GENERAL_NAMES_free(all);
  return found;
}

}  // namespace

std::vector<std::string> names_of(const X509* of) {
  auto names = alternatives(of, GEN_DNS);
  // All nodes have it, for clients on their own machine: it tells no node from another.
  std::erase(names, "localhost");
  if (!names.empty()) return names;
  const auto* const subject = ::X509_get_subject_name(of);
  const int at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) names.push_back(text_of(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at))));
  return names;
}

std::int64_t certificate_facts::seconds_left() const { return expires - std::time(nullptr); }

std::string certificate_facts::expires_text() const {
  const auto when = static_cast<std::time_t>(expires);
  tm parts{};
  ::gmtime_r(&when, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

result<certificate_facts> read_certificate(const std::string& path) {
  SLUICE_ASSIGN(const auto found, open_certificate(path));
  tm end{};
  if (::ASN1_TIME_to_tm(::X509_get0_notAfter(found.get()), &end) != 1)
    return unusable("the certificate " + path + " does not say until when it is valid");
  return certificate_facts{.names = names_of(found.get()),
                           .hosts = alternatives(found.get(), GEN_IPADD),
                           .expires = static_cast<std::int64_t>(::timegm(&end))};
}

status check_issuer(const std::string& certificate, const std::string& authority) {
  SLUICE_ASSIGN(const auto own, open_certificate(certificate));
  const std::unique_ptr<X509_STORE, decltype(&::X509_STORE_free)> known(::X509_STORE_new(), &::X509_STORE_free);
  const std::unique_ptr<X509_STORE_CTX, decltype(&::X509_STORE_CTX_free)> check(::X509_STORE_CTX_new(),
                                                                                &::X509_STORE_CTX_free);
  if (::X509_STORE_load_file(known.get(), authority.c_str()) != 1)
    return unusable("the file " + authority + " contains no certificate of an authority");
  ::X509_STORE_CTX_init(check.get(), known.get(), own.get(), nullptr);
  // Certificates of other authorities may come with those between them and the root: they are in the same file.
  std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> between(
      sk_X509_new_null(), [](STACK_OF(X509) * all) { sk_X509_pop_free(all, ::X509_free); });
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(certificate.c_str(), "re"), &std::fclose);
  while (auto* const next = file ? ::PEM_read_X509(file.get(), nullptr, nullptr, nullptr) : nullptr)
    sk_X509_push(between.get(), next);
  ::X509_STORE_CTX_set0_untrusted(check.get(), between.get());
  if (::X509_verify_cert(check.get()) == 1) return {};
  const auto why = ::X509_STORE_CTX_get_error(check.get());
  return unusable("the certificate " + certificate + " does not fit " + authority + ": " +
                  ::X509_verify_cert_error_string(why));
}

}  // namespace sluice::cluster
