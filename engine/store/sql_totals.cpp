#include "engine/store/sql_totals.hpp"

#include "engine/store/database.hpp"

#include <algorithm>
#include <vector>

namespace sluice::store {

namespace {

constexpr const char* tables[] = {
    "CREATE TABLE pipeline_totals (pipeline TEXT PRIMARY KEY, last_success INTEGER NOT NULL, last_end INTEGER NOT "
    "NULL, "
    "last_duration INTEGER NOT NULL, duration INTEGER NOT NULL, rows_in INTEGER NOT NULL, rows_out INTEGER NOT NULL, "
    "rejected INTEGER NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE pipeline_ends (pipeline TEXT NOT NULL, state TEXT NOT NULL, runs INTEGER NOT NULL, "
    "PRIMARY KEY (pipeline, state)) WITHOUT ROWID",
};

struct ended_run {
  std::string pipeline;
  run_state state = run_state::failed;
  std::int64_t begun = 0;
  std::int64_t ended = 0;
  options summary;
};

std::int64_t count(const options& of, const char* name) {
  const auto found = of.find(name);
  return found != of.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

/// What a summary says of all units of a role together.
std::int64_t sum(const options& summary, const std::string& role, const char* counter) {
  std::int64_t total = 0;
  if (!summary.is_object() || !summary.contains("units")) return 0;
  for (const auto& unit : summary["units"])
    if (role.empty() || unit.value("role", "") == role) total += count(unit, counter);
  return total;
}

status add(database& in, const ended_run& run) {
  const bool good = run.state == run_state::succeeded || run.state == run_state::partial;
  // Only what is visible counts as loaded.
  const std::int64_t rows_out = good ? sum(run.summary, "load", "out") : 0;
  const std::int64_t bytes_out = good ? sum(run.summary, "load", "bytes") : 0;
  const auto duration = run.begun == 0 ? 0 : std::max<std::int64_t>(run.ended - run.begun, 0);
  SLUICE_TRY(
      in.execute("INSERT INTO pipeline_totals AS so_far VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pipeline) "
                 "DO UPDATE SET "
                 "last_success = CASE WHEN excluded.last_success > so_far.last_success THEN excluded.last_success ELSE "
                 "so_far.last_success END, "
                 "last_end = excluded.last_end, last_duration = excluded.last_duration, "
                 "duration = so_far.duration + excluded.duration, rows_in = so_far.rows_in + excluded.rows_in, "
                 "rows_out = so_far.rows_out + excluded.rows_out, rejected = so_far.rejected + excluded.rejected, "
                 "bytes_in = so_far.bytes_in + excluded.bytes_in, bytes_out = so_far.bytes_out + excluded.bytes_out",
                 run.pipeline, good ? run.ended : std::int64_t{0}, run.ended, duration, duration,
                 sum(run.summary, "extract", "in"), rows_out, sum(run.summary, "", "rejected"),
                 sum(run.summary, "extract", "bytes"), bytes_out));
  return in.execute(
      "INSERT INTO pipeline_ends VALUES (?, ?, 1) ON CONFLICT (pipeline, state) DO UPDATE SET runs = "
      "pipeline_ends.runs + 1",
      run.pipeline, to_string(run.state));
}

ended_run ended_from(const database_row& row) {
  const auto started = row.integer(2);
  return {.pipeline = row.text(0),
          .state = run_state_from(row.text(1)).value_or(run_state::failed),
          .begun = started != 0 ? started : row.integer(3),
          .ended = row.integer(4),
          .summary = options::try_parse(row.text(5)).value_or(options())};
}

}  // namespace

status make_totals_table(database& in) {
  for (const auto* statement : tables) SLUICE_TRY(in.execute(statement));
  status outcome;
  SLUICE_TRY(
      in.each("SELECT pipeline, state, started, created, ended, summary FROM runs WHERE ended > 0 ORDER BY ended",
              [&](const database_row& row) { return (outcome = add(in, ended_from(row))).ok(); }));
  return outcome;
}

status add_to_totals(database& in, const std::string& run) {
  ended_run ended;
  SLUICE_TRY(in.each(
      "SELECT pipeline, state, started, created, ended, summary FROM runs WHERE id = ?",
      [&](const database_row& row) { return ended = ended_from(row), false; }, run));
  return add(in, ended);
}

result<store_totals> read_totals(database& in) {
  store_totals all;
  for (const auto state : run_states()) all.runs[to_string(state)] = 0;
  SLUICE_TRY(in.each("SELECT state, count(*) FROM runs GROUP BY state",
                     [&](const database_row& row) { return all.runs[row.text(0)] = row.integer(1), true; }));
  SLUICE_TRY(
      in.each("SELECT pipeline, last_success, last_end, last_duration, duration, rows_in, rows_out, rejected, "
              "bytes_in, bytes_out "
              "FROM pipeline_totals ORDER BY pipeline",
              [&](const database_row& row) {
                all.pipelines.push_back({.pipeline = row.text(0),
                                         .last_success = row.integer(1),
                                         .last_end = row.integer(2),
                                         .last_duration = row.integer(3),
                                         .duration = row.integer(4),
                                         .rows_in = row.integer(5),
                                         .rows_out = row.integer(6),
                                         .rejected = row.integer(7),
                                         .bytes_in = row.integer(8),
                                         .bytes_out = row.integer(9)});
                return true;
              }));
  SLUICE_TRY(in.each("SELECT pipeline, state, runs FROM pipeline_ends", [&](const database_row& row) {
    for (auto& one : all.pipelines)
      if (one.pipeline == row.text(0)) one.ended[row.text(1)] = row.integer(2);
    return true;
  }));
  SLUICE_TRY(in.each("SELECT count(*) FROM commits WHERE state IN ('decided', 'refused')",
                     [&](const database_row& row) { return all.due_commits = row.integer(0), false; }));
  return all;
}

}  // namespace sluice::store
