#pragma once

#include "engine/clients/postgres/row_encoder.hpp"
#include "engine/clients/postgres/session.hpp"
#include "engine/component/run_context.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/sinks/postgres/key_watch.hpp"
#include "engine/sinks/postgres/target_table.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::postgres {

/// What the names of all staging tables of a unit and run begin with; a hash, because a name has 63 bytes.
std::string staging_prefix(const load_request& request);
/// The table in which an attempt gathers the rows of an epoch; `part` numbers its epochs.
std::string staging_name(const load_request& request, std::uint32_t attempt, std::uint64_t part);

/// What was gathered.
struct staged_rows {
  std::uint64_t rows = 0;    ///< that the table has now
  std::uint64_t merged = 0;  ///< removed, because a later row has the same key
  std::uint64_t set_null = 0;
  std::uint64_t bytes = 0;
};

/// Gathers the rows of one epoch in a logged table beside the target, which outlives a crash of the server. Rows travel
/// in chunks, each of which is a transaction that also notes its number in the table's comment. A chunk is kept until
/// its commit is known, so after a lost connection the note says whether it has to be sent again.
class staging {
 public:
  staging(session& to, const load_request& request, const target_table& into, on_error policy, std::string name);

  /// Makes the table.
  status open();
  /// Takes rows; those that the target's rules refuse are given back where the policy is reject.
  status write(const batch& rows, row_errors& refused);
  /// Checks what concerns several rows; all is durable then, and the table can be moved.
  result<staged_rows> finish();
  [[nodiscard]] const table_name& name() const { return name_; }

 private:
  status write_streaming(const batch& rows);
  status write_checked(const batch& rows, row_errors& refused);
  /// One attempt at a batch, in a transaction.
  status try_batch(connection& on, const batch& rows, row_errors& refused, bool& commit_sent);
  /// Copies a piece of encoded rows in a savepoint; gives why one of them is refused.
  result<std::optional<refusal>> copy_piece(connection& on, std::string_view rows);
  status refuse_by_rules(connection& on, std::int64_t first_number, row_errors& refused);
  status start_copy(connection& on);
  status send_rows();
  /// Ends the chunk; from its begin where the connection was lost.
  status end_chunk();
  status commit_chunk(connection& on, bool& commit_sent);
  result<bool> is_committed(connection& on) const;
  status check_rules(connection& on) const;
  status merge_keys(connection& on, staged_rows& made);
  [[nodiscard]] error row_refused(const refusal& why) const;
  [[nodiscard]] std::string copy_statement() const;

  session& session_;
  const load_request& request_;
  const target_table& into_;
  on_error policy_;
  bool numbered_;  ///< rows carry a number, by which the server says which of them break a rule
  table_name name_;
  row_encoder encoder_;
  std::vector<key_watch> watches_;  ///< of into_.unique; where the table is new, of its key
  byte_buffer chunk_;               ///< rows that are not known to be committed
  std::size_t sent_ = 0;            ///< bytes of them that are on their way
  bool copying_ = false;            ///< a COPY is open on the connection
  std::uint64_t number_ = 1;        ///< of the chunk
  std::uint64_t chunk_rows_ = 0;
  std::uint64_t rows_ = 0;  ///< in the chunks that are committed
  std::uint64_t bytes_ = 0;
  std::int64_t next_row_ = 0;
};

}  // namespace sluice::postgres
