#pragma once

#include "app/console.hpp"
#include "engine/store/store.hpp"

#include <memory>
#include <string>

namespace sluice::app {

enum class progress_mode { automatic, plain, none };

/// What the global options, the environment and the defaults say, in that order of precedence.
struct settings {
  std::string store_url;  ///< of the database with the Store; empty: it is a file in the state folder
  std::string state_folder;
  std::string given_folder;  ///< --state-folder, which is the state folder where `store_url` is set
  std::string spill_folder;  ///< where runs keep what memory has no room for
  std::string to;            ///< HOST:PORT of a node's HTTP API; empty: not asked for
  std::string ca_file;       ///< signs the certificates of nodes (SLUICE_CA); empty: connections are not encrypted
  std::string token;         ///< SLUICE_TOKEN; empty: the state folder's own
  std::string log;           ///< SLUICE_LOG: error, warning, info or debug
  bool json = false;
  progress_mode progress = progress_mode::automatic;
  bool quiet = false;
  bool verbose = false;
};

/// What every verb works with.
struct session {
  console terminal;
  settings options;

  /// Opens the Store: a file in the state folder, or in the database of --state.
  result<std::shared_ptr<store::store>> open_store() const;
  /// What `store::open_store` takes.
  [[nodiscard]] std::string store_place() const {
    return options.store_url.empty() ? options.state_folder + "/sluice.db" : options.store_url;
  }
  /// False where opening it would make it. Looking must not make a state folder.
  [[nodiscard]] bool has_store() const;
  /// The Store as messages name it.
  [[nodiscard]] std::string shown_state() const;
  /// Where a run keeps its rejects, as NDJSON.
  [[nodiscard]] std::string rejects_path(const std::string& run) const {
    return options.state_folder + "/runs/" + run + "/rejects.ndjson";
  }
};

/// Exit codes, as the contract has them.
enum exit_code : int {
  exit_succeeded = 0,
  exit_failed = 1,
  exit_unusable = 2,
  exit_partial = 3,
  exit_unknown = 4,
  exit_interrupted = 130,
  exit_terminated = 143,
};

/// The exit code that an error asks for: 2 where the user's arguments or pipeline are at fault, 4 where no node
/// answered.
int exit_code_of(const error& problem);
/// Prints an error to stderr: as text with its hint, or as one line of JSON under --json.
void report(session& with, const error& problem);

}  // namespace sluice::app
