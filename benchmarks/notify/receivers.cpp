#include "benchmarks/notify/receivers.hpp"

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include <boost/asio.hpp>

#include <atomic>
#include <charconv>
#include <chrono>
#include <mutex>
#include <string_view>
#include <thread>

namespace sluice::bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::int64_t number_behind(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  std::int64_t value = -1;
  if (at != std::string_view::npos) {
    auto begin = at + name.size();
    while (begin < text.size() && text[begin] == ' ') ++begin;
    std::from_chars(text.data() + begin, text.data() + text.size(), value);
  }
  return value;
}

}  // namespace

std::int64_t ticks() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct receivers::state {
  asio::io_context network{1};
  tcp::acceptor listening{network, {asio::ip::address_v4::loopback(), 0}};
  mutable std::mutex lock;
  std::vector<arrival> taken;
  std::thread thread;

  struct client : std::enable_shared_from_this<client> {
    client(tcp::socket from, state& all) : socket(std::move(from)), of(all) {}
    tcp::socket socket;
    state& of;
    std::string read;
    std::array<char, 16384> buffer{};

    void go_on() {
      socket.async_read_some(asio::buffer(buffer),
                             [self = shared_from_this()](boost::system::error_code problem, std::size_t bytes) {
                               if (problem) return;
                               self->read.append(self->buffer.data(), bytes);
                               self->look();
                             });
    }
    void look() {
      const auto head = read.find("\r\n\r\n");
      if (head == std::string::npos) return go_on();
      std::string lower = read.substr(0, head);
      for (auto& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const auto length = std::max<std::int64_t>(0, number_behind(lower, "content-length:"));
      if (read.size() < head + 4 + static_cast<std::size_t>(length)) return go_on();
      const std::string path = read.substr(5, read.find(' ', 5) - 5);
      const std::string_view body(read.data() + head + 4, static_cast<std::size_t>(length));
      if (path.starts_with("/hang")) return go_on();
      if (path.starts_with("/ok")) {
        const std::lock_guard guard(of.lock);
        of.taken.push_back({number_behind(path, "/ok/"), number_behind(body, "\"cursor\":"), ticks()});
      }
      static const std::string good = "HTTP/1.1 204 No Content\r\n\r\n";
      static const std::string bad = "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
      read.erase(0, head + 4 + static_cast<std::size_t>(length));
      asio::async_write(socket, asio::buffer(path.starts_with("/ok") ? good : bad),
                        [self = shared_from_this()](boost::system::error_code problem, std::size_t) {
                          if (!problem) self->look();
                        });
    }
  };

  void accept() {
    listening.async_accept([this](boost::system::error_code problem, tcp::socket socket) {
      if (problem) return;
      std::make_shared<client>(std::move(socket), *this)->go_on();
      accept();
    });
  }
};

receivers::receivers() : state_(std::make_unique<state>()) {
  state_->accept();
  state_->thread = std::thread([this] { state_->network.run(); });
}

receivers::~receivers() {
  state_->network.stop();
  state_->thread.join();
}

int receivers::port() const { return state_->listening.local_endpoint().port(); }

std::vector<arrival> receivers::taken() const {
  const std::lock_guard guard(state_->lock);
  return state_->taken;
}

struct stream_reader::state {
  asio::io_context network{1};
  tcp::socket socket{network};
  std::atomic<std::int64_t> events = 0;
  std::atomic<std::int64_t> last = 0;
  std::thread thread;

  void read() {
    std::string text;
    std::array<char, 65536> buffer{};
    boost::system::error_code problem;
    while (true) {
      const auto bytes = socket.read_some(asio::buffer(buffer), problem);
      if (problem) return;
      text.append(buffer.data(), bytes);
      std::size_t begin = 0;
      for (auto end = text.find('\n', begin); end != std::string::npos; end = text.find('\n', begin)) {
        const std::string_view line(text.data() + begin, end - begin);
        if (line.starts_with("id: ")) {
          last = number_behind(line, "id: ");
          ++events;
        }
        begin = end + 1;
      }
      text.erase(0, begin);
    }
  }
};

stream_reader::stream_reader(const std::string& host, int port, const std::string& token)
    : state_(std::make_unique<state>()) {
  state_->socket.connect({asio::ip::make_address(host), static_cast<unsigned short>(port)});
  const auto request = "GET /v1/events HTTP/1.1\r\nHost: " + host + ":" + std::to_string(port) +
                       "\r\nAccept: text/event-stream\r\nAuthorization: Bearer " + token + "\r\n\r\n";
  asio::write(state_->socket, asio::buffer(request));
  state_->thread = std::thread([this] { state_->read(); });
}

stream_reader::~stream_reader() {
  boost::system::error_code ignored;
  state_->socket.shutdown(tcp::socket::shutdown_both, ignored);
  state_->thread.join();
}

std::int64_t stream_reader::events() const { return state_->events; }
std::int64_t stream_reader::last() const { return state_->last; }

}  // namespace sluice::bench
