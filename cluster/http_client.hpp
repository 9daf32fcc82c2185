#pragma once

#include "cluster/address.hpp"
#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sluice::cluster {

/// What `sluice submit` sends: the file itself, so that the node needs no access to it.
struct submission {
  std::string text;                                ///< the pipeline's file as it stands
  std::string file;                                ///< its path, for messages
  std::string base_folder;                         ///< absolute; relative paths in the pipeline start here
  std::map<std::string, std::string> params;       ///< `--set`
  std::map<std::string, std::string> environment;  ///< values of the submitter's environment that the file refers to
  bool fresh = false;                              ///< takes everything again that earlier runs have taken
  std::string from = {};                           ///< RUN@EPOCH: the savepoint to continue after
  bool again = false;                              ///< with it: also where sinks get rows again
  std::vector<std::string> drop = {};              ///< units that forget their position or state
  std::string key = {};                            ///< Idempotency-Key: sent again, it gives the same run
  std::string config_file = {};                    ///< the submitter's file of --config; empty: none
  std::string config = {};                         ///< its text
};

/// Talks to a node's HTTP API, one connection a call. Blocks; any number of threads may use one client.
///
/// Errors: node_unreachable (exit 4: nobody listens, or the connection broke), unauthorized, request_timed_out, and
/// whatever error the node answered, with its own code, message and hint.
class http_client {
 public:
  /// `ca_file`: the certificates of the authorities that the node's may come from; empty: the connection is not
  /// encrypted.
  http_client(address to, std::string token, std::chrono::milliseconds limit = std::chrono::seconds(30),
              std::string ca_file = {});

  /// GET, the answer's JSON.
  [[nodiscard]] result<options> get(const std::string& target) const;
  /// GET, the answer as it is (rejects, metrics).
  [[nodiscard]] result<std::string> get_text(const std::string& target) const;
  /// POST; `body` null sends none. `key`: an Idempotency-Key; empty: none.
  [[nodiscard]] result<options> post(const std::string& target, const options& body, const std::string& key = {}) const;
  /// DELETE
  [[nodiscard]] result<options> remove(const std::string& target) const;

  /// Submits; gives the run's id. Faults of the pipeline are appended to `faults` (then the result is the first of
  /// them).
  [[nodiscard]] result<std::string> submit(const submission& what, diagnostics& faults) const;
  /// Deploys; gives the node's answer. Faults as with `submit`.
  [[nodiscard]] result<options> deploy(const submission& what, diagnostics& faults) const;
  /// Asks to cancel; fine where it was already asked. Gives the run's id and its state: `cancelling`, or the one that
  /// it ended in.
  [[nodiscard]] result<options> steer(const std::string& run, const std::string& how) const;
  [[nodiscard]] result<options> cancel(const std::string& run) const;

  /// Gets one event: its global cursor and its CloudEvents object; false ends the stream.
  using event_taker = std::function<bool(std::int64_t cursor, const options& cloud_event)>;
  /// Follows the events of a run (empty: all runs) above the cursor `after`, old ones first, then live. Returns when
  /// `take` does not want more, or after the run's last event. Connects again by itself, from the last cursor, for up
  /// to `patience`; then node_unreachable. `stopped` is asked at least every 250 ms; true ends the stream.
  [[nodiscard]] status follow_events(const std::string& run, std::int64_t after, const event_taker& take,
                                     const std::function<bool()>& stopped = {},
                                     std::chrono::milliseconds patience = std::chrono::seconds(10)) const;

 private:
  address to_;
  std::string token_;
  std::chrono::milliseconds limit_;
  std::string ca_file_;
};

}  // namespace sluice::cluster
