#include "cluster/data_incoming.hpp"

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <boost/asio/read.hpp>

#include <set>

namespace sluice::cluster {

data_incoming::data_incoming(network_stream connection, std::string peer, data_shared& shared)
    : shared_(shared), connection_(std::move(connection)), peer_(std::move(peer)) {}

void data_incoming::start() { read_length(); }

void data_incoming::read_length() {
  boost::asio::async_read(connection_, boost::asio::buffer(length_),
                          [self = shared_from_this()](boost::system::error_code problem, std::size_t got) {
                            if (problem && got > 0)
                              return self->refuse(external_error("malformed_frame", "it ended within a length field"));
                            if (problem) return self->close();
                            std::size_t size = 0;
                            for (const auto byte : self->length_) size = size << 8 | byte;
                            if (size > wire::max_frame_bytes)
                              return self->refuse(external_error(
                                  "malformed_frame", "it announced " + std::to_string(size) + " bytes, at most " +
                                                         std::to_string(wire::max_frame_bytes) + " are allowed"));
                            self->read_body(size);
                          });
}

void data_incoming::read_body(std::size_t size) {
  auto made = arrow::AllocateBuffer(static_cast<std::int64_t>(size));
  if (!made.ok()) return refuse(from_arrow(made.status(), "receive a frame"));
  body_ = std::move(made).ValueUnsafe();
  boost::asio::async_read(connection_, boost::asio::buffer(body_->mutable_data(), size),
                          [self = shared_from_this()](boost::system::error_code problem, std::size_t) {
                            if (problem)
                              return self->refuse(external_error("malformed_frame", "it ended within a frame"));
                            self->take_frame();
                          });
}

void data_incoming::take_frame() {
  auto got = decoder_.take(std::move(body_));
  if (!got.ok()) return refuse(got.problem());
  for (auto& message : *got) {
    const auto& head = message.head;
    const auto found = shared_.routes.find({head.run, head.edge, head.from, head.to});
    // Late frames of a run that is over, or of an attempt that is: nobody waits for them.
    if (found == shared_.routes.end() || found->second.attempt != head.attempt || found->second.peer != peer_) continue;
    found->second.deliver(std::move(message.body));
  }
  read_length();
}

void data_incoming::refuse(const error& why) {
  shared_.refused("refused a data connection from node " + peer_ + ": " + why.to_string());
  std::set<std::string> runs;
  for (const auto& [route, receiver] : shared_.routes)
    if (receiver.peer == peer_) runs.insert(route.run);
  for (const auto& run : runs)
    shared_.failed(
        run, external_error(why.code, "data from node " + peer_ + " to node " + shared_.own.name + ": " + why.message,
                            why.hint, true));
  close();
}

void data_incoming::close() { connection_.close(); }

}  // namespace sluice::cluster
