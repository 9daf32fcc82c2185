#pragma once

#include "engine/clients/postgres/connection.hpp"
#include "engine/store/database.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace sluice::store {

/// A connection to a PostgreSQL database, in whose schema `sluice` the Store is. It connects when it is needed, and
/// again for `patience` after the connection was lost (store_unavailable).
///
/// A transaction begins by locking the one row of the table `store`, so that transactions follow each other, and with
/// them the cursors of events, of which that row keeps the last. A process that stops within a transaction loses the
/// lock after a few seconds.
class postgres_database final : public database {
 public:
  explicit postgres_database(std::string url);

  /// Connects once, without patience, and makes the schema where there is none.
  status open();

  [[nodiscard]] std::int64_t changed() const override { return changed_; }
  status begin() override;
  /// Where the answer is lost, the server is asked what has become of it.
  status commit() override;
  void roll_back() override;
  status set_savepoint() override;
  status go_back() override;
  status leave_savepoint() override { return {}; }
  [[nodiscard]] bool goes_again(const error& problem) override;
  result<std::int64_t> next_cursor() override { return ++cursor_; }
  [[nodiscard]] observer observed() override;
  result<std::int64_t> version() override;
  status set_version(std::int64_t to) override;
  [[nodiscard]] const std::string& where() const override { return where_; }

 protected:
  status query(const char* sql, std::span<const database_value> arguments, const row_reader& row) override;

 private:
  status connect();
  status connect_patiently();
  status make_schema();
  result<postgres::executed> run(const char* sql, std::span<const database_value> arguments);
  result<std::string> prepared(const char* sql, std::span<const database_value> arguments);
  status begin_once();
  /// What the server says of a transaction whose COMMIT was not answered.
  status ask_for_commit();
  /// The error as the Store gives it; forgets a connection that is lost.
  error told(error problem);

  std::string url_;
  std::string where_;
  interruption stop_;  ///< never raised
  std::unique_ptr<postgres::connection> held_;
  std::map<std::string, std::string, std::less<>> statements_;  ///< names of prepared ones by their SQL
  bool within_ = false;                                         ///< a transaction
  std::int64_t number_ = 0;                                     ///< of the transaction, as the server counts
  std::int64_t begun_cursor_ = 0;
  std::int64_t cursor_ = 0;
  std::int64_t saved_cursor_ = 0;
  bool has_savepoint_ = false;
  std::int64_t changed_ = 0;
  std::int64_t clock_ahead_ = 0;  ///< microseconds by which the server's clock is ahead of this machine's
  std::int64_t found_again_ = 0;  ///< uptime when the server answered again; 0: it was never lost
  int tries_ = 0;
};

}  // namespace sluice::store
