#pragma once

#include "cluster/data_shared.hpp"
#include "cluster/tls/network_stream.hpp"

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sluice::cluster {

/// The sending end of a link to one peer. It connects with the first payload, encodes as the network takes, and when
/// the connection breaks fails the runs that used it; the next run connects anew.
class data_outgoing : public std::enable_shared_from_this<data_outgoing> {
 public:
  data_outgoing(data_shared& shared, std::string peer);

  void set_address(const address& where) { where_ = where; }
  void send(const data_route& route, std::uint32_t attempt, wire::payload body);
  void forget(const std::string& run);
  void close();

 private:
  struct item {
    data_route route;
    std::uint32_t attempt = 1;
    wire::payload body;
  };
  /// A message as it goes over the connection.
  struct outgoing_frame {
    std::array<unsigned char, 4> length{};
    std::string bytes;
  };
  enum class stage { idle, connecting, open };

  void connect();
  void prove(network_stream connected, std::uint64_t number);
  void opened();
  void watch();
  void encode_more();
  void write();
  void broken(const std::string& why);
  void fail_run(const std::string& run, const error& why);
  void push(std::string bytes);

  data_shared& shared_;
  std::string peer_;
  address where_;
  /// Kept by what is under way on it too: an encrypted one must not go before that has ended.
  std::shared_ptr<network_stream> connection_to_;
  boost::asio::steady_timer timer_;
  stage stage_ = stage::idle;
  std::deque<item> waiting_;
  std::deque<outgoing_frame> encoded_;
  std::vector<outgoing_frame> writing_;
  std::int64_t queued_bytes_ = 0;  ///< of encoded_ and writing_
  std::map<data_route, std::uint64_t> sequences_;
  std::set<std::string> failed_;  ///< runs that lost something here; nothing more of them is sent
  std::uint64_t connection_ = 0;  ///< tells answers of an old connection from the current one's
  char unread_ = 0;
};

}  // namespace sluice::cluster
