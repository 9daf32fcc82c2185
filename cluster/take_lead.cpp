#include "cluster/take_lead.hpp"

#include "cluster/address.hpp"
#include "engine/component/interruption.hpp"
#include "engine/store/leadership.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <csignal>
#include <utility>

namespace sluice::cluster {

namespace {

constexpr auto look_again = std::chrono::milliseconds(500);
constexpr auto connect_limit = std::chrono::seconds(1);

bool stop_is_pending() {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

std::string name_of(const store::leader& who) {
  return "node " + who.node + " (pid " + std::to_string(who.pid) + " on " + who.host + ", term " +
         std::to_string(who.term) + ")";
}

/// Whether the machine of an address says that nothing listens there: the process has ended. Silence says nothing.
bool nothing_listens(const std::string& endpoint) {
  const auto where = parse_address(endpoint, "the controller");
  if (!where.ok()) return false;
  namespace asio = boost::asio;
  asio::io_context network;
  asio::ip::tcp::socket socket(network);
  boost::system::error_code parsed;
  const auto host = asio::ip::make_address(where->host, parsed);
  if (parsed) return false;
  bool refused = false;
  socket.async_connect({host, where->port},
                       [&](const boost::system::error_code& how) { refused = how == asio::error::connection_refused; });
  network.run_for(connect_limit);
  return refused;
}

}  // namespace

result<std::int64_t> take_lead(store::store& in, bool shared, const std::string& endpoint, const lead_rule& rule,
                               const std::function<void(const std::string&)>& log) {
  if (!shared) return in.next_term();
  auto& leads = store::leadership_of(in);
  leads.allow_silence(rule.most_silent);
  for (std::string told;;) {
    // Looking keeps nobody from writing.
    SLUICE_ASSIGN(const auto other, leads.find_leader());
    const auto silent = std::chrono::microseconds(other ? other->silent : 0);
    const bool gone = other && silent >= rule.silent_when_gone() && nothing_listens(other->endpoint);
    if (!other || gone) {
      SLUICE_ASSIGN(const auto term, leads.lead(endpoint, gone ? other->process : std::string()));
      if (term) return *term;
    } else if (other->process != std::exchange(told, other->process))
      log("standing by: " + name_of(*other) + " leads; this node takes over when that one has ended");
    const auto until = std::chrono::steady_clock::now() + look_again;
    while (std::chrono::steady_clock::now() < until) {
      if (stop_is_pending()) return interrupted_error("standing by");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

lead_watch::lead_watch(std::shared_ptr<store::store> in, std::int64_t term,
                       std::function<void(const std::string& who)> lost)
    : store_(std::move(in)), term_(term), told_(std::move(lost)), thread_([this] { work(); }) {}

lead_watch::~lead_watch() {
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
  }
  ends_.notify_all();
  thread_.join();
}

std::string lead_watch::endpoint() const {
  const std::lock_guard guard(lock_);
  return endpoint_;
}

void lead_watch::step_down() { (void)store::leadership_of(*store_).step_down(); }

void lead_watch::work() {
  std::unique_lock guard(lock_);
  while (!ends_.wait_for(guard, look_again, [this] { return ending_; })) {
    guard.unlock();
    const auto found = store::leadership_of(*store_).find_leader();
    if (term_ != 0 && found.ok() && *found && (*found)->term > term_) {
      lost_ = true;
      told_(name_of(**found));
      return;
    }
    guard.lock();
    if (found.ok()) endpoint_ = *found ? (*found)->endpoint : std::string();
  }
}

}  // namespace sluice::cluster
