#include "cluster/tls/authority.hpp"

#include "engine/files/private_files.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <memory>

namespace sluice::cluster {

namespace {

using owned_key = std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)>;
using owned_certificate = std::unique_ptr<X509, decltype(&::X509_free)>;
using owned_memory = std::unique_ptr<BIO, decltype(&::BIO_free)>;

constexpr long day_seconds = 24 * 60 * 60;
/// Clocks of machines differ: a certificate is valid a little before it is made.
constexpr long clock_difference = 10 * 60;
/// X.509 allows no longer common name.
constexpr std::size_t most_name_bytes = 64;

error failed(const std::string& what) {
  std::array<char, 256> text{};
  ::ERR_error_string_n(::ERR_get_error(), text.data(), text.size());
  return internal_error("certificate_failed", what + ": " + text.data());
}

bool add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX with{};
  ::X509V3_set_ctx(&with, issuer, to, nullptr, nullptr, 0);
  auto* const made = ::X509V3_EXT_conf_nid(nullptr, &with, kind, value.c_str());
  if (made == nullptr) return false;
  const bool added = ::X509_add_ext(to, made, -1) == 1;
  ::X509_EXTENSION_free(made);
  return added;
}

bool set_serial(X509* of) {
  std::array<unsigned char, 16> bytes{};
  if (::RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x01);
  auto* const number = ::BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool set = number != nullptr && ::BN_to_ASN1_INTEGER(number, ::X509_get_serialNumber(of)) != nullptr;
  ::BN_free(number);
  return set;
}

/// What both kinds of certificate have.
owned_certificate begin_certificate(EVP_PKEY* key, const std::string& name, int days) {
  owned_certificate made(::X509_new(), &::X509_free);
  const bool good =
      ::X509_set_version(made.get(), 2) == 1 && set_serial(made.get()) &&
      ::X509_gmtime_adj(::X509_getm_notBefore(made.get()), -clock_difference) != nullptr &&
      ::X509_gmtime_adj(::X509_getm_notAfter(made.get()), static_cast<long>(days) * day_seconds) != nullptr &&
      ::X509_set_pubkey(made.get(), key) == 1 &&
      ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1;
  if (!good) made.reset();
  return made;
}

