#include "engine/store/sql_leadership.hpp"

#include "engine/store/database.hpp"
#include "engine/store/sql_leases.hpp"
#include "engine/store/store.hpp"
#include "engine/store/store_writer.hpp"

#include <algorithm>
#include <utility>

namespace sluice::store {

namespace {

/// Who has the lead, if that process is `self`, or lives and is not silent for too long.
result<std::optional<leader>> read_leader(database& in, const std::string& self, const observer& by,
                                          std::int64_t most_silent) {
  std::optional<leader> found;
  SLUICE_TRY(in.each("SELECT lease.process, lease.term, node, host, endpoint, " SLUICE_LEASE_COLUMNS
                     " FROM lease JOIN processes ON processes.id = lease.process",
                     [&](const database_row& row) {
                       leader one{.process = row.text(0),
                                  .node = row.text(2),
                                  .endpoint = row.text(4),
                                  .host = row.text(3),
                                  .pid = row.integer(7),
                                  .term = row.integer(1),
                                  .silent = by.prompt ? silence_of(row, 5, by) : 0};
                       if (one.process == self || (one.silent < most_silent && lease_holds(row, 5, by)))
                         found = std::move(one);
                       return false;
                     }));
  return found;
}

class sql_leadership final : public leadership {
 public:
  sql_leadership(database& in, store_writer& writer, const process_record& self,
                 std::function<status(const observer&)> renew)
      : database_(in), writer_(writer), self_(self), renew_(std::move(renew)) {}

  void allow_silence(std::chrono::microseconds most) override { most_silent_ = most.count(); }

  result<std::optional<std::int64_t>> lead(const std::string& endpoint, const std::string& gone) override {
    std::optional<std::int64_t> taken;
    const auto work = [&](const observer& by) -> status {
      taken.reset();
      if (self_.id.empty()) return internal_error("not_enrolled", "this process has not enrolled in the Store");
      SLUICE_ASSIGN(const auto other, read_leader(database_, self_.id, by, most_silent_));
      if (other && other->process != self_.id && other->process != gone) return {};
      // What belongs to it is free at once: its lease may hold for a while yet.
      SLUICE_TRY(
          database_.execute("DELETE FROM processes WHERE id <> ? AND id = (SELECT process FROM lease)", self_.id));
      SLUICE_TRY(renew_(by));
      SLUICE_ASSIGN(taken, take_next_term(database_, self_.id, endpoint));
      return {};
    };
    SLUICE_TRY(writer_.write(work));
    return taken;
  }

  result<std::optional<leader>> find_leader() override {
    const auto in = writer_.look();
    return read_leader(*in, self_.id, in->observed(), most_silent_);
  }

  status step_down() override {
    return writer_.write([&](const observer&) {
      return database_.execute("UPDATE lease SET process = '', endpoint = '' WHERE process = ?", self_.id);
    });
  }

 private:
  database& database_;
  store_writer& writer_;
  const process_record& self_;
  std::function<status(const observer&)> renew_;
  std::int64_t most_silent_ = lease_microseconds;
};

}  // namespace

status make_leader_columns(database& in) {
  SLUICE_TRY(in.execute("ALTER TABLE lease ADD COLUMN process TEXT NOT NULL DEFAULT ''"));
  return in.execute("ALTER TABLE lease ADD COLUMN endpoint TEXT NOT NULL DEFAULT ''");
}

result<std::int64_t> newest_term(database& in) {
  std::int64_t newest = 0;
  SLUICE_TRY(
      in.each("SELECT term FROM lease", [&](const database_row& row) { return newest = row.integer(0), false; }));
  return newest;
}

result<std::int64_t> take_next_term(database& in, const std::string& process, const std::string& endpoint) {
  std::int64_t of_runs = 0;
  SLUICE_TRY(in.each("SELECT coalesce(max(term), 0) FROM runs",
                     [&](const database_row& row) { return of_runs = row.integer(0), false; }));
  SLUICE_ASSIGN(const auto newest, newest_term(in));
  const auto taken = std::max(newest, of_runs) + 1;
  SLUICE_TRY(in.execute("UPDATE lease SET term = ?, process = ?, endpoint = ?", taken, process, endpoint));
  return taken;
}

leadership& leadership_of(store& in) { return dynamic_cast<keeps_leadership&>(in).lead_of(); }

std::unique_ptr<leadership> make_sql_leadership(database& database, store_writer& writer, const process_record& self,
                                                std::function<status(const observer&)> renew) {
  return std::make_unique<sql_leadership>(database, writer, self, std::move(renew));
}

}  // namespace sluice::store
