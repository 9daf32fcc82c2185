// What one TCP connection on loopback takes without Sluice: the floor that `benchmarks/cluster/run.py` compares with.
//   bare_socket plain BYTES          a process sends so many bytes of eight columns of integers, another receives them
//   bare_socket tls BYTES FOLDER     the same over TLS 1.3, with the tls.crt and tls.key of FOLDER
// Both sides use one buffer of 1 MiB again and again. Prints one JSON object with seconds and the CPU seconds of both.
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr std::size_t buffer_bytes = 1024 * 1024;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

double cpu_of(int whose) {
  rusage used{};
  ::getrusage(whose, &used);
  const auto seconds = [](const timeval& of) {
    return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// One end of the connection, encrypted where `folder` has a certificate.
struct end {
  int file = -1;
  SSL* tls = nullptr;

  void secure(const std::string& folder, bool accepts) {
    if (folder.empty()) return;
    auto* const with = ::SSL_CTX_new(::TLS_method());
    ::SSL_CTX_set_min_proto_version(with, TLS1_3_VERSION);
    if (accepts && (::SSL_CTX_use_certificate_file(with, (folder + "/tls.crt").c_str(), SSL_FILETYPE_PEM) != 1 ||
                    ::SSL_CTX_use_PrivateKey_file(with, (folder + "/tls.key").c_str(), SSL_FILETYPE_PEM) != 1))
      give_up("the certificate");
    tls = ::SSL_new(with);
    ::SSL_set_fd(tls, file);
    if ((accepts ? ::SSL_accept(tls) : ::SSL_connect(tls)) != 1) give_up("the TLS handshake");
  }
  std::size_t send(const char* bytes, std::size_t size) const {
    const auto done =
        tls != nullptr ? ::SSL_write(tls, bytes, static_cast<int>(size)) : ::send(file, bytes, size, MSG_NOSIGNAL);
    if (done <= 0) give_up("send");
    return static_cast<std::size_t>(done);
  }
  std::size_t receive(char* bytes, std::size_t size) const {
    const auto done = tls != nullptr ? ::SSL_read(tls, bytes, static_cast<int>(size)) : ::recv(file, bytes, size, 0);
    return done <= 0 ? 0 : static_cast<std::size_t>(done);
  }
};

void receive_all(int listener, const std::string& folder, std::size_t bytes) {
  end from{.file = ::accept(listener, nullptr, nullptr)};
  if (from.file < 0) give_up("accept");
  from.secure(folder, true);
  std::vector<char> buffer(buffer_bytes);
  std::size_t got = 0;
  while (got < bytes) {
    const auto now = from.receive(buffer.data(), buffer.size());
    if (now == 0) break;
    got += now;
  }
  const char answer = got == bytes ? 'y' : 'n';
  (void)from.send(&answer, 1);
  std::_Exit(got == bytes ? 0 : 1);
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  if (!(what == "plain" && count == 3) && !(what == "tls" && count == 4)) {
    std::fprintf(stderr, "bare_socket plain BYTES | tls BYTES FOLDER\n");
    return 64;
  }
  const auto bytes = static_cast<std::size_t>(std::atoll(words[2]));
  const std::string folder = what == "tls" ? words[3] : "";
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size) != 0)
    give_up("listen");
  const auto child = ::fork();
  if (child == 0) receive_all(listener, folder, bytes);
  end to{.file = ::socket(AF_INET, SOCK_STREAM, 0)};
  if (::connect(to.file, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) give_up("connect");
  to.secure(folder, false);
  std::vector<std::int64_t> rows(buffer_bytes / sizeof(std::int64_t));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t sent = 0; sent < bytes;)
    sent += to.send(reinterpret_cast<const char*>(rows.data()), std::min(buffer_bytes, bytes - sent));
  char answer = 'n';
  (void)to.receive(&answer, 1);
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  int how = 0;
  ::waitpid(child, &how, 0);
  if (answer != 'y' || how != 0) return 1;
  std::printf("{\"seconds\": %.4f, \"sender_cpu\": %.4f, \"receiver_cpu\": %.4f}\n", took, cpu_of(RUSAGE_SELF),
              cpu_of(RUSAGE_CHILDREN));
  return 0;
}
