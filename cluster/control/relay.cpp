#include "cluster/control/relay.hpp"

#include <boost/asio/write.hpp>

namespace sluice::cluster {

namespace {

constexpr auto half_closed_limit = std::chrono::seconds(5);

control_filter::sender other(control_filter::sender one) {
  return one == control_filter::sender::dialler ? control_filter::sender::acceptor : control_filter::sender::dialler;
}

boost::asio::local::stream_protocol::socket& socket_of(boost::asio::local::stream_protocol::socket& of) { return of; }
boost::asio::ip::tcp::socket& socket_of(network_stream& of) { return of.socket(); }

}  // namespace

relay::relay(network_stream network, boost::asio::local::stream_protocol::socket inside, control_filter::sender peer,
             callbacks tell)
    : network_(std::move(network)),
      inside_(std::move(inside)),
      timer_(network_.socket().get_executor()),
      in_{control_filter(peer), {}, {}, false},
      out_{control_filter(other(peer)), {}, {}, false},
      tell_(std::move(tell)) {}

void relay::start() {
  pump(in_, network_, inside_);
  pump(out_, inside_, network_);
}

template <class From, class To>
void relay::pump(direction& way, From& from, To& to) {
  from.async_read_some(boost::asio::buffer(way.read), [self = shared_from_this(), &way, &from, &to](
                                                          boost::system::error_code problem, std::size_t bytes) {
    if (!self->tell_.ended) return;
    if (problem) {
      // Of an encrypted connection as well: its messages say themselves whether they are whole.
      boost::system::error_code ignored;
      auto& below = socket_of(to);
      below.shutdown(boost::asio::socket_base::shutdown_send, ignored);
      return self->over(way);
    }
    way.write.clear();
    const auto passed = way.filter.take({way.read.data(), bytes}, way.write);
    self->tell_dropped(way);
    if (!passed.ok()) {
      self->tell_.log("ended a control connection: " + passed.problem().message);
      return self->stop();
    }
    boost::asio::async_write(to, boost::asio::buffer(way.write),
                             [self, &way, &from, &to](boost::system::error_code failed, std::size_t) {
                               if (!self->tell_.ended) return;
                               if (failed) return self->stop();
                               self->tell_begun();
                               self->pump(way, from, to);
                             });
  });
}

void relay::tell_dropped(direction& way) {
  for (const auto& what : way.filter.take_dropped()) {
    // CAF asks every node that it meets for its spawn server, by name: nobody here spawns from afar.
    if (&way == &out_ && what == control_filter::by_name) continue;
    tell_.log((&way == &out_ ? "kept back " : "dropped ") + what);
  }
}

void relay::tell_begun() {
  if (begun_ || !in_.filter.has_begun()) return;
  begun_ = true;
  if (tell_.begun) tell_.begun();
}

void relay::over(direction& way) {
  way.over = true;
  if (in_.over && out_.over) return stop();
  timer_.expires_after(half_closed_limit);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    if (const auto self = weak.lock(); self && !cancelled) self->stop();
  });
}

void relay::stop() {
  if (!tell_.ended) return;
  timer_.cancel();
  boost::system::error_code ignored;
  network_.close();
  inside_.close(ignored);
  const auto told = std::exchange(tell_, {});
  told.ended();
}

}  // namespace sluice::cluster
