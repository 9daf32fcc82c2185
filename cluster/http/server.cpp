#include "cluster/http/server.hpp"

#include "cluster/accept_loop.hpp"
#include "cluster/http/connection.hpp"

#include <sys/resource.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace sluice::cluster {

namespace {

/// Connections without a token: each may hold a descriptor and about 50 KiB.
std::size_t most_newcomers() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 256;
  return std::clamp<std::size_t>(files.rlim_cur / 4, 16, 512);
}

}  // namespace

struct http_server::state {
  state(api_handlers handlers, std::string token, std::shared_ptr<certificates> secured)
      : shared(std::make_shared<http_shared>(std::move(handlers), std::move(token), most_newcomers())),
        // All are taken: newcomers make room for each other, and whoever shows the token waits for its turn.
        listening(shared->network, {.taken =
                                        [this, secured = std::move(secured)](boost::asio::ip::tcp::socket socket) {
                                          network_stream made(std::move(socket),
                                                              secured ? secured->for_http() : nullptr);
                                          std::make_shared<http_connection>(std::move(made), *shared)->start();
                                        },
                                    .out_of_descriptors = [this] { shared->unknown.evict_oldest(); }}) {}

  std::shared_ptr<http_shared> shared;
  accept_loop listening;
  address bound;
  std::thread thread;
};

http_server::http_server(std::unique_ptr<state> all) : state_(std::move(all)) {}

result<std::unique_ptr<http_server>> http_server::start(const address& where, std::string token, api_handlers handlers,
                                                        std::shared_ptr<certificates> secured) {
  if (!secured) SLUICE_TRY(check_loopback(where, "--http"));
  auto made = std::make_unique<state>(std::move(handlers), std::move(token), std::move(secured));
  SLUICE_ASSIGN(made->bound, made->listening.listen(where, "--http"));
  made->listening.start();
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

std::shared_ptr<const std::atomic<int>> http_server::planning() const { return state_->shared->planning; }

void http_server::drain() {
  std::mutex lock;
  std::condition_variable changed;
  bool closed = false;
  state_->shared->draining = true;
  boost::asio::post(state_->shared->network, [&, all = state_.get()] {
    all->listening.close();
    all->shared->tail.wake_all();
    const std::lock_guard guard(lock);
    closed = true;
    changed.notify_all();
  });
  std::unique_lock guard(lock);
  changed.wait(guard, [&] { return closed; });
  // Who has asked gets an answer: a run that is cancelled may have ended before its cancel was answered. Streams look
  // once more and end.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while ((state_->shared->streams > 0 || state_->shared->unanswered > 0) && std::chrono::steady_clock::now() < deadline)
    changed.wait_for(guard, std::chrono::milliseconds(10));
}

}  // namespace sluice::cluster
