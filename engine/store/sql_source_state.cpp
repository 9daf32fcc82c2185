#include "engine/store/sql_source_state.hpp"

#include "engine/store/database.hpp"
#include "engine/store/sql_leases.hpp"
#include "engine/store/store.hpp"
#include "engine/store/stored_json.hpp"

namespace sluice::store {

namespace {

constexpr const char* tables[] = {
    "ALTER TABLE runs ADD COLUMN uses_state INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE source_states (pipeline TEXT NOT NULL, unit TEXT NOT NULL, position TEXT NOT NULL, "
    "schema TEXT NOT NULL, run TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (pipeline, unit)) WITHOUT ROWID",
    "CREATE TABLE source_files (pipeline TEXT NOT NULL, unit TEXT NOT NULL, path TEXT NOT NULL, "
    "size INTEGER NOT NULL, modified INTEGER NOT NULL, head TEXT NOT NULL, tail TEXT NOT NULL, run TEXT NOT NULL, "
    "time INTEGER NOT NULL, PRIMARY KEY (pipeline, unit, path)) WITHOUT ROWID",
    "CREATE TABLE source_versions (pipeline TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID",
};

status add_version(database& in, const std::string& pipeline) {
  return in.execute(
      "INSERT INTO source_versions VALUES (?, 1) ON CONFLICT (pipeline) DO UPDATE SET version = "
      "source_versions.version + 1",
      pipeline);
}

/// A run of the pipeline that uses the state and whose process lives.
status check_live_runs(database& in, const std::string& pipeline, const std::string& except, const observer& by) {
  std::string id;
  std::int64_t pid = 0;
  SLUICE_TRY(in.each(
      "SELECT runs.id, " SLUICE_OWNER_COLUMNS " FROM runs" SLUICE_OWNER_JOIN
      "WHERE pipeline = ? AND uses_state = 1 AND ended = 0 AND runs.id <> ? ORDER BY position",
      [&](const database_row& row) {
        if (!owner_lives(row, 1, by)) return true;
        id = row.text(0);
        pid = row.integer(2);
        return false;
      },
      pipeline, except));
  if (id.empty()) return {};
  return user_error("already_running",
                    "the pipeline " + pipeline + " is already running (run " + id + ", pid " + std::to_string(pid) +
                        "); two runs would load the same rows",
                    "sluice watch " + id + " follows it, sluice cancel " + id + " stops it");
}

status write_unit(database& in, const std::string& pipeline, const std::string& run, const source_change& what,
                  std::int64_t now) {
  SLUICE_TRY(
      in.execute("INSERT INTO source_states VALUES (?, ?, 'null', 'null', ?, ?) ON CONFLICT (pipeline, unit) DO UPDATE "
                 "SET run = excluded.run, time = excluded.time",
                 pipeline, what.unit, run, now));
  if (what.position)
    SLUICE_TRY(in.execute("UPDATE source_states SET position = ? WHERE pipeline = ? AND unit = ?",
                          to_text(*what.position), pipeline, what.unit));
  if (what.schema)
    SLUICE_TRY(in.execute("UPDATE source_states SET schema = ? WHERE pipeline = ? AND unit = ?", to_text(*what.schema),
                          pipeline, what.unit));
  if (what.forget_files)
    SLUICE_TRY(in.execute("DELETE FROM source_files WHERE pipeline = ? AND unit = ?", pipeline, what.unit));
  for (const auto& file : what.files)
    SLUICE_TRY(
        in.execute("INSERT INTO source_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pipeline, unit, path) DO "
                   "UPDATE SET size = excluded.size, modified = excluded.modified, head = excluded.head, tail = "
                   "excluded.tail, run = excluded.run, time = excluded.time",
                   pipeline, what.unit, file.path, file.size, file.modified, file.head, file.tail, run, now));
  return {};
}

}  // namespace

status make_source_state_tables(database& in) {
  for (const auto* statement : tables) SLUICE_TRY(in.execute(statement));
  return {};
}

result<pipeline_state> read_source_state(database& in, const std::string& pipeline) {
  pipeline_state state;
  SLUICE_TRY(in.each(
      "SELECT version FROM source_versions WHERE pipeline = ?",
      [&](const database_row& row) { return state.version = row.integer(0), false; }, pipeline));
  SLUICE_TRY(in.each(
      "SELECT unit, position, schema, run, time FROM source_states WHERE pipeline = ? ORDER BY unit",
      [&](const database_row& row) {
        state.units.push_back({.unit = row.text(0),
                               .position = from_text(row.text(1)),
                               .schema = from_text(row.text(2)),
                               .run = row.text(3),
                               .time = row.integer(4)});
        return true;
      },
      pipeline));
  for (auto& unit : state.units)
    SLUICE_TRY(in.each(
        "SELECT path, size, modified, head, tail, run, time FROM source_files WHERE pipeline = ? AND unit = ? "
        "ORDER BY path",
        [&](const database_row& row) {
          unit.files.push_back({.path = row.text(0),
                                .size = row.integer(1),
                                .modified = row.integer(2),
                                .head = row.text(3),
                                .tail = row.text(4),
                                .run = row.text(5),
                                .time = row.integer(6)});
          return true;
        },
        pipeline, unit.unit));
  return state;
}

result<std::vector<std::string>> read_pipelines_with_state(database& in) {
  std::vector<std::string> names;
  SLUICE_TRY(in.each("SELECT DISTINCT pipeline FROM source_states ORDER BY pipeline",
                     [&](const database_row& row) { return names.push_back(row.text(0)), true; }));
  return names;
}

status write_source_state(database& in, const std::string& pipeline, const std::string& run,
                          const std::vector<source_change>& changes, std::int64_t now) {
  if (changes.empty()) return {};
  for (const auto& change : changes) SLUICE_TRY(write_unit(in, pipeline, run, change, now));
  return add_version(in, pipeline);
}

status check_source_state(database& in, const std::string& pipeline, std::int64_t version, const std::string& run,
                          const observer& by) {
  SLUICE_TRY(check_live_runs(in, pipeline, run, by));
  std::int64_t newest = 0;
  SLUICE_TRY(in.each(
      "SELECT version FROM source_versions WHERE pipeline = ?",
      [&](const database_row& row) { return newest = row.integer(0), false; }, pipeline));
  if (newest == version) return {};
  auto problem = external_error(
      "state_changed",
      "another run of " + pipeline +
          " has ended, or its state was reset, since this run was planned; so this run would not load the right rows",
      "run it again", true);
  return problem;
}

result<std::int64_t> reset_source_state(database& in, const state_reset& what, const observer& by) {
  SLUICE_TRY(check_live_runs(in, what.pipeline, "", by));
  SLUICE_ASSIGN(const auto state, read_source_state(in, what.pipeline));
  std::int64_t count = 0;
  for (const auto& unit : state.units) {
    if (what.unit && unit.unit != *what.unit) continue;
    ++count;
    if (what.positions) {
      SLUICE_TRY(in.execute("DELETE FROM source_files WHERE pipeline = ? AND unit = ?", what.pipeline, unit.unit));
      SLUICE_TRY(in.execute("UPDATE source_states SET position = 'null' WHERE pipeline = ? AND unit = ?", what.pipeline,
                            unit.unit));
    }
    if (what.schema)
      SLUICE_TRY(in.execute("UPDATE source_states SET schema = 'null' WHERE pipeline = ? AND unit = ?", what.pipeline,
                            unit.unit));
  }
  SLUICE_TRY(in.execute("DELETE FROM source_states WHERE pipeline = ? AND position = 'null' AND schema = 'null'",
                        what.pipeline));
  if (count > 0) SLUICE_TRY(add_version(in, what.pipeline));
  return count;
}

}  // namespace sluice::store
