#include "cluster/data_incoming.hpp"

#include "cluster/hello.hpp"
#include "cluster/token.hpp"

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <boost/asio/read.hpp>

#include <set>

namespace sluice::cluster {

namespace {
constexpr auto hello_limit = std::chrono::seconds(5);
}

data_incoming::data_incoming(boost::asio::ip::tcp::socket socket, data_shared& shared)
    : shared_(shared), socket_(std::move(socket)), timer_(shared.network) {
  boost::system::error_code ignored;
  const auto remote = socket_.remote_endpoint(ignored);
  from_ = remote.address().to_string(ignored) + ":" + std::to_string(remote.port());
}

void data_incoming::start() {
  timer_.expires_after(hello_limit);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self && self->peer_.empty())
      self->refuse(external_error("foreign_client", "it sent no hello within 5 s"));
  });
  read_length();
}

void data_incoming::read_length() {
  boost::asio::async_read(
      socket_, boost::asio::buffer(length_),
      [self = shared_from_this()](boost::system::error_code problem, std::size_t got) {
        if (problem && got > 0) return self->refuse(external_error("malformed_frame", "it ended inside a length"));
        if (problem) return self->close();
        std::size_t size = 0;
        for (const auto byte : self->length_) size = size << 8 | byte;
        const auto limit = self->peer_.empty() ? max_hello_bytes : wire::max_frame_bytes;
        if (size > limit)
          return self->refuse(external_error(
              self->peer_.empty() ? "foreign_client" : "malformed_frame",
              "it announced " + std::to_string(size) + " bytes, at most " + std::to_string(limit) + " may come"));
        self->read_body(size);
      });
}

void data_incoming::read_body(std::size_t size) {
  auto made = arrow::AllocateBuffer(static_cast<std::int64_t>(size));
  if (!made.ok()) return refuse(from_arrow(made.status(), "receive a frame"));
  body_ = std::move(made).ValueUnsafe();
  boost::asio::async_read(socket_, boost::asio::buffer(body_->mutable_data(), size),
                          [self = shared_from_this()](boost::system::error_code problem, std::size_t) {
                            if (problem)
                              return self->refuse(external_error("malformed_frame", "it ended inside a frame"));
                            if (self->peer_.empty()) return self->take_hello();
                            self->take_frame();
                          });
}

void data_incoming::take_hello() {
  const auto got =
      decode_hello({reinterpret_cast<const char*>(body_->data()), static_cast<std::size_t>(body_->size())});
  if (!got.ok()) return refuse(got.problem());
  if (shared_.token.empty() || !same_token(got->token, shared_.token))
    return refuse(external_error("foreign_client", "its token is not this session's"));
  if (got->node.empty()) return refuse(external_error("foreign_client", "it has no name"));
  peer_ = got->node;
  timer_.cancel();
  read_length();
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
  shared_.log("refused a data connection from " + (peer_.empty() ? from_ : "node " + peer_) + ": " + why.to_string());
  std::set<std::string> runs;
  if (!peer_.empty())
    for (const auto& [route, receiver] : shared_.routes)
      if (receiver.peer == peer_) runs.insert(route.run);
  for (const auto& run : runs)
    shared_.failed(run,
                   external_error(why.code, "data from node " + peer_ + " to node " + shared_.name + ": " + why.message,
                                  why.hint, true));
  close();
}

void data_incoming::close() {
  timer_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace sluice::cluster
