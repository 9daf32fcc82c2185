#include "cluster/data_links.hpp"

#include "cluster/data_incoming.hpp"
#include "cluster/data_outgoing.hpp"
#include "cluster/data_shared.hpp"
#include "cluster/proof/proving_port.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::cluster {

namespace {
/// Proven connections; each peer has one.
constexpr std::size_t most_incoming = 256;
}  // namespace

struct data_links::state : data_shared {
  state(proof_settings from, callbacks given, std::shared_ptr<certificates> with, const data_settings& how)
      : data_shared(std::move(from), std::move(given), std::move(with), how),
        listening(
            network, "data",
            {.asked = [this] { return proof::accepting(known_session()); },
             .proven = [this](const std::string& peer, network_stream proven) { take_in(peer, std::move(proven)); },
             .refused = [this](const std::string& line) { refused(line); },
             .secured = [this] { return context(); }}) {}

  /// Before the session is known nobody can belong to it: without a token the proof refuses all.
  [[nodiscard]] proof_settings known_session() const {
    auto with = own();
    if (with.session.empty()) with.token.clear();
    return with;
  }

  void take_in(const std::string& peer, network_stream proven) {
    std::shared_ptr<data_incoming> made;
    {
      const std::lock_guard guard(links_lock);
      std::erase_if(incoming, [](const auto& one) { return one.expired(); });
      if (incoming.size() < most_incoming) {
        made = std::make_shared<data_incoming>(std::move(proven), peer, *this);
        incoming.push_back(made);
      }
    }
    if (made) return made->start();
    refused("refused a data connection from node " + peer + ": there are " + std::to_string(most_incoming));
  }

  std::shared_ptr<data_outgoing> outgoing_to(const std::string& peer) {
    const std::lock_guard guard(links_lock);
    auto& found = outgoing[peer];
    if (!found) found = std::make_shared<data_outgoing>(*this, peer);
    return found;
  }

  /// Calls it for the link to a peer, on its strand.
  template <class Call>
  static void on_strand(const std::shared_ptr<data_outgoing>& link, Call call) {
    boost::asio::post(link->strand(), [link, call = std::move(call)]() mutable { call(*link); });
  }

  proving_port listening;
  std::uint16_t port = 0;
  std::mutex links_lock;
  std::map<std::string, std::shared_ptr<data_outgoing>> outgoing;
  std::vector<std::weak_ptr<data_incoming>> incoming;
  std::vector<std::thread> threads;
};

data_links::data_links(std::shared_ptr<state> all) : state_(std::move(all)) {}

result<std::unique_ptr<data_links>> data_links::start(std::string name, std::string token, callbacks tell,
                                                      const std::string& host, std::shared_ptr<certificates> secured,
                                                      const data_settings& settings) {
  auto made = std::make_shared<state>(
      proof_settings{.port = port_kind::data, .name = std::move(name), .token = std::move(token), .session = {}},
      std::move(tell), std::move(secured), settings);
  SLUICE_ASSIGN(const auto bound, made->listening.listen({host, 0}, "the data port"));
  made->port = bound.port;
  made->listening.start();
  const auto run = [all = made.get()](boost::asio::io_context& which) {
    all->threads.emplace_back([&which] {
      const auto keep = boost::asio::make_work_guard(which);
      which.run();
    });
  };
  run(made->network);
  for (auto left = std::clamp(std::thread::hardware_concurrency(), 2U, 8U); left > 0; --left) run(made->carrying);
  return std::unique_ptr<data_links>(new data_links(std::move(made)));
}

data_links::~data_links() {
  state_->network.stop();
  state_->carrying.stop();
  for (auto& thread : state_->threads) thread.join();
}

std::uint16_t data_links::port() const { return state_->port; }

void data_links::set_session(const std::string& session) { state_->set_session(session); }

void data_links::add_peer(const std::string& name, const address& where) {
  state::on_strand(state_->outgoing_to(name), [where](data_outgoing& link) { link.set_address(where); });
}

void data_links::remove_peer(const std::string& name) {
  std::shared_ptr<data_outgoing> gone;
  {
    const std::lock_guard guard(state_->links_lock);
    const auto found = state_->outgoing.find(name);
    if (found == state_->outgoing.end()) return;
    gone = std::move(found->second);
    state_->outgoing.erase(found);
  }
  state::on_strand(gone, [](data_outgoing& link) { link.close(); });
}

void data_links::send(const std::string& peer, outgoing_batch what) {
  ++state_->waiting;
  state::on_strand(state_->outgoing_to(peer),
                   [what = std::move(what)](data_outgoing& link) mutable { link.send(std::move(what)); });
}

void data_links::receive(const std::string& peer, const data_route& route, std::uint32_t attempt,
                         deliver_function deliver) {
  auto made = std::make_shared<data_shared::receiver>();
  made->peer = peer;
  made->attempt = attempt;
  made->deliver = std::move(deliver);
  const std::lock_guard guard(state_->lock);
  made->channel = state_->budget.open();
  auto& found = state_->routes[route];
  if (found) state_->budget.close(found->channel);
  found = std::move(made);
}

void data_links::worked_off(const data_route& route, std::int64_t rows) {
  std::shared_ptr<data_incoming> from;
  std::uint32_t attempt = 0;
  std::optional<flow::receive_budget::window> window;
  {
    const std::lock_guard guard(state_->lock);
    const auto found = state_->routes.find(route);
    if (found == state_->routes.end()) return;
    window = state_->budget.worked_off(found->second->channel, rows);
    attempt = found->second->attempt;
    from = found->second->from.lock();
  }
  if (window && from) from->tell(route, attempt, *window);
}

void data_links::forget(const std::string& run) {
  {
    const std::lock_guard guard(state_->lock);
    std::erase_if(state_->routes, [&](const auto& entry) {
      if (entry.first.run != run) return false;
      state_->budget.close(entry.second->channel);
      return true;
    });
  }
  const std::lock_guard guard(state_->links_lock);
  for (const auto& [peer, link] : state_->outgoing)
    state::on_strand(link, [run](data_outgoing& one) { one.forget(run); });
  for (const auto& weak : state_->incoming)
    if (const auto alive = weak.lock()) alive->forget(run);
}

std::int64_t data_links::most_queued_bytes() const { return state_->most_queued; }
std::int64_t data_links::waiting() const { return state_->waiting; }
std::int64_t data_links::held_bytes() const {
  const std::lock_guard guard(state_->lock);
  return state_->budget.held();
}
std::int64_t data_links::most_held_bytes() const {
  const std::lock_guard guard(state_->lock);
  return state_->budget.most_held();
}
data_traffic data_links::traffic() const {
  return {.plain = state_->plain_bytes,
          .packed = state_->packed_bytes,
          .frames = state_->sent_frames,
          .received = state_->received_bytes};
}

}  // namespace sluice::cluster
