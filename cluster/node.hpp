#pragma once

#include "cluster/address.hpp"
#include "cluster/data_settings.hpp"
#include "cluster/membership.hpp"
#include "engine/error/error.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sluice::cluster {

/// Settings of `sluice node`.
struct node_options {
  address listen{"127.0.0.1", 7070};  ///< cluster port; port 0: any free one
  address http{"127.0.0.1", 7071};    ///< API port; port 0: any free one
  std::optional<address> join;        ///< the cluster port of any node; without it this is the first node
  std::string role;                   ///< controller, worker or both; empty: worker where it joins, else both
  membership_limits heartbeats;       ///< of the first node; others take over the interval
  data_settings exchange;             ///< rows between nodes: memory for what is received, compression of what is sent
  std::string runs_folder;            ///< of the first node: where the runs' files are; empty: in the state folder
  std::string name;                   ///< empty: host name and cluster port ("box-7070")
  std::map<std::string, std::string> labels;  ///< for `place: { labels: ... }`
  std::string state_folder;                   ///< rejects, token, and the Store unless it is in a database
  std::string store_url;                      ///< of the database with the Store; empty: it is in the state folder
  std::string access_folder;                  ///< named tokens and the audit log; empty: the state folder
  std::string spill_folder;                   ///< empty: in the state folder
  std::string config_file;                    ///< connections for submitted pipelines; empty: none
  std::string tls_folder;                     ///< certificates (cluster/tls); empty: none, on loopback only
  std::string token;                          ///< SLUICE_TOKEN; empty: the state folder's own
  std::size_t most_runs = 16;                 ///< at a time, of the first node; further ones wait
  int threads = 0;                            ///< scheduler threads; 0: one per core
};

/// What a started node tells its caller, for the "ready" line and tests.
struct node_addresses {
  std::string name;
  address listen;
  address http;
  std::string state_folder;
  bool encrypted = false;
};

/// A node within this process. Its destructor shuts down in order: no new runs, running ones are cancelled, their
/// events written and streamed, peers told.
class node {
 public:
  /// Errors as for run_node.
  static result<std::unique_ptr<node>> start(const node_options& settings);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  [[nodiscard]] const node_addresses& where() const;
  /// Shuts down as the destructor does, which only takes the rest down then.
  void close();
  /// Whether another controller has taken over.
  [[nodiscard]] bool lead_lost() const;
  /// Counts submissions that are being planned, which its destructor does not wait for.
  [[nodiscard]] std::shared_ptr<const std::atomic<int>> planning() const;

 private:
  struct state;
  explicit node(std::unique_ptr<state> all);
  std::unique_ptr<state> state_;
};

/// Runs a node until SIGTERM or SIGINT, then shuts down in order: no new runs, running ones are cancelled, events
/// written, peers told. Calls `ready` once everything listens (systemd is told as well, by NOTIFY_SOCKET).
///
/// Gives the signal that ended it. Errors: tls_required (an address off loopback without certificates),
/// certificate_unusable, port_in_use, join_failed (nobody there, foreign program, wrong token, name taken); lead_lost.
result<int> run_node(const node_options& settings, const std::function<void(const node_addresses&)>& ready);

}  // namespace sluice::cluster
