#include "cluster/control/transport.hpp"

#include "cluster/control/relay.hpp"
#include "cluster/proof/handshake.hpp"
#include "cluster/proof/proving_port.hpp"
#include "cluster/proof/refusal_log.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/scribe_impl.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <set>
#include <thread>

namespace sluice::cluster {

namespace {

using boost::asio::ip::tcp;
using boost::asio::local::stream_protocol;

/// How long what CAF has written may take to be sent at the end.
constexpr auto farewell_limit = std::chrono::seconds(1);

/// The two ends of a connection within this process: ours, and CAF's.
result<std::pair<stream_protocol::socket, std::shared_ptr<owned_descriptor>>> make_pair(
    boost::asio::io_context& network) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return from_errno(errno, "make a pair of sockets");
  stream_protocol::socket ours(network);
  boost::system::error_code problem;
  ours.assign(stream_protocol(), ends[0], problem);
  return std::pair(std::move(ours), std::make_shared<owned_descriptor>(ends[1]));
}

}  // namespace

owned_descriptor::~owned_descriptor() {
  if (number_ >= 0) ::close(number_);
}

struct transport::state {
  state(log_function write, std::shared_ptr<certificates> with)
      : log(std::move(write)),
        secured(std::move(with)),
        port(network, "control",
             {.asked = [this] { return proof::accepting(own); },
              .proven = [this](const std::string& peer, network_stream proven) { take_in(peer, std::move(proven)); },
              .refused = [this](const std::string& line) { refused(line); },
              .secured = [this] { return context(); }}),
        farewell(network) {}

  // -- those who come

  [[nodiscard]] certificates::context context() const { return secured ? secured->for_nodes() : nullptr; }

  void take_in(const std::string& peer, network_stream proven) {
    if (closed) return;
    auto pair = make_pair(network);
    if (!pair.ok()) return log("a control connection of node " + peer + " ends: " + pair.problem().message);
    auto& [ours, theirs] = *pair;
    caf::anon_send(protocol, caf::publish_atom::value, scribe_of(*system, *theirs), bound.port,
                   caf::actor_cast<caf::strong_actor_ptr>(published), std::set<std::string>());
    start_relay(std::move(proven), std::move(ours), control_filter::sender::dialler, peer, {});
  }

  // -- those who are dialled

  void dial(const address& where, const std::string& expected, dialled then) {
    if (closed) return;
    const auto number = ++last_dial;
    dials[number] = std::move(then);
    boost::system::error_code problem;
    const tcp::endpoint to(boost::asio::ip::make_address(where.host == "localhost" ? "127.0.0.1" : where.host, problem),
                           where.port);
    if (problem)
      return answer(number, user_error("invalid_address", "'" + where.host + "' is not a numeric host address",
                                       "for example 127.0.0.1:" + std::to_string(where.port)));
    const auto socket = std::make_shared<tcp::socket>(network);
    const auto timer = std::make_shared<boost::asio::steady_timer>(network, proof_limit);
    timer->async_wait([socket](boost::system::error_code cancelled) {
      boost::system::error_code ignored;
      if (!cancelled) socket->close(ignored);
    });
    socket->async_connect(to, [=, this](boost::system::error_code failed) {
      timer->cancel();
      if (failed == boost::asio::error::operation_aborted)
        return answer(number, external_error("join_failed", "no answer within 5 s", "check that it is running", true));
      if (failed)
        return answer(number, external_error("join_failed", failed.message(), "check that it is running", true));
      const auto made =
          std::make_shared<handshake>(network_stream(std::move(*socket), context()), proof::dialling(own, expected),
                                      [this, number](result<std::string> peer, network_stream proven) {
                                        if (!peer.ok()) return answer(number, peer.problem());
                                        dialled_to(number, *peer, std::move(proven));
                                      });
      made->start();
    });
  }

  void dialled_to(std::uint64_t number, const std::string& peer, network_stream proven) {
    if (closed) return;
    auto pair = make_pair(network);
    if (!pair.ok()) return answer(number, pair.problem());
    auto& [ours, theirs] = *pair;
    // CAF gets its end when there is something to read: it counts the silence before as a peer that does not answer.
    start_relay(std::move(proven), std::move(ours), control_filter::sender::acceptor, peer,
                {.begun = [this, number, end = std::move(theirs)]() mutable { answer(number, std::move(end)); },
                 .log = {},
                 .ended =
                     [this, number] {
                       answer(number, external_error("join_failed", "it closed the connection", "check its log", true));
                     }});
  }

