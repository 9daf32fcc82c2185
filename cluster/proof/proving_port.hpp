#pragma once

#include "cluster/accept_loop.hpp"
#include "cluster/proof/handshake.hpp"
#include "cluster/proof/newcomers.hpp"

#include <functional>
#include <string>

namespace sluice::cluster {

/// A port whose connections have to prove themselves before anything else is read from them.
class proving_port {
 public:
  struct callbacks {
    std::function<proof()> asked;  ///< what the next newcomer has to prove
    std::function<void(const std::string& peer, network_stream)> proven;
    std::function<void(const std::string& line)> refused;  ///< for the log
    /// What encrypts the next newcomer's connection; not set: nothing does.
    std::function<certificates::context()> secured = {};
  };
  /// `kind` names the connections for the log: "control".
  proving_port(boost::asio::io_context& network, std::string kind, callbacks calls);

  result<address> listen(const address& where, std::string_view flag) { return accepting_.listen(where, flag); }
  void start() { accepting_.start(); }
  /// Takes in no more, and ends those that have proven nothing yet.
  void close();

 private:
  void let_prove(boost::asio::ip::tcp::socket socket);

  std::string kind_;
  callbacks calls_;
  newcomers<handshake> unproven_{most_unproven};
  accept_loop accepting_;
};

}  // namespace sluice::cluster
