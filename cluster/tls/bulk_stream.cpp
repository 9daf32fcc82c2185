#include "cluster/tls/bulk_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace sluice::cluster {

namespace {

using outcome = bulk_stream::outcome;

constexpr const char* ended = "it closed the connection";

outcome failed(int number) { return {.problem = std::strerror(number)}; }

bool is_wait(int number) { return number == EAGAIN || number == EWOULDBLOCK || number == EINTR; }

outcome read_plain(int file, std::span<char> into) {
  const auto got = ::recv(file, into.data(), into.size(), MSG_DONTWAIT);
  if (got == 0) return {.problem = ended};
  if (got < 0 && !is_wait(errno)) return failed(errno);
  const auto bytes = got < 0 ? std::size_t{0} : static_cast<std::size_t>(got);
  return {.bytes = bytes, .full = bytes < into.size(), .problem = {}};
}

outcome write_plain(int file, std::span<const iovec> from) {
  constexpr std::size_t most_parts = 256;
  outcome all;
  while (!from.empty()) {
    const auto now = from.first(std::min(from.size(), most_parts));
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(now.data());  // the call takes no const
    message.msg_iovlen = now.size();
    std::size_t wanted = 0;
    for (const auto& one : now) wanted += one.iov_len;
    const auto sent = ::sendmsg(file, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && !is_wait(errno)) return failed(errno);
    const auto bytes = sent < 0 ? std::size_t{0} : static_cast<std::size_t>(sent);
    all.bytes += bytes;
    if (bytes < wanted) {
      all.full = true;
      return all;
    }
    from = from.subspan(now.size());
  }
  return all;
}

/// Lets OpenSSL write into a string.
BIO_METHOD* collecting() {
  static BIO_METHOD* const made = [] {
    auto* const how = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "collected records");
    ::BIO_meth_set_write_ex(how, [](BIO* to, const char* bytes, std::size_t size, std::size_t* written) {
      static_cast<std::string*>(::BIO_get_data(to))->append(bytes, size);
      *written = size;
      return 1;
    });
    ::BIO_meth_set_ctrl(how, [](BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1L : 0L; });
    ::BIO_meth_set_create(how, [](BIO* one) {
      ::BIO_set_init(one, 1);
      return 1;
    });
    return how;
  }();
  return made;
}

}  // namespace

/// OpenSSL's connection. It reads from the socket, several records at once; what it encrypts is collected and sent by
/// calls of 256 KiB, because a call for each record of 16 KiB takes as long as the encryption.
class bulk_stream::encryption {
 public:
  encryption(SSL* connection, int file) : connection_(connection), file_(file) {
    ::SSL_up_ref(connection_);
    auto* const in = ::BIO_new_socket(file, BIO_NOCLOSE);
    auto* const out = ::BIO_new(collecting());
    ::BIO_set_data(out, &out_);
    ::SSL_set_bio(connection_, in, out);  // which owns both from now on
    out_.reserve(collected + 2 * record);
    ::SSL_clear_mode(connection_, SSL_MODE_RELEASE_BUFFERS);
    ::SSL_set_mode(connection_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ::SSL_set_default_read_buffer_len(connection_, collected);
    ::SSL_set_read_ahead(connection_, 1);
  }
  ~encryption() { ::SSL_free(connection_); }
  encryption(const encryption&) = delete;
  encryption& operator=(const encryption&) = delete;

  outcome read(std::span<char> into) {
    outcome all;
    while (all.bytes < into.size()) {
      std::size_t got = 0;
      ::ERR_clear_error();
      const int how = ::SSL_read_ex(connection_, into.data() + all.bytes, into.size() - all.bytes, &got);
      all.bytes += got;
      if (how == 1) continue;
      const auto why = ::SSL_get_error(connection_, how);
      if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        all.full = true;
        return all;
      }
      all.problem = why == SSL_ERROR_ZERO_RETURN ? ended : fault(why);
      return all;
    }
    return all;
  }

  outcome write(std::span<const iovec> from) {
    outcome all;
    std::size_t done = 0;  // of the first
    while (true) {
      if (out_.size() >= collected || from.empty()) {
        if (auto sent = flush(); sent.full || !sent.problem.empty()) {
          all.full = sent.full;
          all.problem = std::move(sent.problem);
          return all;
        }
        if (from.empty()) return all;
      }
      const auto piece = next(from, done);
      std::size_t taken = 0;
      ::ERR_clear_error();
      const int how = ::SSL_write_ex(connection_, piece.data(), piece.size(), &taken);
      if (how != 1) {
        all.problem = fault(::SSL_get_error(connection_, how));
        return all;
      }
      all.bytes += taken;
      for (done += taken; !from.empty() && done >= from.front().iov_len; from = from.subspan(1))
        done -= from.front().iov_len;
    }
  }

 private:
  static constexpr std::size_t record = 16 * 1024;
  static constexpr std::size_t collected = 256 * 1024;

  /// What the next record holds: a part of a large buffer, or several small ones put together.
  std::string_view next(std::span<const iovec> from, std::size_t done) {
    const auto& first = from.front();
    if (first.iov_len - done >= record || from.size() == 1)
      return {static_cast<const char*>(first.iov_base) + done, std::min(record, first.iov_len - done)};
    std::size_t size = 0;
    for (const auto& one : from) {
      const auto bytes = std::min(one.iov_len - done, record - size);
      std::memcpy(small_.data() + size, static_cast<const char*>(one.iov_base) + done, bytes);
      size += bytes;
      done = 0;
      if (size == record) break;
    }
    return {small_.data(), size};
  }

  outcome flush() {
    while (sent_ < out_.size()) {
      const auto sent = ::send(file_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) return is_wait(errno) ? outcome{.full = true, .problem = {}} : failed(errno);
      sent_ += static_cast<std::size_t>(sent);
    }
    out_.clear();
    sent_ = 0;
    return {};
  }

  static std::string fault(int why) {
    if (why == SSL_ERROR_SYSCALL) return errno != 0 ? std::strerror(errno) : ended;
    std::array<char, 256> text{};
    ::ERR_error_string_n(::ERR_peek_last_error(), text.data(), text.size());
    return std::string("TLS: ") + text.data();
  }

  SSL* connection_;
  int file_;
  std::string out_;       ///< encrypted
  std::size_t sent_ = 0;  ///< of it
  std::array<char, record> small_{};
};

bulk_stream::bulk_stream(network_stream proven, strand on) : socket_(std::move(on)) {
  auto& before = proven.socket();
  boost::system::error_code problem;
  const auto end = before.local_endpoint(problem);
  if (problem) return;  // it has broken meanwhile; the first attempt will say so
  const int file = before.release(problem);
  if (problem) return;
  if (socket_.assign(end.protocol(), file, problem); problem) {
    ::close(file);
    return;
  }
  if (proven.encrypted()) tls_ = std::make_unique<encryption>(proven.tls(), file);
}

bulk_stream::~bulk_stream() = default;

outcome bulk_stream::read(std::span<char> into) {
  if (!socket_.is_open()) return {.problem = ended};
  return tls_ ? tls_->read(into) : read_plain(socket_.native_handle(), into);
}

outcome bulk_stream::write(std::span<const iovec> from) {
  if (!socket_.is_open()) return {.problem = ended};
  return tls_ ? tls_->write(from) : write_plain(socket_.native_handle(), from);
}

void bulk_stream::limit_unsent(int bytes) {
  if (socket_.is_open())
    (void)::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void bulk_stream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace sluice::cluster
