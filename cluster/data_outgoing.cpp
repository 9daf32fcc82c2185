#include "cluster/data_outgoing.hpp"

#include "cluster/data_dial.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace sluice::cluster {

namespace {

/// After so many bytes another connection has its turn.
constexpr std::size_t bytes_a_turn = 4 * 1024 * 1024;
constexpr std::size_t length_bytes = 4;

double seconds_between(link_rate::clock::time_point begin, link_rate::clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

std::int64_t bytes_of(const wire::payload& body) {
  const auto* const rows = std::get_if<batch>(&body);
  return rows == nullptr ? 0 : rows->bytes();
}

}  // namespace

data_outgoing::data_outgoing(data_shared& shared, std::string peer)
    : shared_(shared), peer_(std::move(peer)), strand_(boost::asio::make_strand(shared.carrying.get_executor())) {}

/// What others read: it is exact whenever nothing of this link is under way.
void data_outgoing::count_waiting() {
  shared_.waiting += channels_.waiting() - counted_waiting_;
  counted_waiting_ = channels_.waiting();
}

void data_outgoing::send(outgoing_batch what) {
  --shared_.waiting;  // as handed over; from now on it is counted with the others here
  if (!failed_.contains(what.route.run)) channels_.add(std::move(what));
  count_waiting();
  if (channels_.waiting() == 0) return;
  if (stage_ == stage::idle) return connect();
  pump();
}

void data_outgoing::forget(const std::string& run) {
  channels_.forget(run);
  std::erase_if(codecs_, [&](const auto& entry) { return entry.first.first == run; });
  failed_.erase(run);
  count_waiting();
}

void data_outgoing::close() { broken("the node has left"); }

void data_outgoing::connect() {
  if (where_.port == 0) return broken("this node does not know its address");
  stage_ = stage::connecting;
  const auto then = [self = shared_from_this(), number = ++number_](const std::string& why_not, network_stream proven) {
    std::shared_ptr<bulk_stream> made;
    // Here, because OpenSSL's connection changes hands: whoever had it before is on this thread.
    if (why_not.empty()) made = std::make_shared<bulk_stream>(std::move(proven), self->strand_);
    boost::asio::post(self->strand_, [self, number, why_not, made] {
      if (self->number_ != number) return;
      if (!made) return self->broken(why_not);
      self->opened(made);
    });
  };
  boost::asio::post(shared_.network, [self = shared_from_this(), where = where_, then] {
    std::make_shared<data_dial>(self->shared_, self->peer_, then)->start(where);
  });
}

void data_outgoing::opened(std::shared_ptr<bulk_stream> connection) {
  stage_ = stage::open;
  connection_ = std::move(connection);
  // Else the system takes megabytes, and how fast the link is stays unknown.
  connection_->limit_unsent(enough_encoded_bytes);
  listen();
  pump();
}

/// The peer sends windows.
void data_outgoing::listen() {
  connection_->when_readable([self = shared_from_this(), number = number_, kept = connection_](auto problem) {
    if (self->number_ != number) return;
    if (problem) return self->broken(problem.message());
    self->take_windows();
    if (self->number_ == number) self->listen();
  });
}

void data_outgoing::take_windows() {
  const auto number = number_;
  std::array<char, 16 * 1024> bytes{};
  bulk_stream::outcome got;
  do {
    got = connection_->read(bytes);
    in_.append(bytes.data(), got.bytes);
    std::size_t begin = 0;
    while (in_.size() - begin >= length_bytes) {
      std::size_t size = 0;
      for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | static_cast<unsigned char>(in_[begin + i]);
      if (size > wire::max_window_frame_bytes) return broken("it sent something that nodes do not send");
      if (in_.size() - begin - length_bytes < size) break;
      take_window(std::span(in_).subspan(begin + length_bytes, size));
      if (number_ != number) return;
      begin += length_bytes + size;
    }
    in_.erase(0, begin);
    if (!got.problem.empty()) return broken(got.problem);
  } while (!got.full);
  pump();
}

void data_outgoing::take_window(std::span<const char> frame) {
  const auto window = wire::parse_window(frame);
  if (!window.ok()) return broken(window.problem().message);
  if (!channels_.told(*window)) broken("it gave back more rows than it got");
}

void data_outgoing::push(wire::scattered_frame frame) {
  const auto size = frame.size();
  queued_bytes_ += static_cast<std::int64_t>(size);
  if (queued_bytes_ > shared_.most_queued) shared_.most_queued = queued_bytes_;
  outgoing_frame made;
  for (std::size_t i = 0; i < length_bytes; ++i)
    made.length[i] = static_cast<unsigned char>(size >> (24 - 8 * i) & 0xff);
  made.parts = std::move(frame);
  encoded_.push_back(std::move(made));
}

void data_outgoing::encode_more() {
  while (queued_bytes_ < enough_encoded_bytes) {
    auto next = channels_.next();
    if (!next) return;
    encode(std::move(*next));
  }
}

void data_outgoing::encode(outgoing_channels::item what) {
  const auto run = what.route.run;
  auto& choice = codecs_.try_emplace({run, what.route.edge}, shared_.settings.compression).first->second;
  const auto codec = choice.next(bytes_of(what.body), rate_.bytes_per_second());
  const wire::header head{.run = run,
                          .edge = what.route.edge,
                          .from = what.route.from,
                          .to = what.route.to,
                          .attempt = what.attempt,
                          .sequence = what.sequence};
  const auto begun = link_rate::clock::now();
  const wire::message message{head, std::move(what.body)};
  auto made = wire::encode_scattered(message, codec);
  if (!made.ok()) return fail_run(run, made.problem());
  choice.measured(codec, made->plain_bytes, made->packed_bytes, seconds_between(begun, link_rate::clock::now()));
  shared_.plain_bytes += made->plain_bytes;
  shared_.packed_bytes += made->packed_bytes;
  shared_.sent_frames += static_cast<std::int64_t>(made->frames.size());
  channels_.sent(what.route, std::holds_alternative<wire::end_of_data>(message.body), made->frames.size());
  for (auto& frame : made->frames) push(std::move(frame));
}

std::vector<iovec> data_outgoing::unsent() const {
  std::vector<iovec> made;
  auto skipped = written_;
  const auto add = [&](const void* bytes, std::size_t size) {
    const auto before = std::min(skipped, size);
    skipped -= before;
    // sendmsg takes no const.
    if (size > before) made.push_back({const_cast<char*>(static_cast<const char*>(bytes)) + before, size - before});
  };
  for (const auto& one : encoded_) {
    add(one.length.data(), one.length.size());
    add(one.parts.head.data(), one.parts.head.size());
    for (const auto& piece : one.parts.body) add(piece.bytes, static_cast<std::size_t>(piece.size));
    add(one.parts.tail.data(), one.parts.tail.size());
  }
  return made;
}

void data_outgoing::written(std::size_t bytes) {
  rate_.sent(bytes);
  written_ += bytes;
  while (!encoded_.empty()) {
    const auto size = encoded_.front().parts.size();
    if (written_ < length_bytes + size) return;
    written_ -= length_bytes + size;
    queued_bytes_ -= static_cast<std::int64_t>(size);
    encoded_.pop_front();
  }
}

void data_outgoing::pump() {
  if (stage_ != stage::open || full_) return;
  for (std::size_t sent = 0; sent < bytes_a_turn;) {
    encode_more();
    count_waiting();
    if (encoded_.empty() && !owed_) return rate_.idle();
    const auto got = connection_->write(unsent());
    written(got.bytes);
    sent += got.bytes;
    if (!got.problem.empty()) return broken(got.problem);
    owed_ = got.full;
    if (!got.full) continue;
    full_ = true;
    rate_.full(link_rate::clock::now());
    return connection_->when_writable([self = shared_from_this(), number = number_, kept = connection_](auto problem) {
      if (self->number_ != number) return;
      if (problem) return self->broken(problem.message());
      self->full_ = false;
      self->pump();
    });
  }
  boost::asio::post(strand_, [self = shared_from_this()] { self->pump(); });
}

void data_outgoing::fail_run(const std::string& run, const error& why) {
  if (!failed_.insert(run).second) return;
  channels_.forget(run);
  count_waiting();
  shared_.failed(run, why);
}

void data_outgoing::broken(const std::string& why) {
  ++number_;
  stage_ = stage::idle;
  if (connection_) connection_->close();
  connection_.reset();
  encoded_.clear();
  queued_bytes_ = 0;
  written_ = 0;
  full_ = false;
  owed_ = false;
  in_.clear();
  rate_ = {};
  const auto runs = channels_.runs();
  const auto problem = external_error(
      "link_broken", "the data connection from node " + shared_.own_name + " to node " + peer_ + " broke: " + why,
      "check the log of node " + peer_, true);
  if (!runs.empty()) shared_.log(problem.message);
  for (const auto& run : runs) fail_run(run, problem);
  channels_.clear();
  count_waiting();
}

}  // namespace sluice::cluster
