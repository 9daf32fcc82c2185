#include "engine/store/sql_schedules.hpp"

#include "engine/secrets/mask.hpp"
#include "engine/store/database.hpp"
#include "engine/store/process.hpp"
#include "engine/store/sql_events.hpp"
#include "engine/store/store.hpp"
#include "engine/store/store_writer.hpp"
#include "engine/store/stored_json.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <array>

namespace sluice::store {

namespace {

constexpr std::array<const char*, 5> state_names = {"waiting", "started", "skipped", "rejected", "cancelled"};
/// Starts that are done are kept to be shown, the newest of each pipeline.
constexpr std::int64_t kept_when_done = 1000;

constexpr const char* tables[] = {
    "CREATE TABLE IF NOT EXISTS deployed (name TEXT PRIMARY KEY, owner TEXT NOT NULL, submission TEXT NOT NULL, "
    "schedule TEXT NOT NULL, paused INTEGER NOT NULL, deployed INTEGER NOT NULL, mark INTEGER NOT NULL, "
    "cursor INTEGER NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS starts (number INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, "
    "key TEXT NOT NULL UNIQUE, run TEXT NOT NULL, due INTEGER NOT NULL, reason TEXT NOT NULL, params TEXT NOT NULL, "
    "parents TEXT NOT NULL, batch TEXT NOT NULL, concurrency INTEGER NOT NULL, deadline INTEGER NOT NULL, "
    "judged INTEGER NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL, handled INTEGER NOT NULL, "
    "tries INTEGER NOT NULL, next_at INTEGER NOT NULL, problem TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS starts_waiting ON starts (number) WHERE state = 'waiting'",
    "CREATE INDEX IF NOT EXISTS starts_to_judge ON starts (deadline) WHERE judged = 0 AND deadline > 0",
    "CREATE INDEX IF NOT EXISTS starts_by_pipeline ON starts (pipeline, number)",
    "CREATE INDEX IF NOT EXISTS starts_by_batch ON starts (batch, number) WHERE batch <> ''",
};

#define SLUICE_START                                                                                                 \
  "number, pipeline, key, run, due, reason, params, parents, batch, concurrency, deadline, judged, state, created, " \
  "handled, tries, next_at, problem"
#define SLUICE_DEPLOYED \
  "SELECT name, owner, submission, schedule, paused, deployed, mark, cursor, state, revision FROM deployed "

pending_start start_from(const database_row& row) {
  pending_start made;
  made.number = row.integer(0);
  made.pipeline = row.text(1);
  made.key = row.text(2);
  made.run = row.text(3);
  made.due = row.integer(4);
  made.reason = row.text(5);
  made.params = from_text(row.text(6));
  made.parents = from_text(row.text(7));
  made.batch = row.text(8);
  made.concurrency = row.integer(9);
  made.deadline = row.integer(10);
  made.judged = row.integer(11);
  const auto state = row.text(12);
  for (std::size_t at = 0; at < state_names.size(); ++at)
    if (state == state_names[at]) made.state = static_cast<start_state>(at);
  made.created = row.integer(13);
  made.handled = row.integer(14);
  made.tries = row.integer(15);
  made.next_at = row.integer(16);
  made.problem = row.text(17);
  return made;
}

deployed_pipeline deployed_from(const database_row& row) {
  deployed_pipeline made;
  made.name = row.text(0);
  made.owner = row.text(1);
  made.submission = from_text(row.text(2));
  made.schedule = from_text(row.text(3));
  made.paused = row.integer(4) != 0;
  made.deployed = row.integer(5);
  made.mark = row.integer(6);
  made.cursor = row.integer(7);
  made.state = from_text(row.text(8));
  made.revision = row.integer(9);
  return made;
}

class sql_schedules final : public schedule_log {
 public:
  sql_schedules(database& database, store_writer& writer) : database_(database), writer_(writer) {}

