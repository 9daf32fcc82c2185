#include "cluster/data_dial.hpp"

#include "cluster/proof/handshake.hpp"

#include <boost/asio/post.hpp>

namespace sluice::cluster {

namespace {
constexpr auto connect_limit = std::chrono::seconds(5);
}  // namespace

data_dial::data_dial(data_shared& shared, std::string peer, outcome then)
    : shared_(shared),
      peer_(std::move(peer)),
      then_(std::move(then)),
      connection_(shared.network),
      timer_(shared.network) {}

void data_dial::start(const address& where) {
  boost::system::error_code problem;
  const boost::asio::ip::tcp::endpoint to(boost::asio::ip::make_address(where.host, problem), where.port);
  if (problem) return end(problem.message());
  timer_.expires_after(connect_limit);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) self->end("no answer within 5 s");
  });
  connection_.socket().async_connect(to, [self = shared_from_this()](boost::system::error_code failed) {
    if (!self->then_) return;
    self->timer_.cancel();
    if (failed) return self->end(failed.message());
    self->prove();
  });
}

void data_dial::prove() {
  std::make_shared<handshake>(network_stream(std::move(connection_.socket()), shared_.context()),
                              proof::dialling(shared_.own(), peer_),
                              [self = shared_from_this()](const result<std::string>& peer, network_stream proven) {
                                if (!peer.ok()) return self->end(peer.problem().message);
                                // The handshake's own handlers end before the connection goes elsewhere.
                                boost::asio::post(self->shared_.network, [self, proven = std::move(proven)]() mutable {
                                  std::exchange(self->then_, nullptr)({}, std::move(proven));
                                });
                              })
      ->start();
}

void data_dial::end(const std::string& why_not) {
  if (!then_) return;
  timer_.cancel();
  connection_.close();
  std::exchange(then_, nullptr)(why_not, network_stream(shared_.network));
}

}  // namespace sluice::cluster
