#include "cluster/data_links.hpp"

#include "cluster/data_incoming.hpp"
#include "cluster/data_outgoing.hpp"
#include "cluster/data_shared.hpp"
#include "cluster/proof/proving_port.hpp"

#include <boost/asio/post.hpp>

#include <thread>

namespace sluice::cluster {

namespace {
/// Proven connections; each peer has one.
constexpr std::size_t most_incoming = 256;
}  // namespace

struct data_links::state : data_shared {
  state(proof_settings from, callbacks given, std::shared_ptr<certificates> with)
      : data_shared(std::move(from), std::move(given), std::move(with)),
        listening(
            network, "data",
            {.asked = [this] { return proof::accepting(known_session()); },
             .proven = [this](const std::string& peer, network_stream proven) { take_in(peer, std::move(proven)); },
             .refused = [this](const std::string& line) { refused(line); },
             .secured = [this] { return context(); }}) {}

  /// Before the session is known nobody can belong to it: without a token the proof refuses all.
  [[nodiscard]] proof_settings known_session() const {
    auto with = own;
    if (with.session.empty()) with.token.clear();
    return with;
  }

  void take_in(const std::string& peer, network_stream proven) {
    std::erase_if(incoming, [](const auto& one) { return one.expired(); });
    if (incoming.size() >= most_incoming)
      return refused("refused a data connection from node " + peer + ": there are " + std::to_string(most_incoming));
    const auto made = std::make_shared<data_incoming>(std::move(proven), peer, *this);
    incoming.push_back(made);
    made->start();
  }

  data_outgoing& outgoing_to(const std::string& peer) {
    auto& found = outgoing[peer];
    if (!found) found = std::make_shared<data_outgoing>(*this, peer);
    return *found;
  }

  proving_port listening;
  std::uint16_t port = 0;
  std::map<std::string, std::shared_ptr<data_outgoing>> outgoing;
  std::vector<std::weak_ptr<data_incoming>> incoming;
  std::thread thread;
};

data_links::data_links(std::shared_ptr<state> all) : state_(std::move(all)) {}

result<std::unique_ptr<data_links>> data_links::start(std::string name, std::string token, callbacks tell,
                                                      const std::string& host, std::shared_ptr<certificates> secured) {
  auto made = std::make_shared<state>(
      proof_settings{.port = port_kind::data, .name = std::move(name), .token = std::move(token), .session = {}},
      std::move(tell), std::move(secured));
  SLUICE_ASSIGN(const auto bound, made->listening.listen({host, 0}, "the data port"));
  made->port = bound.port;
  made->listening.start();
  made->thread = std::thread([all = made.get()] {
    const auto keep = boost::asio::make_work_guard(all->network);
    all->network.run();
  });
  return std::unique_ptr<data_links>(new data_links(std::move(made)));
}

data_links::~data_links() {
  state_->network.stop();
  state_->thread.join();
}

std::uint16_t data_links::port() const { return state_->port; }

void data_links::set_session(const std::string& session) {
  boost::asio::post(state_->network, [all = state_.get(), session] { all->own.session = session; });
}

void data_links::add_peer(const std::string& name, const address& where) {
  boost::asio::post(state_->network, [all = state_.get(), name, where] { all->outgoing_to(name).set_address(where); });
}

void data_links::remove_peer(const std::string& name) {
  boost::asio::post(state_->network, [all = state_.get(), name] {
    const auto found = all->outgoing.find(name);
    if (found == all->outgoing.end()) return;
    const auto gone = std::move(found->second);
    all->outgoing.erase(found);
    gone->close();
  });
}

void data_links::send(const std::string& peer, const data_route& route, std::uint32_t attempt, wire::payload body) {
  ++state_->waiting;
  boost::asio::post(state_->network, [all = state_.get(), peer, route, attempt, body = std::move(body)]() mutable {
    all->outgoing_to(peer).send(route, attempt, std::move(body));
  });
}

void data_links::receive(const std::string& peer, const data_route& route, std::uint32_t attempt,
                         deliver_function deliver) {
  boost::asio::post(state_->network,
                    [all = state_.get(), peer, route, attempt, deliver = std::move(deliver)]() mutable {
                      all->routes[route] = {peer, attempt, std::move(deliver)};
                    });
}

void data_links::forget(const std::string& run) {
  boost::asio::post(state_->network, [all = state_.get(), run] {
    std::erase_if(all->routes, [&](const auto& entry) { return entry.first.run == run; });
    for (const auto& [peer, link] : all->outgoing) link->forget(run);
    for (const auto& weak : all->incoming)
      if (const auto alive = weak.lock()) alive->forget(run);
  });
}

std::int64_t data_links::most_queued_bytes() const { return state_->most_queued; }
std::int64_t data_links::waiting() const { return state_->waiting; }

}  // namespace sluice::cluster