std::string text_in(BIO* memory) {
  char* begin = nullptr;
  const auto size = ::BIO_get_mem_data(memory, &begin);
  return {begin, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* what) {
  const owned_memory memory(::BIO_new(::BIO_s_mem()), &::BIO_free);
  ::PEM_write_bio_X509(memory.get(), what);
  return text_in(memory.get());
}

std::string pem_of(EVP_PKEY* what) {
  const owned_memory memory(::BIO_new(::BIO_s_mem()), &::BIO_free);
  ::PEM_write_bio_PKCS8PrivateKey(memory.get(), what, nullptr, nullptr, 0, nullptr, nullptr);
  return text_in(memory.get());
}

/// Writes beside and renames: who reads finds the old file or the new one.
status write_file(const std::string& path, const std::string& text, mode_t mode) {
  const auto beside = path + ".new";
  ::unlink(beside.c_str());
  SLUICE_ASSIGN(const int file, open_private_file(beside, O_WRONLY | O_TRUNC));
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const int problem = errno;
  ::close(file);
  if (!written) {
    ::unlink(beside.c_str());
    return from_errno(problem, "write " + beside);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return from_errno(errno, "make " + path);
  return {};
}

struct authority {
  owned_key key;
  owned_certificate certificate;
};

result<authority> open_authority(const std::string& folder) {
  const auto open = [](const std::string& path) {
    return std::unique_ptr<std::FILE, int (*)(std::FILE*)>(std::fopen(path.c_str(), "re"), &std::fclose);
  };
  const auto key_file = open(folder + "/ca.key");
  const auto certificate_file = open(folder + "/ca.crt");
  if (!key_file || !certificate_file)
    return user_error("no_authority", "there are no readable ca.crt and ca.key in " + folder,
                      "create them with `sluice tls init`, or name their folder with --dir");
  authority found{owned_key(::PEM_read_PrivateKey(key_file.get(), nullptr, nullptr, nullptr), &::EVP_PKEY_free),
                  owned_certificate(::PEM_read_X509(certificate_file.get(), nullptr, nullptr, nullptr), &::X509_free)};
  if (!found.key || !found.certificate || ::X509_check_private_key(found.certificate.get(), found.key.get()) != 1)
    return user_error("no_authority", "ca.crt and ca.key in " + folder + " do not belong together",
                      "restore them from a backup, or create new ones with `sluice tls init --dir` in another folder");
  return found;
}

bool is_name(const std::string& text, std::string_view more) {
  return !text.empty() && text.size() <= 253 && text[0] != '.' && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return std::isalnum(c) != 0 || more.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

bool is_number(const std::string& host) {
  std::array<unsigned char, 16> ignored{};
  return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

result<std::string> alternatives_of(const certificate_request& what) {
  if (!is_name(what.name, "._-") || what.name.size() > most_name_bytes || what.name == "localhost")
    return user_error("invalid_name", "'" + what.name + "' can't be the name of a node in a certificate",
                      "use letters, digits, dots, dashes and underscores, up to 64");
  std::string text = "DNS:" + what.name + ",DNS:localhost,IP:127.0.0.1";
  for (const auto& host : what.hosts) {
    if (!is_number(host) && !is_name(host, ".-"))
      return user_error("invalid_name", "'" + host + "' is neither an address nor a host name",
                        "for example: sluice tls issue " + what.name + "=10.0.0.1,etl-1.example.com");
    if (host != what.name) text.append(is_number(host) ? ",IP:" : ",DNS:").append(host);
  }
  return text;
}

}  // namespace

status make_authority(const std::string& folder, int days) {
  SLUICE_TRY(make_private_folder(folder));
  for (const auto* name : {"/ca.crt", "/ca.key"})
    if (::access((folder + name).c_str(), F_OK) == 0)
      return user_error("authority_exists", folder + name + " exists: nodes may have certificates of this authority",
                        "issue more certificates with `sluice tls issue NAME`, or use another folder with --dir");
  const owned_key key(::EVP_EC_gen("P-256"), &::EVP_PKEY_free);
  std::array<unsigned char, 4> random{};
  if (!key || ::RAND_bytes(random.data(), random.size()) != 1) return failed("make a key");
  // Two authorities never have one name: a certificate of the other one is then said to be foreign, not damaged.
  std::string name = "Sluice cluster ";
  for (const auto byte : random) name += "0123456789abcdef"[byte >> 4], name += "0123456789abcdef"[byte & 15];
  const auto made = begin_certificate(key.get(), name, days);
  if (!made || ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(made.get())) != 1 ||
      !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash") ||
      ::X509_sign(made.get(), key.get(), ::EVP_sha256()) == 0)
    return failed("make a certificate");
  SLUICE_TRY(write_file(folder + "/ca.key", pem_of(key.get()), 0600));
  return write_file(folder + "/ca.crt", pem_of(made.get()), 0644);
}

result<std::string> issue_certificate(const std::string& folder, const certificate_request& what) {
  SLUICE_ASSIGN(const auto names, alternatives_of(what));
  SLUICE_ASSIGN(const auto issuer, open_authority(folder));
  const owned_key key(::EVP_EC_gen("P-256"), &::EVP_PKEY_free);
  if (!key) return failed("make a key");
  const auto made = begin_certificate(key.get(), what.name, what.days);
  auto* const by = issuer.certificate.get();
  if (!made || ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(by)) != 1 ||
      !add_extension(made.get(), by, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made.get(), by, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made.get(), by, NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(made.get(), by, NID_subject_key_identifier, "hash") ||
      !add_extension(made.get(), by, NID_authority_key_identifier, "keyid") ||
      !add_extension(made.get(), by, NID_subject_alt_name, names) ||
      ::X509_sign(made.get(), issuer.key.get(), ::EVP_sha256()) == 0)
    return failed("make a certificate");
  auto into = folder + "/" + what.name;
  SLUICE_TRY(make_private_folder(into));
  SLUICE_TRY(write_file(into + "/ca.crt", pem_of(by), 0644));
  SLUICE_TRY(write_file(into + "/tls.key", pem_of(key.get()), 0600));
  SLUICE_TRY(write_file(into + "/tls.crt", pem_of(made.get()), 0644));
  return into;
}

}  // namespace sluice::cluster
