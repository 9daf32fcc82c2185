#include "cluster/http/server.hpp"
#include "cluster/http/connection.hpp"
#include "cluster/listen.hpp"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace sluice::cluster {

namespace {
constexpr int most_connections = 64;
}

struct http_server::state {
  state(api_handlers handlers, std::string token)
      : shared(std::make_shared<http_shared>(std::move(handlers), std::move(token))), acceptor(shared->network) {}

  void accept() {
    acceptor.async_accept([this](boost::system::error_code problem, boost::asio::ip::tcp::socket socket) {
      if (problem == boost::asio::error::operation_aborted || !acceptor.is_open()) return;
      // One too many is closed at once: those that are served stay well.
      if (!problem && shared->connections < most_connections)
        std::make_shared<http_connection>(std::move(socket), *shared)->read();
      accept();
    });
  }

  std::shared_ptr<http_shared> shared;
  boost::asio::ip::tcp::acceptor acceptor;
  address bound;
  std::thread thread;
};

http_server::http_server(std::unique_ptr<state> all) : state_(std::move(all)) {}

result<std::unique_ptr<http_server>> http_server::start(const address& where, std::string token,
                                                        api_handlers handlers) {
  SLUICE_TRY(check_loopback(where, "--http"));
  auto made = std::make_unique<state>(std::move(handlers), std::move(token));
  SLUICE_ASSIGN(made->bound, listen_on(made->acceptor, where, "--http"));
  made->accept();
  made->thread = std::thread([shared = made->shared] { shared->network.run(); });
  return std::unique_ptr<http_server>(new http_server(std::move(made)));
}

http_server::~http_server() {
  // Handlers may still be at work: they end first, so that nothing they use goes away under them.
  state_->shared->quick.stop();
  state_->shared->quick.join();
  state_->shared->blocking.stop();
  state_->shared->blocking.join();
  state_->shared->network.stop();
  state_->thread.join();
}

address http_server::where() const { return state_->bound; }

void http_server::drain() {
  std::mutex lock;
  std::condition_variable changed;
  bool closed = false;
  state_->shared->draining = true;
  boost::asio::post(state_->shared->network, [&, all = state_.get()] {
    boost::system::error_code ignored;
    all->acceptor.close(ignored);
    const std::lock_guard guard(lock);
    closed = true;
    changed.notify_all();
  });
  std::unique_lock guard(lock);
  changed.wait(guard, [&] { return closed; });
  // Who has asked gets an answer: a run that is cancelled may have ended before its cancel was answered. Streams look
  // at the Store at least once a second and end there.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while ((state_->shared->streams > 0 || state_->shared->unanswered > 0) && std::chrono::steady_clock::now() < deadline)
    changed.wait_for(guard, std::chrono::milliseconds(10));
}

}  // namespace sluice::cluster
