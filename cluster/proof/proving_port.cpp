#include "cluster/proof/proving_port.hpp"

namespace sluice::cluster {

using boost::asio::ip::tcp;

proving_port::proving_port(boost::asio::io_context& network, std::string kind, callbacks calls)
    : kind_(std::move(kind)),
      calls_(std::move(calls)),
      accepting_(network, {.taken = [this](tcp::socket socket) { let_prove(std::move(socket)); },
                           .out_of_descriptors = [this] { unproven_.evict_oldest(); }}) {}

void proving_port::let_prove(tcp::socket socket) {
  const auto from = peer_address(socket);
  const auto ticket = std::make_shared<newcomers<handshake>::ticket>();
  const auto made = std::make_shared<handshake>(
      network_stream(std::move(socket), calls_.secured ? calls_.secured() : nullptr), calls_.asked(),
      [this, from, ticket](const result<std::string>& peer, network_stream proven) {
        unproven_.remove(*ticket);
        if (!peer.ok())
          return calls_.refused("refused a " + kind_ + " connection from " + from + ": " + peer.problem().message);
        calls_.proven(*peer, std::move(proven));
      });
  *ticket = unproven_.add(made);
  made->start();
}

void proving_port::close() {
  accepting_.close();
  unproven_.clear();
}

}  // namespace sluice::cluster
