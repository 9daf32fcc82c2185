#include "engine/store/sql_commits.hpp"

#include "engine/store/database.hpp"
#include "engine/store/sql_leases.hpp"
#include "engine/store/sql_source_state.hpp"
#include "engine/store/stored_json.hpp"

#include <array>

namespace sluice::store {

namespace {

constexpr std::array<const char*, 4> state_names = {"decided", "refused", "committed", "dropped"};

constexpr const char* tables[] = {
    "CREATE TABLE commits (run TEXT NOT NULL, epoch INTEGER NOT NULL, pipeline TEXT NOT NULL, "
    "state TEXT NOT NULL, decided INTEGER NOT NULL, settled INTEGER NOT NULL, body TEXT NOT NULL, "
    "PRIMARY KEY (run, epoch)) WITHOUT ROWID",
    "CREATE INDEX commits_due ON commits (pipeline) WHERE state IN ('decided', 'refused')",
};

std::string name_of(commit_state state) { return state_names.at(static_cast<std::size_t>(state)); }

manifest manifest_in(const std::string& text) { return manifest_from(from_text(text)); }

}  // namespace

status make_commit_tables(database& in) {
  for (const auto* statement : tables) SLUICE_TRY(in.execute(statement));
  return {};
}

status write_decision(database& in, const std::string& run, const std::string& pipeline, const manifest& what,
                      std::int64_t now) {
  // A checkpoint whose sinks commit at the end of the run has nothing to be made visible.
  const bool due = !what.sinks.empty() || !what.end.empty();
  SLUICE_TRY(in.execute("INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", run, what.epoch,
                        pipeline, name_of(due ? commit_state::decided : commit_state::committed), now,
                        due ? std::int64_t{0} : now, to_text(to_json(what))));
  if (in.changed() == 1)
    // Of a manifest that is a savepoint this is the end.
    return in.execute(
        "DELETE FROM commits WHERE run = ? AND epoch <= ? AND state = 'committed' AND "
        "body NOT LIKE '%,\"savepoint\":true}'",
        run, what.epoch - kept_checkpoints);
  return internal_error("commit_decided",
                        "epoch " + std::to_string(what.epoch) + " of run " + run + " was already decided");
}

status settle_decision(database& in, const std::string& run, const std::string& pipeline, std::int64_t epoch,
                       commit_state to, std::int64_t now) {
  std::string body;
  SLUICE_TRY(in.each(
      "SELECT body FROM commits WHERE run = ? AND epoch = ? AND state IN ('decided', 'refused')",
      [&](const database_row& row) { return body = row.text(0), false; }, run, epoch));
  if (body.empty())
    return internal_error("commit_settled",
                          "epoch " + std::to_string(epoch) + " of run " + run + " has no commit to make");
  SLUICE_TRY(in.execute("UPDATE commits SET state = ?, settled = ? WHERE run = ? AND epoch = ?", name_of(to), now, run,
                        epoch));
  if (to != commit_state::committed) return {};
  return write_source_state(in, pipeline, run, manifest_in(body).sources, now);
}

status check_due_commits(database& in, const std::string& pipeline, const observer& by) {
  std::string id;
  SLUICE_TRY(in.each(
      "SELECT commits.run, commits.state, " SLUICE_OWNER_COLUMNS
      " FROM commits JOIN runs ON runs.id = commits.run" SLUICE_OWNER_JOIN
      "WHERE commits.pipeline = ? AND commits.state IN ('decided', 'refused') ORDER BY decided",
      [&](const database_row& row) {
        if (row.text(1) == "decided" && owner_lives(row, 2, by)) return true;
        id = row.text(0);
        return false;
      },
      pipeline));
  if (id.empty()) return {};
  return external_error(
      "commit_due",
      "run " + id + " of " + pipeline +
          " has completed outputs that are not all visible yet; another run now could load the same rows again",
      "sluice run makes them visible first; sluice status " + id + " shows what is missing", true);
}

result<std::vector<due_commit>> read_due_commits(database& in, const std::string& run, const observer& by) {
  std::vector<due_commit> due;
  const auto take = [&](const database_row& row) {
    due.push_back({.run = row.text(0),
                   .pipeline = row.text(1),
                   .state = row.text(2) == "refused" ? commit_state::refused : commit_state::decided,
                   .alive = owner_lives(row, 4, by),
                   .what = manifest_in(row.text(3))});
    return true;
  };
#define SLUICE_DUE                                                                   \
  "SELECT commits.run, commits.pipeline, commits.state, body, " SLUICE_OWNER_COLUMNS \
  " FROM commits JOIN runs ON runs.id = commits.run" SLUICE_OWNER_JOIN               \
  "WHERE commits.state IN ('decided', 'refused') "
  if (run.empty()) {
    SLUICE_TRY(in.each(SLUICE_DUE "ORDER BY decided, commits.run, epoch", take));
  } else {
    SLUICE_TRY(in.each(SLUICE_DUE "AND commits.run = ? ORDER BY epoch", take, run));
  }
  return due;
}

result<std::vector<checkpoint_record>> read_checkpoints(database& in, const std::string& run) {
  std::vector<checkpoint_record> all;
  SLUICE_TRY(in.each(
      "SELECT run, pipeline, decided, state, settled, body FROM commits WHERE run = ? AND state <> 'dropped' "
      "ORDER BY epoch DESC",
      [&](const database_row& row) {
        auto what = manifest_in(row.text(5));
        // All is visible of a run that has reached its end, whatever its state says: nothing follows it.
        if (what.snapshot.is_null() && row.text(3) == "committed") return false;
        if (what.snapshot.is_null()) return true;
        all.push_back({.run = row.text(0),
                       .pipeline = row.text(1),
                       .completed = row.integer(2),
                       .committed = row.text(3) == "committed" ? row.integer(4) : 0,
                       .what = std::move(what)});
        return true;
      },
      run));
  return all;
}

result<bool> has_decision(database& in, const std::string& run, commit_state state) {
  bool found = false;
  SLUICE_TRY(in.each(
      "SELECT 1 FROM commits WHERE run = ? AND state = ?", [&](const database_row&) { return found = true, false; },
      run, name_of(state)));
  return found;
}

}  // namespace sluice::store
