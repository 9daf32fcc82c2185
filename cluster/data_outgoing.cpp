#include "cluster/data_outgoing.hpp"

#include "cluster/proof/handshake.hpp"

#include <boost/asio/write.hpp>

namespace sluice::cluster {

namespace {

constexpr auto connect_limit = std::chrono::seconds(5);
/// Frames given to the network in one call.
constexpr std::size_t frames_at_once = 16;

}  // namespace

data_outgoing::data_outgoing(data_shared& shared, std::string peer)
    : shared_(shared),
      peer_(std::move(peer)),
      connection_to_(std::make_shared<network_stream>(shared.network)),
      timer_(shared.network) {}

void data_outgoing::send(const data_route& route, std::uint32_t attempt, wire::payload body) {
  if (failed_.count(route.run) > 0) {
    --shared_.waiting;
    return;
  }
  waiting_.push_back({route, attempt, std::move(body)});
  if (stage_ == stage::idle) return connect();
  if (stage_ == stage::open) encode_more();
}

void data_outgoing::forget(const std::string& run) {
  shared_.waiting -=
      static_cast<std::int64_t>(std::erase_if(waiting_, [&](const auto& one) { return one.route.run == run; }));
  std::erase_if(sequences_, [&](const auto& entry) { return entry.first.run == run; });
  failed_.erase(run);
}

void data_outgoing::close() { broken("the node has left"); }

void data_outgoing::connect() {
  if (where_.port == 0) return broken("this node does not know its address");
  stage_ = stage::connecting;
  const auto number = ++connection_;
  boost::system::error_code problem;
  const boost::asio::ip::tcp::endpoint to(boost::asio::ip::make_address(where_.host, problem), where_.port);
  if (problem) return broken(problem.message());
  timer_.expires_after(connect_limit);
  timer_.async_wait([self = shared_from_this(), number](boost::system::error_code cancelled) {
    if (!cancelled && self->connection_ == number && self->stage_ == stage::connecting)
      self->broken("no answer within 5 s");
  });
  connection_to_->socket().async_connect(
      to, [self = shared_from_this(), number, kept = connection_to_](boost::system::error_code failed) {
        if (self->connection_ != number) return;
        self->timer_.cancel();
        if (failed) return self->broken(failed.message());
        self->prove(network_stream(std::move(self->connection_to_->socket()), self->shared_.context()), number);
      });
}

/// Nothing is sent to whoever listens there before both sides have proven that they belong together.
void data_outgoing::prove(network_stream connected, std::uint64_t number) {
  std::make_shared<handshake>(
      std::move(connected), proof::dialling(shared_.own, peer_),
      [self = shared_from_this(), number](const result<std::string>& peer, network_stream proven) {
        if (self->connection_ != number) return;
        if (!peer.ok()) return self->broken(peer.problem().message);
        self->connection_to_ = std::make_shared<network_stream>(std::move(proven));
        self->opened();
      })
      ->start();
}

void data_outgoing::opened() {
  stage_ = stage::open;
  watch();
  encode_more();
}

/// The peer sends nothing on this connection: what can be read is its end.
void data_outgoing::watch() {
  connection_to_->async_read_some(
      boost::asio::buffer(&unread_, 1), [self = shared_from_this(), number = connection_, kept = connection_to_](
                                            boost::system::error_code problem, std::size_t) {
        if (self->connection_ != number) return;
        self->broken(problem ? problem.message() : "it sent something that nodes do not send");
      });
}

void data_outgoing::push(std::string bytes) {
  queued_bytes_ += static_cast<std::int64_t>(bytes.size());
  if (queued_bytes_ > shared_.most_queued) shared_.most_queued = queued_bytes_;
  outgoing_frame made;
  for (std::size_t i = 0; i < 4; ++i) made.length[i] = static_cast<unsigned char>(bytes.size() >> (24 - 8 * i) & 0xff);
  made.bytes = std::move(bytes);
  encoded_.push_back(std::move(made));
}

void data_outgoing::encode_more() {
  // A batch is encoded only where its first frame still fits: what is queued stays under the bound.
  const auto room = most_encoded_bytes - static_cast<std::int64_t>(wire::max_frame_bytes);
  while (!waiting_.empty() && queued_bytes_ <= room) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    --shared_.waiting;
    const auto& route = next.route;
    auto& sequence = sequences_[route];
    const wire::header head{.run = route.run,
                            .edge = route.edge,
                            .from = route.from,
                            .to = route.to,
                            .attempt = next.attempt,
                            .sequence = sequence};
    const bool last = std::holds_alternative<wire::end_of_data>(next.body);
    auto frames = wire::encode({head, std::move(next.body)}, wire::codec::none);
    if (!frames.ok()) {
      fail_run(route.run, frames.problem());
      continue;
    }
    sequence += frames->size();
    if (last) sequences_.erase(route);
    for (auto& frame : *frames) push(std::move(frame));
  }
  write();
}

void data_outgoing::write() {
  if (stage_ != stage::open || !writing_.empty() || encoded_.empty()) return;
  std::vector<boost::asio::const_buffer> buffers;
  while (!encoded_.empty() && writing_.size() < frames_at_once) {
    writing_.push_back(std::move(encoded_.front()));
    encoded_.pop_front();
  }
  for (const auto& frame : writing_) {
    buffers.emplace_back(boost::asio::buffer(frame.length));
    buffers.emplace_back(boost::asio::buffer(frame.bytes));
  }
  boost::asio::async_write(*connection_to_, buffers,
                           [self = shared_from_this(), number = connection_, kept = connection_to_](
                               boost::system::error_code problem, std::size_t) {
                             if (self->connection_ != number) return;
                             if (problem) return self->broken(problem.message());
                             for (const auto& frame : self->writing_)
                               self->queued_bytes_ -= static_cast<std::int64_t>(frame.bytes.size());
                             self->writing_.clear();
                             self->encode_more();
                           });
}

void data_outgoing::fail_run(const std::string& run, const error& why) {
  if (!failed_.insert(run).second) return;
  shared_.waiting -=
      static_cast<std::int64_t>(std::erase_if(waiting_, [&](const auto& one) { return one.route.run == run; }));
  shared_.failed(run, why);
}

void data_outgoing::broken(const std::string& why) {
  ++connection_;
  stage_ = stage::idle;
  timer_.cancel();
  connection_to_->close();
  connection_to_ = std::make_shared<network_stream>(shared_.network);
  encoded_.clear();
  writing_.clear();
  queued_bytes_ = 0;
  std::set<std::string> runs;
  for (const auto& [route, sequence] : sequences_) runs.insert(route.run);
  for (const auto& one : waiting_) runs.insert(one.route.run);
  sequences_.clear();
  const auto problem = external_error(
      "link_broken", "the data connection from node " + shared_.own.name + " to node " + peer_ + " broke: " + why,
      "check the log of node " + peer_, true);
  if (!runs.empty()) shared_.log(problem.message);
  for (const auto& run : runs) fail_run(run, problem);
}

}  // namespace sluice::cluster
