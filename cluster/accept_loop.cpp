#include "cluster/accept_loop.hpp"

namespace sluice::cluster {

namespace {

/// When the system has no descriptor left, the next attempt waits a moment.
constexpr auto accept_again = std::chrono::milliseconds(50);
constexpr int accepted_at_once = 64;

}  // namespace

accept_loop::accept_loop(boost::asio::io_context& network, callbacks calls)
    : network_(network), calls_(std::move(calls)), acceptor_(network), pause_(network) {}

result<address> accept_loop::listen(const address& where, std::string_view flag) {
  SLUICE_ASSIGN(auto bound, listen_on(acceptor_, where, flag));
  boost::system::error_code ignored;
  acceptor_.non_blocking(true, ignored);  // accept_waiting ends where nobody waits
  return bound;
}

void accept_loop::accept() {
  acceptor_.async_accept([this](boost::system::error_code problem, boost::asio::ip::tcp::socket socket) {
    if (problem == boost::asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (problem) {
      calls_.out_of_descriptors();
      pause_.expires_after(accept_again);
      pause_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) accept();
      });
      return;
    }
    calls_.taken(std::move(socket));
    accept_waiting();
    accept();
  });
}

void accept_loop::accept_waiting() {
  for (int left = accepted_at_once; left > 0; --left) {
    boost::system::error_code problem;
    boost::asio::ip::tcp::socket socket(network_);
    acceptor_.accept(socket, problem);
    if (problem) return;
    calls_.taken(std::move(socket));
  }
}

void accept_loop::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

}  // namespace sluice::cluster
