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
#include <string>

namespace sluice::cluster {

/// What the connections of a node's data links share; all but the counters belongs to the links' thread.
struct data_shared {
  struct receiver {
    std::string peer;
    std::uint32_t attempt = 1;
    data_links::deliver_function deliver;
  };

  data_shared(proof_settings from, data_links::callbacks given, std::shared_ptr<certificates> with)
      : own(std::move(from)), tell(std::move(given)), secured(std::move(with)) {}

  /// What encrypts the next connection; null: nothing does.
  [[nodiscard]] certificates::context context() const { return secured ? secured->for_nodes() : nullptr; }

  void log(const std::string& text) const {
    if (tell.log) tell.log(text);
  }
  void failed(const std::string& run, const error& why) const {
    if (tell.failed) tell.failed(run, why);
  }

  /// Writes what was refused, unless there is too much of it.
  void refused(const std::string& text) {
    for (const auto& line : refusals.take(text, refusal_log::clock::now())) log(line);
  }

  proof_settings own;
  data_links::callbacks tell;
  const std::shared_ptr<certificates> secured;
  refusal_log refusals;
  std::map<data_route, receiver> routes;
  std::atomic<std::int64_t> most_queued = 0;
  std::atomic<std::int64_t> waiting = 0;
  boost::asio::io_context network{1};  // last: handlers that wait in it are destroyed first
};

}  // namespace sluice::cluster
