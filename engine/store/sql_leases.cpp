#include "engine/store/sql_leases.hpp"

#include "engine/store/database.hpp"

#include <vector>

namespace sluice::store {

namespace {

constexpr const char* tables[] = {
    "CREATE TABLE processes (id TEXT PRIMARY KEY, boot TEXT NOT NULL, pid_namespace TEXT NOT NULL, "
    "pid INTEGER NOT NULL, pid_started INTEGER NOT NULL, host TEXT NOT NULL, node TEXT NOT NULL, "
    "beat INTEGER NOT NULL, uptime INTEGER NOT NULL) WITHOUT ROWID",
    "ALTER TABLE runs ADD COLUMN process TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN context TEXT NOT NULL DEFAULT 'null'",
};

lease lease_from(const database_row& row, int first) {
  lease found;
  found.holder.boot = row.text(first);
  found.holder.pid_namespace = row.text(first + 1);
  found.holder.pid = row.integer(first + 2);
  found.holder.pid_started = row.integer(first + 3);
  found.beat = row.integer(first + 4);
  found.uptime = row.integer(first + 5);
  return found;
}

}  // namespace

status make_lease_tables(database& in) {
  for (const auto* statement : tables) SLUICE_TRY(in.execute(statement));
  return {};
}

result<bool> write_lease(database& in, const process_record& self, const observer& now) {
  bool held = false;
  SLUICE_TRY(in.each(
      "SELECT boot, pid_namespace, pid, pid_started, beat, uptime FROM processes WHERE id = ?",
      [&](const database_row& row) { return held = is_alive(lease_from(row, 0), now), false; }, self.id));
  SLUICE_TRY(in.execute(
      "INSERT INTO processes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
      "beat = excluded.beat, uptime = excluded.uptime",
      self.id, self.boot, self.pid_namespace, self.pid, self.pid_started, self.host, self.node, now.now, now.uptime));
  return held;
}

status forget_dead_leases(database& in, const process_record& self, const observer& now) {
  std::vector<std::string> dead;
  SLUICE_TRY(in.each(
      "SELECT boot, pid_namespace, pid, pid_started, beat, uptime, id FROM processes WHERE id <> ?",
      [&](const database_row& row) {
        if (!is_alive(lease_from(row, 0), now)) dead.push_back(row.text(6));
        return true;
      },
      self.id));
  for (const auto& id : dead) SLUICE_TRY(in.execute("DELETE FROM processes WHERE id = ?", id));
  return {};
}

bool lease_holds(const database_row& row, int first, const observer& by) {
  const auto found = lease_from(row, first);
  return found.beat != 0 && is_alive(found, by);
}

std::int64_t silence_of(const database_row& row, int first, const observer& by) {
  const auto found = lease_from(row, first);
  // Clocks of one boot can't be set; those of two machines are compared as they are.
  const bool same_boot = !found.holder.boot.empty() && found.holder.boot == by.boot;
  return same_boot ? by.uptime - found.uptime : by.now - found.beat;
}

bool owner_lives(const database_row& row, int first, const observer& by) {
  const auto pid = row.integer(first + 1);
  const auto started = row.integer(first + 2);
  if (row.text(first).empty()) return pid == 0 || started == 0 || process_start(pid) == started;
  // Without a lease of its own left the process is gone for longer than one holds.
  return lease_holds(row, first + 3, by);
}

}  // namespace sluice::store
