#pragma once

#include "cluster/data_shared.hpp"
#include "cluster/link_rate.hpp"
#include "cluster/outgoing_channels.hpp"
#include "cluster/tls/bulk_stream.hpp"
#include "engine/wire/scattered_frame.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::cluster {

/// The sending end of a link to one peer. It connects with the first payload, encodes as the network takes, and when
/// the connection breaks fails the runs that used it; the next run connects anew. All of it happens on its strand.
class data_outgoing : public std::enable_shared_from_this<data_outgoing> {
 public:
  data_outgoing(data_shared& shared, std::string peer);

  [[nodiscard]] const bulk_stream::strand& strand() const { return strand_; }
  void set_address(const address& where) { where_ = where; }
  void send(outgoing_batch what);
  void forget(const std::string& run);
  void close();

 private:
  /// A frame as it goes over the connection.
  struct outgoing_frame {
    std::array<unsigned char, 4> length{};
    wire::scattered_frame parts;
  };
  enum class stage { idle, connecting, open };

  void connect();
  void opened(std::shared_ptr<bulk_stream> connection);
  void listen();
  void take_windows();
  void take_window(std::span<const char> frame);
  /// Encodes and sends until the network is full or nothing may go.
  void pump();
  void encode_more();
  void encode(outgoing_channels::item what);
  void push(wire::scattered_frame frame);
  [[nodiscard]] std::vector<iovec> unsent() const;
  void written(std::size_t bytes);
  void broken(const std::string& why);
  void fail_run(const std::string& run, const error& why);
  void count_waiting();

  data_shared& shared_;
  std::string peer_;
  bulk_stream::strand strand_;
  address where_;
  stage stage_ = stage::idle;
  std::shared_ptr<bulk_stream> connection_;  ///< kept by what waits for it too
  std::uint64_t number_ = 0;                 ///< of the connection: tells answers of an old one from the current one's
  outgoing_channels channels_;
  std::int64_t counted_waiting_ = 0;  ///< of channels_, in what all links wait for
  std::deque<outgoing_frame> encoded_;
  std::int64_t queued_bytes_ = 0;  ///< of encoded_
  std::size_t written_ = 0;        ///< of its first frame, with its length
  bool full_ = false;              ///< it waits until the network takes more
  bool owed_ = false;              ///< the last `write` may have kept some of what it took
  std::map<std::pair<std::string, std::uint32_t>, wire::codec_choice> codecs_;  ///< by run and edge
  link_rate rate_;
  std::set<std::string> failed_;  ///< runs that lost something here; nothing more of them is sent
  std::string in_;                ///< of a window that has not come in full
};

}  // namespace sluice::cluster
