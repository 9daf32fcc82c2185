#pragma once

#include "engine/clients/postgres/session.hpp"
#include "engine/sinks/postgres/target_table.hpp"

#include <cstdint>
#include <string>

namespace sluice::postgres {

/// An epoch that is prepared: what its token says.
struct staged_epoch {
  table_name staged;  ///< empty: the epoch had no rows
  std::string mode;
  std::uint64_t epoch = 0;
  std::uint32_t attempt = 0;
  std::uint64_t rows = 0;
};

std::string token_of(const staged_epoch& of);
result<staged_epoch> read_token(const std::string& token);

/// Makes `_sluice_commits` in a schema where it is missing: one row for each unit and run, with the last epoch that was
/// committed.
status make_notes_table(connection& server, const std::string& schema);
/// The last epoch that the unit has committed in the run; 0: none.
result<std::uint64_t> committed_epoch(connection& server, const load_request& request, const std::string& schema);

/// Moves the rows of an epoch into the table, in one transaction with the note that it was done, which is what tells a
/// repeated commit, and one whose answer was lost.
status publish(session& to, const load_request& request, const staged_epoch& epoch);

/// Removes what attempts of the unit have left in this run.
status drop_staging(connection& server, const load_request& request, const std::string& schema);

}  // namespace sluice::postgres