  void answer(std::uint64_t number, result<std::shared_ptr<owned_descriptor>> how) {
    const auto found = dials.find(number);
    if (found == dials.end()) return;
    const auto then = std::move(found->second);
    dials.erase(found);
    then(std::move(how));
  }

  // -- both

  void start_relay(network_stream proven, stream_protocol::socket ours, control_filter::sender peer_is,
                   const std::string& peer, relay::callbacks also) {
    const auto number = ++last_relay;
    const auto made = std::make_shared<relay>(
        std::move(proven), std::move(ours), peer_is,
        relay::callbacks{.begun = std::move(also.begun),
                         .log = [this, peer](const std::string& what) { refused("node " + peer + ": " + what); },
                         .ended =
                             [this, number, ended = std::move(also.ended)] {
                               if (ended) ended();
                               relays.erase(number);
                               if (relays.empty() && ending) network.stop();
                             }});
    relays[number] = made;
    made->start();
  }

  void refused(const std::string& line) {
    for (const auto& each : refusals.take(line, refusal_log::clock::now())) log(each);
  }

  boost::asio::io_context network{1};
  log_function log;
  const std::shared_ptr<certificates> secured;  ///< null: nothing is encrypted
  address bound;
  caf::actor_system* system = nullptr;
  caf::actor protocol;
  caf::actor published;
  proof_settings own;
  refusal_log refusals;
  proving_port port;
  boost::asio::steady_timer farewell;
  std::map<std::uint64_t, std::shared_ptr<relay>> relays;
  std::uint64_t last_relay = 0;
  std::map<std::uint64_t, dialled> dials;
  std::uint64_t last_dial = 0;
  bool closed = false;
  bool ending = false;
  std::thread thread;
};

transport::transport(std::shared_ptr<state> all) : state_(std::move(all)) {}

result<std::unique_ptr<transport>> transport::listen(const address& where, log_function log,
                                                     std::shared_ptr<certificates> secured) {
  auto made = std::make_shared<state>(std::move(log), std::move(secured));
  SLUICE_ASSIGN(made->bound, made->port.listen(where, "--listen"));
  made->thread = std::thread([all = made.get()] {
    const auto keep = boost::asio::make_work_guard(all->network);
    all->network.run();
  });
  return std::unique_ptr<transport>(new transport(std::move(made)));
}

transport::~transport() {
  close();
  boost::asio::post(state_->network, [all = state_.get()] {
    all->ending = true;
    if (all->relays.empty()) return all->network.stop();
    all->farewell.expires_after(farewell_limit);
    all->farewell.async_wait([all](boost::system::error_code) { all->network.stop(); });
  });
  state_->thread.join();
}

const address& transport::where() const { return state_->bound; }

void transport::open(caf::actor_system& system, const caf::actor& published, proof_settings own) {
  boost::asio::post(state_->network, [all = state_.get(), &system, protocol = protocol_of(system), published,
                                      own = std::move(own)]() mutable {
    all->system = &system;
    all->protocol = protocol;
    all->published = published;
    all->own = std::move(own);
    all->port.start();
  });
}

void transport::dial(const address& where, const std::string& expected, dialled then) {
  boost::asio::post(state_->network, [all = state_.get(), where, expected, then = std::move(then)]() mutable {
    all->dial(where, expected, std::move(then));
  });
}

void transport::close() {
  std::promise<void> done;
  boost::asio::post(state_->network, [all = state_.get(), &done] {
    all->closed = true;
    all->port.close();
    all->dials.clear();
    all->published = nullptr;
    all->protocol = nullptr;
    done.set_value();
  });
  done.get_future().wait();
}

caf::actor protocol_of(caf::actor_system& system) {
  return system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
}

caf::io::scribe_ptr scribe_of(caf::actor_system& system, owned_descriptor& end) {
  auto& loop = static_cast<caf::io::network::default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<caf::io::network::scribe_impl>(loop, end.release());
}

}  // namespace sluice::cluster
