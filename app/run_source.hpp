#pragma once

#include "app/session.hpp"
#include "cluster/http_client.hpp"

#include <functional>
#include <optional>

namespace sluice::app {

/// A run as this command sees it.
struct seen_run {
  store::run_record record;
  options progress;  ///< of a live run (actors::to_options), else null
};

/// Where runs are looked up: in the state folder, or at the node that --to names.
class run_source {
 public:
  static result<run_source> open(const session& with);

  result<std::vector<store::run_record>> list(const store::run_query& query);
  /// A live run's progress comes from the process that runs it.
  result<seen_run> find(const std::string& reference);
  /// Tells a run to cancel, through no more than the one process that runs it. Gives its id, its pipeline where that is
  /// known, and its state: `cancelling`, or the one that it had ended in.
  result<options> cancel(const std::string& reference);
  /// Tells a run to drain or take a savepoint, likewise. Error: run_is_final.
  result<options> steer(const std::string& reference, const std::string& how);
  /// A run's complete checkpoints, newest first, as the API writes them.
  result<options> checkpoints(const std::string& reference);
  /// Events above a cursor, oldest first.
  result<std::vector<store::event>> events(std::int64_t after, const std::string& run, std::int64_t limit);
  /// Calls `take` (giving whether to go on) with each line of a run's rejects file, in order.
  status rejects(const store::run_record& run, const std::string& local_path,
                 const std::function<bool(const std::string&)>& take);
  /// The HTTP API that knows a live run: of the node asked, or of the process that runs it; none where that is gone.
  [[nodiscard]] std::optional<cluster::http_client> client_of(const store::run_record& run) const;
  [[nodiscard]] bool is_remote() const { return remote_.has_value(); }

 private:
  std::shared_ptr<store::store> store_;  ///< local
  std::optional<cluster::http_client> remote_;
  std::string token_;
  std::string ca_file_;
};

/// A name as a part of an address of the HTTP API.
std::string escaped(const std::string& text);

/// The node that --to or SLUICE_TO names, else the default one on this machine.
result<cluster::http_client> client_for(const session& with);

}  // namespace sluice::app
