#include "cluster/data_incoming.hpp"

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <boost/asio/post.hpp>

#include <set>

namespace sluice::cluster {

namespace {

/// After so many bytes another connection has its turn.
constexpr std::size_t bytes_a_turn = 8 * 1024 * 1024;

std::string with_length(const std::string& frame) {
  std::string whole;
  for (int shift = 24; shift >= 0; shift -= 8) whole += static_cast<char>(frame.size() >> shift & 0xff);
  return whole + frame;
}

}  // namespace

data_incoming::data_incoming(network_stream proven, std::string peer, data_shared& shared)
    : shared_(shared),
      peer_(std::move(peer)),
      strand_(boost::asio::make_strand(shared.carrying.get_executor())),
      connection_(std::move(proven), strand_) {}

void data_incoming::start() {
  boost::asio::post(strand_, [self = shared_from_this()] { self->take(); });
}

void data_incoming::forget(const std::string& run) {
  boost::asio::post(strand_, [self = shared_from_this(), run] {
    self->decoder_.forget(run);
    std::erase_if(self->windows_, [&](const auto& entry) { return entry.first.run == run; });
  });
}

void data_incoming::wait() {
  connection_.when_readable([self = shared_from_this()](auto problem) {
    if (self->over_) return;
    if (problem) return self->close();
    self->take();
  });
}

void data_incoming::take() {
  for (std::size_t read = 0; read < bytes_a_turn && !over_;) {
    if (!body_) {
      if (!fill(length_.data(), length_.size())) return;
      std::size_t size = 0;
      for (const auto byte : length_) size = size << 8 | static_cast<unsigned char>(byte);
      if (size > wire::max_frame_bytes)
        return refuse(external_error("malformed_frame", "it announced " + std::to_string(size) + " bytes, at most " +
                                                            std::to_string(wire::max_frame_bytes) + " are allowed"));
      auto made = arrow::AllocateBuffer(static_cast<std::int64_t>(size));
      if (!made.ok()) return refuse(from_arrow(made.status(), "receive a frame"));
      body_ = std::move(made).ValueUnsafe();
    }
    const auto size = static_cast<std::size_t>(body_->size());
    if (!fill(reinterpret_cast<char*>(body_->mutable_data()), size) || !take_frame()) return;
    read += size;
  }
  if (!over_) start();
}

bool data_incoming::fill(char* into, std::size_t size) {
  while (filled_ < size) {
    const auto got = connection_.read({into + filled_, size - filled_});
    filled_ += got.bytes;
    if (filled_ == size) break;
    if (!got.problem.empty()) {
      if (body_) {
        refuse(external_error("malformed_frame", "it ended within a frame"));
      } else if (filled_ > 0) {
        refuse(external_error("malformed_frame", "it ended within a length field"));
      } else {
        close();
      }
      return false;
    }
    if (got.full) {
      wait();
      return false;
    }
  }
  filled_ = 0;
  return true;
}

bool data_incoming::take_frame() {
  shared_.received_bytes += body_->size();
  auto got = decoder_.take(std::exchange(body_, nullptr));
  if (!got.ok()) {
    refuse(got.problem());
    return false;
  }
  for (auto& message : *got) deliver(message);
  return true;
}

void data_incoming::deliver(wire::message& message) {
  const auto& head = message.head;
  const auto* const rows = std::get_if<batch>(&message.body);
  const auto bytes = rows == nullptr ? 0 : rows->bytes();
  std::shared_ptr<data_shared::receiver> found;
  {
    const std::lock_guard guard(shared_.lock);
    const auto at = shared_.routes.find({head.run, head.edge, head.from, head.to});
    // Late frames of a run that is over, or of an attempt that is: nobody waits for them.
    if (at == shared_.routes.end() || at->second->attempt != head.attempt || at->second->peer != peer_) return;
    found = at->second;
    found->from = weak_from_this();
    if (rows != nullptr) shared_.budget.arrived(found->channel, rows->rows(), bytes);
  }
  found->deliver(std::move(message.body));
}

void data_incoming::tell(const data_route& route, std::uint32_t attempt, const flow::receive_budget::window& window) {
  boost::asio::post(strand_, [self = shared_from_this(), route, attempt, window] {
    if (self->over_) return;
    auto& told = self->windows_[route];
    told.of = {.run = route.run, .edge = route.edge, .from = route.from, .to = route.to, .attempt = attempt};
    told.rows = std::max(told.rows, window.rows);
    told.bytes = window.bytes;
    self->send_windows();
  });
}

void data_incoming::send_windows() {
  if (sending_) return;
  while (true) {
    for (const auto& [route, window] : windows_) out_ += with_length(wire::encode_window(window));
    windows_.clear();
    const iovec piece{out_.data(), out_.size()};
    const auto got = connection_.write(out_.empty() ? std::span<const iovec>() : std::span(&piece, 1));
    out_.erase(0, got.bytes);
    if (!got.problem.empty()) return;  // its end is read next
    if (got.full) break;
    if (out_.empty()) return;
  }
  sending_ = true;
  connection_.when_writable([self = shared_from_this()](auto problem) {
    if (self->over_ || problem) return;
    self->sending_ = false;
    self->send_windows();
  });
}

void data_incoming::refuse(const error& why) {
  shared_.refused("refused a data connection from node " + peer_ + ": " + why.to_string());
  std::set<std::string> runs;
  {
    const std::lock_guard guard(shared_.lock);
    for (const auto& [route, receiver] : shared_.routes)
      if (receiver->peer == peer_) runs.insert(route.run);
  }
  for (const auto& run : runs)
    shared_.failed(
        run, external_error(why.code, "data from node " + peer_ + " to node " + shared_.own_name + ": " + why.message,
                            why.hint, true));
  close();
}

void data_incoming::close() {
  over_ = true;
  connection_.close();
}

}  // namespace sluice::cluster
