#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/address.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace sluice::cluster {

/// Binds and listens; gives the address with its real port. Errors: port_in_use and others with `flag` in the text.
result<address> listen_on(boost::asio::ip::tcp::acceptor& acceptor, const address& where, std::string_view flag);

}  // namespace sluice::cluster
