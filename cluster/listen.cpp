#include "cluster/listen.hpp"

namespace sluice::cluster {

result<address> listen_on(boost::asio::ip::tcp::acceptor& acceptor, const address& where, std::string_view flag) {
  using boost::asio::ip::tcp;
  boost::system::error_code problem;
  const auto host = where.host == "localhost" ? std::string("127.0.0.1") : where.host;
  const auto number = boost::asio::ip::make_address(host, problem);
  if (problem)
    return user_error("invalid_address", std::string(flag) + " must have a numeric host, found '" + where.host + "'",
                      "for example 127.0.0.1:" + std::to_string(where.port));
  const tcp::endpoint endpoint(number, where.port);
  acceptor.open(endpoint.protocol(), problem);
  if (!problem) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
  if (!problem) acceptor.bind(endpoint, problem);
  if (!problem) acceptor.listen(boost::asio::socket_base::max_listen_connections, problem);
  if (problem) return from_errno(problem.value(), "listen on " + where.to_string() + " (" + std::string(flag) + ")");
  const auto bound = acceptor.local_endpoint(problem);
  if (problem) return from_errno(problem.value(), "look at a listening socket");
  return address{host, bound.port()};
}

}  // namespace sluice::cluster