  result<bool> deploy(const deployed_pipeline& what, std::vector<event>& events) override {
    bool replaced = false;
    const auto work = [&](const observer& by) -> status {
      SLUICE_ASSIGN(const auto before, read(database_, what.name));
      replaced = before.has_value();
      auto kept = what;
      SLUICE_ASSIGN(const auto newest, newest_cursor(database_));
      if (before && before->schedule == what.schedule) {
        kept.mark = before->mark;
        kept.cursor = before->cursor;
        kept.state = before->state;
      } else {
        kept.cursor = newest;
      }
      SLUICE_TRY(database_.execute(
          "INSERT INTO deployed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1) ON CONFLICT (name) DO UPDATE SET "
          "owner = excluded.owner, submission = excluded.submission, schedule = excluded.schedule, "
          "deployed = excluded.deployed, mark = excluded.mark, cursor = excluded.cursor, state = excluded.state, "
          "revision = deployed.revision + 1",
          kept.name, kept.owner, to_text(kept.submission), to_text(kept.schedule), std::int64_t{0}, kept.deployed,
          kept.mark, kept.cursor, to_text(kept.state)));
      return append_events_without_run(database_, events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return replaced;
  }

  result<bool> remove(const std::string& pipeline, std::vector<event>& events) override {
    bool found = false;
    const auto work = [&](const observer& by) -> status {
      SLUICE_TRY(database_.execute("DELETE FROM deployed WHERE name = ?", pipeline));
      found = database_.changed() == 1;
      if (!found) return {};
      SLUICE_TRY(database_.execute(
          "UPDATE starts SET state = 'cancelled', handled = ?, judged = 1 WHERE pipeline = ? AND state = 'waiting'",
          by.now, pipeline));
      SLUICE_TRY(database_.execute("UPDATE starts SET judged = 1 WHERE pipeline = ? AND judged <> 1", pipeline));
      return append_events_without_run(database_, events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return found;
  }

  result<bool> pause(const std::string& pipeline, bool paused, std::int64_t now, std::vector<event>& events) override {
    bool found = false;
    const auto work = [&](const observer& by) -> status {
      SLUICE_ASSIGN(const auto before, read(database_, pipeline));
      found = before.has_value();
      if (!found || before->paused == paused) return events.clear(), status{};
      SLUICE_ASSIGN(const auto newest, newest_cursor(database_));
      if (paused)
        SLUICE_TRY(
            database_.execute("UPDATE deployed SET paused = 1, revision = revision + 1 WHERE name = ?", pipeline));
      else
        SLUICE_TRY(database_.execute(
            "UPDATE deployed SET paused = 0, mark = CASE WHEN mark > ?1 THEN mark ELSE ?1 END, cursor = CASE WHEN "
            "cursor > ?2 THEN cursor ELSE ?2 END, revision = revision + 1 WHERE name = ?3",
            now, newest, pipeline));
      return append_events_without_run(database_, events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return found;
  }

  result<std::vector<deployed_pipeline>> deployed() override {
    const auto in = writer_.look();
    std::vector<deployed_pipeline> all;
    SLUICE_TRY(in->each(SLUICE_DEPLOYED "ORDER BY name",
                        [&](const database_row& row) { return all.push_back(deployed_from(row)), true; }));
    return all;
  }

  result<std::optional<deployed_pipeline>> find(const std::string& pipeline) override {
    const auto in = writer_.look();
    return read(*in, pipeline);
  }

  result<bool> step(schedule_step& what) override {
    bool taken = false;
    for (auto& one : what.events) secrets::mask(one.data);
    const auto work = [&](const observer& by) -> status {
      SLUICE_TRY(database_.execute(
          "UPDATE deployed SET mark = ?, cursor = ?, state = ?, revision = revision + 1 WHERE name = ? AND revision = "
          "? AND paused = 0",
          what.mark, what.cursor, to_text(what.state), what.pipeline, what.revision));
      taken = database_.changed() == 1;
      if (!taken) return {};
      for (const auto& one : what.starts) {
        SLUICE_ASSIGN(const auto added, insert(one, by.now));
        (void)added;
      }
      return append_events_without_run(database_, what.events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return taken;
  }

  result<std::int64_t> add(const std::vector<pending_start>& what) override {
    std::int64_t count = 0;
    const auto work = [&](const observer& by) -> status {
      count = 0;
      for (const auto& one : what) {
        SLUICE_ASSIGN(const auto known, read(database_, one.pipeline));
        if (!known)
          return user_error("not_deployed", "the pipeline " + one.pipeline + " is not deployed",
                            "sluice deploy FILE deploys it, sluice pipelines lists those that are");
        SLUICE_ASSIGN(const auto added, insert(one, by.now));
        count += added ? 1 : 0;
      }
      return {};
    };
    SLUICE_TRY(writer_.write(work));
    return count;
  }

  result<std::vector<pending_start>> ready(std::int64_t now) override {
    const auto in = writer_.look();
    std::vector<pending_start> found;
    // In order: one that is tried again later holds back those behind it.
    SLUICE_TRY(in->each(
        "SELECT " SLUICE_START
        " FROM starts WHERE number IN (SELECT min(number) FROM starts WHERE state = 'waiting' GROUP BY pipeline, "
        "batch, "
        "reason = 'trigger') AND next_at <= ? AND (reason IN ('trigger', 'backfill') OR NOT EXISTS (SELECT 1 FROM "
        "deployed WHERE deployed.name = starts.pipeline AND paused = 1)) AND (concurrency = 0 OR concurrency > (SELECT "
        "count(*) FROM starts AS other JOIN runs ON runs.id = other.run WHERE other.batch = starts.batch AND "
        "other.state = 'started' AND runs.state NOT IN ('succeeded', 'partial', 'failed', 'cancelled'))) "
        "ORDER BY number",
        [&](const database_row& row) { return found.push_back(start_from(row)), true; }, now));
    return found;
  }

  result<std::optional<std::int64_t>> next_time(std::int64_t now) override {
    const auto in = writer_.look();
    std::optional<std::int64_t> next;
    const auto take = [&](const database_row& row) {
      if (row.integer(1) > 0 && (!next || row.integer(0) < *next)) next = row.integer(0);
      return false;
    };
    SLUICE_TRY(
        in->each("SELECT min(next_at), count(*) FROM starts WHERE state = 'waiting' AND next_at > ?", take, now));
    SLUICE_TRY(
        in->each("SELECT min(deadline), count(*) FROM starts WHERE judged = 0 AND deadline > 0 AND deadline "
                 "> ?",
                 take, now));
    return next;
  }

  result<std::vector<event>> settle(start_outcome what) override {
    for (auto& one : what.events) secrets::mask(one.data);
    const auto work = [&](const observer& by) -> status {
      if (what.state)
        SLUICE_TRY(
            database_.execute("UPDATE starts SET state = ?, tries = ?, next_at = ?, problem = ?, handled = ? WHERE "
                              "number = ? AND state = "
                              "'waiting'",
                              to_string(*what.state), what.tries, what.next_at, secrets::mask(what.problem),
                              *what.state == start_state::waiting ? std::int64_t{0} : by.now, what.number));
      if (what.judged)
        SLUICE_TRY(database_.execute("UPDATE starts SET judged = ? WHERE number = ?", *what.judged, what.number));
      SLUICE_TRY(database_.execute(
          "DELETE FROM starts WHERE pipeline = (SELECT pipeline FROM starts WHERE number = ?1) AND state <> 'waiting' "
          "AND (deadline = 0 OR judged > 0) AND number <= (SELECT number FROM starts WHERE pipeline = (SELECT pipeline "
          "FROM starts WHERE number = ?1) ORDER BY number DESC LIMIT 1 OFFSET ?2)",
          what.number, kept_when_done));
      return append_events_without_run(database_, what.events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return what.events;
  }

  result<std::vector<pending_start>> overdue(std::int64_t now) override {
    const auto in = writer_.look();
    std::vector<pending_start> found;
    SLUICE_TRY(in->each(
        "SELECT " SLUICE_START
        " FROM starts WHERE judged = 0 AND deadline > 0 AND deadline <= ? ORDER BY deadline "
        "LIMIT 1000",
        [&](const database_row& row) { return found.push_back(start_from(row)), true; }, now));
    return found;
  }

  result<std::vector<pending_start>> starts(const start_query& query) override {
    const auto in = writer_.look();
    std::vector<pending_start> found;
    SLUICE_TRY(in->each(
        "SELECT " SLUICE_START
        " FROM starts WHERE (?1 = '' OR pipeline = ?1) AND (?2 = '' OR batch = ?2) AND (?3 = '' OR state = ?3) "
        "ORDER BY number DESC LIMIT ?4",
        [&](const database_row& row) { return found.push_back(start_from(row)), true; }, query.pipeline, query.batch,
        query.state ? to_string(*query.state) : std::string(), query.limit));
    return found;
  }

  result<std::vector<schedule_standing>> standings() override {
    const auto in = writer_.look();
    std::vector<schedule_standing> all;
    SLUICE_TRY(in->each("SELECT name FROM deployed ORDER BY name", [&](const database_row& row) {
      all.push_back({.pipeline = row.text(0)});
      return true;
    }));
    for (auto& one : all) {
      SLUICE_TRY(in->each(
          "SELECT coalesce(max(CASE WHEN state IN ('succeeded', 'partial') THEN ended END), 0), coalesce(max(ended), "
          "0) FROM (SELECT state, ended FROM runs WHERE pipeline = ? AND ended > 0 ORDER BY position DESC LIMIT 1000) "
          "AS newest",
          [&](const database_row& row) {
            one.last_success = row.integer(0);
            one.last_end = row.integer(1);
            return false;
          },
          one.pipeline));
      SLUICE_TRY(in->each(
          "SELECT due, deadline FROM starts WHERE pipeline = ? AND judged > 0 AND deadline > 0 AND judged = 2 ORDER BY "
          "number DESC LIMIT 1",
          [&](const database_row& row) {
            one.late_due = row.integer(0);
            one.late_deadline = row.integer(1);
            return false;
          },
          one.pipeline));
      SLUICE_TRY(in->each(
          "SELECT count(*) FROM starts WHERE pipeline = ? AND state = 'waiting'",
          [&](const database_row& row) { return one.waiting = row.integer(0), false; }, one.pipeline));
    }
    return all;
  }

 private:
  static result<std::optional<deployed_pipeline>> read(database& in, const std::string& pipeline) {
    std::optional<deployed_pipeline> found;
    SLUICE_TRY(in.each(
        SLUICE_DEPLOYED "WHERE name = ?", [&](const database_row& row) { return found = deployed_from(row), false; },
        pipeline));
    return found;
  }

  result<bool> insert(const pending_start& one, std::int64_t now) {
    SLUICE_TRY(database_.execute(
        "INSERT INTO starts (pipeline, key, run, due, reason, params, parents, batch, concurrency, deadline, judged, "
        "state, created, handled, tries, next_at, problem) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, 0, ?, '') "
        "ON CONFLICT (key) DO NOTHING",
        one.pipeline, one.key, run_of_start(one.key), one.due, one.reason, to_text(one.params), to_text(one.parents),
        one.batch, one.concurrency, one.deadline, to_string(one.state), now, one.next_at));
    return database_.changed() == 1;
  }

  database& database_;
  store_writer& writer_;
};

}  // namespace

std::string to_string(start_state state) { return state_names.at(static_cast<std::size_t>(state)); }

std::string run_of_start(const std::string& key) { return uuid_v8("start\n" + key); }

status make_schedule_tables(database& in) {
  for (const auto* statement : tables) SLUICE_TRY(in.execute(statement));
  return {};
}

schedule_log& schedules_of(store& in) { return dynamic_cast<keeps_schedules&>(in).schedules(); }

std::unique_ptr<schedule_log> make_sql_schedules(database& database, store_writer& writer) {
  return std::make_unique<sql_schedules>(database, writer);
}

}  // namespace sluice::store
