#include "engine/store/sql_runs.hpp"

#include "engine/store/database.hpp"
#include "engine/store/sql_leases.hpp"
#include "engine/store/stored_json.hpp"
#include "engine/values/ascii.hpp"

#include <algorithm>

namespace sluice::store {

namespace {

#define SLUICE_RUN_COLUMNS                                                                                          \
  "runs.id, pipeline, owner, tags, state, cause, created, started, ended, fingerprint, params, summary, runs.pid, " \
  "runs.pid_started, runs.node, endpoint, term"
/// Of queries: the same and whose the run is.
#define SLUICE_RUNS_FROM SLUICE_RUN_COLUMNS ", " SLUICE_OWNER_COLUMNS ", position FROM runs" SLUICE_OWNER_JOIN
constexpr int first_owner_column = 17;
constexpr int position_column = 26;
constexpr std::int64_t searched_at_once = 1000;

run_record record_from(const database_row& row, const observer& by) {
  run_record run;
  run.id = row.text(0);
  run.pipeline = row.text(1);
  run.owner = row.text(2);
  run.tags = names_from(row.text(3));
  run.state = run_state_from(row.text(4)).value_or(run_state::failed);
  run.cause = from_text(row.text(5));
  run.created = row.integer(6);
  run.started = row.integer(7);
  run.ended = row.integer(8);
  run.fingerprint = row.text(9);
  run.params = from_text(row.text(10));
  run.summary = from_text(row.text(11));
  run.pid = row.integer(12);
  run.pid_started = row.integer(13);
  run.node = row.text(14);
  run.endpoint = row.text(15);
  run.term = row.integer(16);
  run.process = row.text(first_owner_column);
  run.alive = owner_lives(row, first_owner_column, by);
  return run;
}

/// Whether a run's id begins with a text in lower case, or it is in the pipeline's name, owner or tags. Looks at the
/// first columns only: most rows of a search are passed by.
bool is_found(const database_row& row, const std::string& search) {
  const auto holds = [&](const std::string& text) { return ascii::lower(text).find(search) != std::string::npos; };
  if (search.empty() || row.text(0).starts_with(search) || holds(row.text(1)) || holds(row.text(2))) return true;
  const auto tags = names_from(row.text(3));
  return std::any_of(tags.begin(), tags.end(), holds);
}

/// One page of rows above a position (0: from the newest), looked through for what is searched.
struct page {
  std::int64_t above = 0;
  std::int64_t size = 0;
  std::int64_t rows = 0;  ///< that it had
};

status read_page(database& in, const run_query& query, page& at, const std::string& search, const observer& by,
                 std::vector<run_record>& found) {
  std::string states;
  for (const auto state : query.states) states += (states.empty() ? "'" : ", '") + to_string(state) + "'";
  const auto sql = std::string("SELECT " SLUICE_RUNS_FROM "WHERE ") + (query.pipeline ? "pipeline = ?1 " : "?1 = '' ") +
                   (at.above == 0 ? "AND ?2 = 0 " : "AND position < ?2 ") +
                   (states.empty() ? "" : "AND state IN (" + states + ") ") + "ORDER BY position DESC LIMIT ?3";
  at.rows = 0;
  const auto take = [&](const database_row& row) {
    ++at.rows;
    at.above = row.integer(position_column);
    if (is_found(row, search)) found.push_back(record_from(row, by));
    return static_cast<std::int64_t>(found.size()) < query.limit;
  };
  return in.each(sql.c_str(), take, query.pipeline.value_or(""), std::int64_t{at.above}, at.size);
}

result<std::string> resolve(database& in, const std::string& reference) {
  std::vector<std::string> ids;
  const auto take = [&](const database_row& row) { return ids.push_back(row.text(0)), ids.size() < 4; };
  if (reference.empty()) return no_such_run("''");
  SLUICE_TRY(in.each("SELECT id FROM runs WHERE id = ?", take, reference));
  if (ids.empty() && reference == "last")
    SLUICE_TRY(in.each("SELECT id FROM runs ORDER BY position DESC LIMIT 1", take));
  if (ids.empty())
    SLUICE_TRY(in.each("SELECT id FROM runs WHERE pipeline = ? ORDER BY position DESC LIMIT 1", take, reference));
  if (ids.empty())
    SLUICE_TRY(in.each("SELECT id FROM runs WHERE substr(id, 1, CAST(? AS INTEGER)) = ? ORDER BY position DESC LIMIT 4",
                       take, static_cast<std::int64_t>(reference.size()), reference));
  if (ids.empty())
    return reference == "last"
               ? user_error("run_not_found", "there are no runs yet", "start one with `sluice run FILE`")
               : no_such_run(reference);
  if (ids.size() == 1) return ids.front();
  std::string some;
  for (std::size_t i = 0; i < 3 && i < ids.size(); ++i) some += (i == 0 ? "" : ", ") + ids[i];
  return user_error("ambiguous_run",
                    "several runs begin with " + reference + ": " + some + (ids.size() > 3 ? ", ..." : ""),
                    "give more characters of the id");
}

}  // namespace

std::vector<std::string> names_from(const std::string& text) {
  std::vector<std::string> names;
  for (const auto& name : from_text(text))
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

error no_such_run(const std::string& reference) {
  return user_error("run_not_found", "there is no run, and no pipeline with runs, called " + reference,
                    "`sluice runs` lists them; RUN is an id, a unique prefix of one, a pipeline's name or last");
}

result<std::vector<run_record>> read_runs(database& in, const run_query& query) {
  const auto by = in.observed();
  std::vector<run_record> found;
  if (query.limit <= 0) return found;
  const auto search = ascii::lower(query.search);
  // What is searched may be far down: it is looked for in pages.
  page at{.size = search.empty() ? query.limit : std::max<std::int64_t>(query.limit, searched_at_once)};
  if (!query.after.empty()) {
    SLUICE_TRY(in.each(
        "SELECT position FROM runs WHERE id = ?",
        [&](const database_row& row) { return at.above = row.integer(0), false; }, query.after));
    if (at.above == 0) return no_such_run(query.after);
  }
  do {
    SLUICE_TRY(read_page(in, query, at, search, by, found));
  } while (at.rows == at.size && static_cast<std::int64_t>(found.size()) < query.limit);
  return found;
}

result<run_record> read_run(database& in, const std::string& reference) {
  const auto by = in.observed();
  SLUICE_ASSIGN(const auto id, resolve(in, reference));
  run_record run;
  SLUICE_TRY(in.each(
      "SELECT " SLUICE_RUN_COLUMNS ", " SLUICE_OWNER_COLUMNS ", text, plan, context FROM runs" SLUICE_OWNER_JOIN
      "WHERE runs.id = ?",
      [&](const database_row& row) {
        run = record_from(row, by);
        run.text = row.text(26);
        run.plan = row.text(27);
        run.context = from_text(row.text(28));
        return false;
      },
      id));
  return run;
}

result<run_standing> read_standing(database& in, const std::string& run) {
  run_standing stands;
  SLUICE_TRY(in.each(
      "SELECT state, term, sequence, pipeline, owner, tags, (SELECT term FROM lease) FROM runs WHERE id = ?",
      [&](const database_row& row) {
        stands = {.found = true,
                  .state = run_state_from(row.text(0)).value_or(run_state::failed),
                  .term = row.integer(1),
                  .newest_term = row.integer(6),
                  .sequence = row.integer(2),
                  .pipeline = row.text(3),
                  .owner = row.text(4),
                  .tags = names_from(row.text(5))};
        return false;
      },
      run));
  return stands;
}

}  // namespace sluice::store
