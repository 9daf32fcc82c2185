#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/data_links.hpp"
#include "cluster/proof/proof.hpp"
#include "cluster/proof/refusal_log.hpp"
#include "cluster/tls/certificates.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice::cluster {

class data_incoming;

/// What the connections of a node's data links share.
struct data_shared {
  /// Who waits for a channel.
  struct receiver {
    std::string peer;
    std::uint32_t attempt = 1;
    data_links::deliver_function deliver;
    std::uint64_t channel = 0;          ///< in the budget
    std::weak_ptr<data_incoming> from;  ///< the connection that it comes on
  };

  data_shared(proof_settings from, data_links::callbacks given, std::shared_ptr<certificates> with,
              const data_settings& how)
      : tell(std::move(given)),
        secured(std::move(with)),
        settings(how),
        own_name(from.name),
        budget({.bytes = how.receive_bytes}),
        own_(std::move(from)) {}

  /// What encrypts the next connection; null: nothing does.
  [[nodiscard]] certificates::context context() const { return secured ? secured->for_nodes() : nullptr; }

  [[nodiscard]] proof_settings own() const {
    const std::lock_guard guard(lock);
    return own_;
  }
  void set_session(const std::string& session) {
    const std::lock_guard guard(lock);
    own_.session = session;
  }

  void log(const std::string& text) const {
    if (tell.log) tell.log(text);
  }
  void failed(const std::string& run, const error& why) const {
    if (tell.failed) tell.failed(run, why);
  }

  /// Writes what was refused, unless there is too much of it.
  void refused(const std::string& text) {
    std::vector<std::string> lines;
    {
      const std::lock_guard guard(lock);
      lines = refusals_.take(text, refusal_log::clock::now());
    }
    for (const auto& line : lines) log(line);
  }

  const data_links::callbacks tell;
  const std::shared_ptr<certificates> secured;
  const data_settings settings;
  const std::string own_name;
  std::atomic<std::int64_t> most_queued = 0;
  std::atomic<std::int64_t> waiting = 0;
  std::atomic<std::int64_t> plain_bytes = 0, packed_bytes = 0, sent_frames = 0, received_bytes = 0;

  mutable std::mutex lock;  ///< held for a look-up, never while something is called
  std::map<data_route, std::shared_ptr<receiver>> routes;
  flow::receive_budget budget;

 private:
  proof_settings own_;
  refusal_log refusals_;

 public:
  // Last: handlers that wait in them are destroyed first. Those of `network` may hold what belongs to `carrying`.
  boost::asio::io_context carrying;    ///< strands of the connections, on several threads
  boost::asio::io_context network{1};  ///< listens, dials and proves, on one
};

}  // namespace sluice::cluster
