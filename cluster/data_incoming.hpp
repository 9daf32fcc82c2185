#pragma once

#include "cluster/data_shared.hpp"
#include "cluster/tls/network_stream.hpp"

#include <array>
#include <memory>
#include <string>

namespace arrow {
class Buffer;
}

namespace sluice::cluster {

/// The receiving end of a link whose peer is proven: frames. Anything else closes it.
class data_incoming : public std::enable_shared_from_this<data_incoming> {
 public:
  data_incoming(network_stream connection, std::string peer, data_shared& shared);

  void start();
  void forget(const std::string& run) { decoder_.forget(run); }

 private:
  void read_length();
  void read_body(std::size_t size);
  void take_frame();
  void refuse(const error& why);
  void close();

  data_shared& shared_;
  network_stream connection_;
  wire::decoder decoder_;
  std::string peer_;
  std::array<unsigned char, 4> length_{};
  std::shared_ptr<arrow::Buffer> body_;
};

}  // namespace sluice::cluster
