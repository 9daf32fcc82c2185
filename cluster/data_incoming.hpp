#pragma once

#include "cluster/data_shared.hpp"
#include "cluster/tls/bulk_stream.hpp"
#include "engine/wire/window_frame.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>

namespace arrow {
class Buffer;
}

namespace sluice::cluster {

/// The receiving end of a link whose peer is proven: frames come, and the windows of their channels go back. Anything
/// else closes it. All of it happens on its strand.
class data_incoming : public std::enable_shared_from_this<data_incoming> {
 public:
  data_incoming(network_stream proven, std::string peer, data_shared& shared);

  void start();
  void forget(const std::string& run);
  /// The peer may send more. From any thread.
  void tell(const data_route& route, std::uint32_t attempt, const flow::receive_budget::window& window);

 private:
  void wait();
  /// Reads until nothing is there, or others have to have their turn.
  void take();
  /// Reads what is missing of a length or a frame. False: it has to wait, or is over.
  bool fill(char* into, std::size_t size);
  bool take_frame();
  void deliver(wire::message& message);
  void send_windows();
  void refuse(const error& why);
  void close();

  data_shared& shared_;
  std::string peer_;
  bulk_stream::strand strand_;
  bulk_stream connection_;
  wire::decoder decoder_;
  std::array<char, 4> length_{};
  std::size_t filled_ = 0;                            ///< of length_, or of body_
  std::shared_ptr<arrow::Buffer> body_;               ///< null: a length comes next
  std::map<data_route, wire::window_frame> windows_;  ///< to be sent, the latest of each channel
  std::string out_;
  bool sending_ = false;  ///< the network is full of windows
  bool over_ = false;
};

}  // namespace sluice::cluster
