#include "engine/store/masking_store.hpp"
#include "engine/store/sqlite_commits.hpp"
#include "engine/store/sqlite_database.hpp"
#include "engine/store/sqlite_deliveries.hpp"
#include "engine/store/sqlite_file.hpp"
#include "engine/store/sqlite_leases.hpp"
#include "engine/store/sqlite_schedules.hpp"
#include "engine/store/sqlite_schema.hpp"
#include "engine/store/sqlite_source_state.hpp"
#include "engine/store/sqlite_totals.hpp"
#include "engine/store/sqlite_writer.hpp"
#include "engine/store/store.hpp"
#include "engine/store/stored_json.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::store {

namespace {

#define SLUICE_RUN_COLUMNS                                                                                          \
  "runs.id, pipeline, owner, tags, state, cause, created, started, ended, fingerprint, params, summary, runs.pid, " \
  "runs.pid_started, runs.node, endpoint, term"
/// Of queries: the same and whose the run is.
#define SLUICE_RUNS_FROM SLUICE_RUN_COLUMNS ", " SLUICE_OWNER_COLUMNS " FROM runs" SLUICE_OWNER_JOIN
constexpr int first_owner_column = 17;

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::vector<std::string> names_from(const std::string& text) {
  std::vector<std::string> names;
  for (const auto& name : from_text(text))
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

run_record record_from(const sqlite_query& row, const observer& by) {
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

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Whether a run's id begins with a text in lower case, or it is in the pipeline's name, owner or tags. Looks at the
/// first columns only: most rows of a search are passed by.
bool is_found(const sqlite_query& row, const std::string& search) {
  const auto holds = [&](const std::string& text) { return lower(text).find(search) != std::string::npos; };
  if (search.empty() || row.text(0).starts_with(search) || holds(row.text(1)) || holds(row.text(2))) return true;
  const auto tags = names_from(row.text(3));
  return std::any_of(tags.begin(), tags.end(), holds);
}

error no_such_run(const std::string& reference) {
  return user_error("run_not_found", "there is no run, and no pipeline with runs, called " + reference,
                    "`sluice runs` lists them; RUN is an id, a unique prefix of one, a pipeline's name or last");
}

error is_final_error(const std::string& run, run_state state) {
  return {.code = "run_is_final",
          .to_blame = blame::user,
          .message = "run " + run + " has ended (" + to_string(state) + ") and can't be changed"};
}

class sqlite_store final : public store, public keeps_deliveries, public keeps_schedules {
 public:
  status open(const std::string& path);

  void enroll(const process_record& self) override;
  result<bool> beat() override;
  result<std::int64_t> take_over(const std::string& run) override;
  status release(const std::string& run) override;
  result<bool> create_run(const run_record& run, std::vector<event> events) override;
  result<std::vector<event>> apply(const change& what) override;
  result<std::vector<due_commit>> due_commits(const std::string& run) override;
  result<std::vector<checkpoint_record>> checkpoints(const std::string& run) override;
  result<std::vector<run_record>> runs(const run_query& query) override;
  result<run_record> find_run(const std::string& reference) override;
  result<std::vector<event>> events(std::int64_t after, const std::string& run, std::int64_t limit) override;
  result<std::int64_t> last_cursor() override;
  result<store_totals> totals() override;
  result<std::int64_t> next_term() override;
  result<std::int64_t> cursor_of(const std::string& subscriber) override;
  status set_cursor(const std::string& subscriber, std::int64_t cursor) override;
  result<pipeline_state> sources_of(const std::string& pipeline) override;
  result<std::vector<std::string>> pipelines_with_state() override;
  result<std::int64_t> reset_sources(const state_reset& what) override;
  delivery_log& deliveries() override { return *deliveries_; }
  schedule_log& schedules() override { return *schedules_; }

 private:
  /// What a write needs to know of its run.
  struct standing {
    bool found = false;
    run_state state = run_state::queued;
    std::int64_t term = 0;
    std::int64_t sequence = 0;
    std::string pipeline;
    std::string owner;
    std::vector<std::string> tags;
  };

  result<std::int64_t> term();
  status check_term(std::int64_t writer, std::int64_t run_term);
  result<standing> standing_of(const std::string& run);
  status write_state(const std::string& run, run_state state, const options& cause, std::int64_t when);
  status append(const std::string& run, const standing& stands, std::vector<event>& events);
  status update(const change& what);
  status insert(const run_record& run, std::vector<event>& events, bool& made, const observer& by);
  status change_run(const change& what, std::vector<event>& events, const observer& by);
  status check_begin(const std::string& run, const std::string& pipeline,
                     const std::optional<std::int64_t>& state_version, const observer& by);
  status plan_again(const change& what, const standing& stands, const observer& by);
  status write_commits(const change& what, const standing& stands);
  status renew(const observer& by);
  result<std::string> resolve(const std::string& reference);

  sqlite_database database_;
  sqlite_writer writer_{database_};
  std::string stream_;  ///< under which events without a run stand
  std::unique_ptr<delivery_log> deliveries_;
  std::unique_ptr<schedule_log> schedules_;
  process_record self_;  ///< its id is empty until the process has enrolled
};

status sqlite_store::open(const std::string& path) {
  SLUICE_TRY(open_sqlite_file(database_, path));
  SLUICE_TRY(bring_schema_up_to_date(database_, path));
  SLUICE_ASSIGN(stream_, stream_id(database_));
  deliveries_ = make_sqlite_deliveries(database_, writer_, self_, [this](const observer& by) { return renew(by); });
  schedules_ = make_sqlite_schedules(database_, writer_);
  return {};
}

result<std::int64_t> sqlite_store::term() {
  std::int64_t newest = 0;
  SLUICE_TRY(database_.each("SELECT term FROM lease",
                            [&](const sqlite_query& row) { return newest = row.integer(0), false; }));
  return newest;
}

status sqlite_store::check_term(std::int64_t writer, std::int64_t run_term) {
  SLUICE_ASSIGN(const auto newest, term());
  // Term 0 is a local run: no controller's lease concerns it, unless a controller has taken that run over.
  if ((writer == 0 || writer >= newest) && writer >= run_term) return {};
  return error{.code = "stale_term",
               .to_blame = blame::external,
               .message = "another controller is now responsible: this one has term " + std::to_string(writer) +
                          ", the newest term is " + std::to_string(std::max(newest, run_term)),
               .hint = "this process stops; the other one continues the run"};
}

result<sqlite_store::standing> sqlite_store::standing_of(const std::string& run) {
  standing stands;
  SLUICE_TRY(database_.each(
      "SELECT state, term, sequence, pipeline, owner, tags FROM runs WHERE id = ?",
      [&](const sqlite_query& row) {
        stands = {.found = true,
                  .state = run_state_from(row.text(0)).value_or(run_state::failed),
                  .term = row.integer(1),
                  .sequence = row.integer(2),
                  .pipeline = row.text(3),
                  .owner = row.text(4),
                  .tags = names_from(row.text(5))};
        return false;
      },
      run));
  return stands;
}

status sqlite_store::append(const std::string& run, const standing& stands, std::vector<event>& events) {
  auto sequence = stands.sequence;
  for (auto& each : events) {
    each.run = run;
    each.sequence = ++sequence;
    each.id = run + "/" + std::to_string(sequence);
    if (each.time == 0) each.time = now();
    each.pipeline = stands.pipeline;
    each.owner = stands.owner;
    each.tags = stands.tags;
    SLUICE_TRY(database_.execute("INSERT INTO events (run, sequence, type, unit, time, data) VALUES (?, ?, ?, ?, ?, ?)",
                                 run, each.sequence, each.type, each.unit, each.time, to_text(each.data)));
    each.cursor = database_.last_row();
    // States that follow each other fast are written as one change: the event still tells when work began.
    if (each.type == "run.started")
      SLUICE_TRY(database_.execute("UPDATE runs SET started = ? WHERE id = ? AND started = 0", each.time, run));
  }
  if (events.empty()) return {};
  return database_.execute("UPDATE runs SET sequence = ? WHERE id = ?", sequence, run);
}

status sqlite_store::write_state(const std::string& run, run_state state, const options& cause, std::int64_t when) {
  const auto name = to_string(state);
  SLUICE_TRY(database_.execute("INSERT INTO transitions (run, time, state, cause) VALUES (?, ?, ?, ?)", run, when, name,
                               to_text(cause)));
  SLUICE_TRY(database_.execute("UPDATE runs SET state = ? WHERE id = ?", name, run));
  if (state == run_state::running)
    SLUICE_TRY(database_.execute("UPDATE runs SET started = ? WHERE id = ? AND started = 0", when, run));
  if (is_final(state)) SLUICE_TRY(database_.execute("UPDATE runs SET ended = ? WHERE id = ?", when, run));
  return {};
}

void sqlite_store::enroll(const process_record& self) {
  const auto lock = writer_.lock();
  self_ = self;
}

result<bool> sqlite_store::beat() {
  bool held = false;
  const auto work = [&](const observer& by) -> status {
    SLUICE_ASSIGN(held, write_lease(database_, self_, by));
    return held ? status{} : forget_dead_leases(database_, self_, by);
  };
  SLUICE_TRY(writer_.write(work));
  return held;
}

result<std::int64_t> sqlite_store::take_over(const std::string& run) {
  std::int64_t taken = 0;
  const auto work = [&](const observer& by) -> status {
    bool alive = false;
    std::string who;
    SLUICE_TRY(database_.each(
        "SELECT runs.node, runs.process, " SLUICE_OWNER_COLUMNS " FROM runs" SLUICE_OWNER_JOIN "WHERE runs.id = ?",
        [&](const sqlite_query& row) {
          alive = row.text(1) != self_.id && owner_lives(row, 2, by);
          who = "pid " + std::to_string(row.integer(3)) + ", node " + row.text(0);
          return false;
        },
        run));
    SLUICE_ASSIGN(const auto stands, standing_of(run));
    if (!stands.found) return no_such_run(run);
    if (is_final(stands.state)) return is_final_error(run, stands.state);
    if (alive)
      return external_error("run_is_alive", "run " + run + " belongs to a process that is running (" + who + ")",
                            "sluice cancel " + run + " stops it", true);
    SLUICE_ASSIGN(const auto newest, term());
    taken = std::max(stands.term, newest) + 1;
    if (!self_.id.empty()) SLUICE_TRY(renew(by));
    return database_.execute("UPDATE runs SET term = ?, process = ?, pid = ?, pid_started = ?, node = ? WHERE id = ?",
                             taken, self_.id, self_.pid, self_.pid_started, self_.node, run);
  };
  SLUICE_TRY(writer_.write(work));
  return taken;
}

status sqlite_store::release(const std::string& run) {
  // No process has such a lease, so that the run counts as that of a dead one.
  return writer_.write([&](const observer&) {
    return database_.execute("UPDATE runs SET process = '-' WHERE id = ? AND process = ?", run, self_.id);
  });
}

result<bool> sqlite_store::create_run(const run_record& run, std::vector<event> events) {
  bool made = false;
  SLUICE_TRY(writer_.write([&](const observer& by) { return insert(run, events, made, by); }));
  return made;
}

status sqlite_store::insert(const run_record& run, std::vector<event>& events, bool& made, const observer& by) {
  SLUICE_TRY(check_term(run.term, 0));
  const auto created = run.created != 0 ? run.created : now();
  SLUICE_TRY(database_.execute(
      "INSERT INTO runs (id, pipeline, owner, tags, state, cause, created, started, ended, fingerprint, params, "
      "summary, pid, pid_started, node, endpoint, term, text, plan, context, process, sequence) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO NOTHING",
      run.id, run.pipeline, run.owner, to_text(options(run.tags)), to_string(run.state), to_text(run.cause), created,
      run.started, run.ended, run.fingerprint, to_text(run.params), to_text(run.summary), run.pid, run.pid_started,
      run.node, run.endpoint, run.term, run.text, run.plan, to_text(run.context), self_.id));
  if (database_.changed() == 0) return {};
  if (!self_.id.empty()) SLUICE_TRY(renew(by));
  SLUICE_TRY(write_state(run.id, run.state, run.cause, created));
  SLUICE_TRY(check_begin(run.id, run.pipeline, run.state_version, by));
  SLUICE_TRY(append(run.id, {.pipeline = run.pipeline, .owner = run.owner, .tags = run.tags}, events));
  made = true;
  return {};
}

/// A run must not begin below commits that are due, nor with what sources remembered some time ago.
status sqlite_store::check_begin(const std::string& run, const std::string& pipeline,
                                 const std::optional<std::int64_t>& state_version, const observer& by) {
  SLUICE_TRY(check_due_commits(database_, pipeline, by));
  if (!state_version) return {};
  SLUICE_TRY(check_source_state(database_, pipeline, *state_version, run, by));
  return database_.execute("UPDATE runs SET uses_state = 1 WHERE id = ?", run);
}

status sqlite_store::plan_again(const change& what, const standing& stands, const observer& by) {
  if (stands.state != run_state::queued)
    return internal_error("run_not_queued", "run " + what.run + " has already started and keeps its plan");
  SLUICE_TRY(database_.execute("UPDATE runs SET fingerprint = ?, plan = ?, context = ? WHERE id = ?",
                               what.plan->fingerprint, what.plan->plan, to_text(what.plan->context), what.run));
  return check_begin(what.run, stands.pipeline, what.plan->state_version, by);
}

status sqlite_store::update(const change& what) {
  if (what.cause)
    SLUICE_TRY(database_.execute("UPDATE runs SET cause = ? WHERE id = ?", to_text(*what.cause), what.run));
  if (what.summary)
    SLUICE_TRY(database_.execute("UPDATE runs SET summary = ? WHERE id = ?", to_text(*what.summary), what.run));
  if (what.home)
    SLUICE_TRY(database_.execute("UPDATE runs SET pid = ?, pid_started = ?, node = ?, endpoint = ? WHERE id = ?",
                                 what.home->pid, what.home->pid_started, what.home->node, what.home->endpoint,
                                 what.run));
  if (what.term != 0) SLUICE_TRY(database_.execute("UPDATE runs SET term = ? WHERE id = ?", what.term, what.run));
  return {};
}

status sqlite_store::renew(const observer& by) {
  SLUICE_ASSIGN(const bool held, write_lease(database_, self_, by));
  return held ? status{} : forget_dead_leases(database_, self_, by);
}

status sqlite_store::write_commits(const change& what, const standing& stands) {
  if (what.decision) SLUICE_TRY(write_decision(database_, what.run, stands.pipeline, *what.decision, now()));
  if (what.settled) SLUICE_TRY(settle_decision(database_, what.run, stands.pipeline, what.epoch, *what.settled, now()));
  if (!what.state || !is_final(*what.state)) return {};
  SLUICE_ASSIGN(const bool due, has_decision(database_, what.run, commit_state::decided));
  if (!due) return {};
  return external_error("commit_due", "run " + what.run + " can't end: its outputs are complete, but not all visible",
                        "sluice run, or a node, makes them visible", true);
}

status sqlite_store::change_run(const change& what, std::vector<event>& events, const observer& by) {
  SLUICE_ASSIGN(const auto stands, standing_of(what.run));
  if (!stands.found) return no_such_run(what.run);
  SLUICE_TRY(check_term(what.term, stands.term));
  // What a target refused may be made visible after the run has failed of it; nothing else follows an end.
  const bool late = what.settled && !what.state && what.events.empty();
  if (is_final(stands.state) && !late) return is_final_error(what.run, stands.state);
  if (what.plan) SLUICE_TRY(plan_again(what, stands, by));
  SLUICE_TRY(update(what));
  SLUICE_TRY(write_commits(what, stands));
  const bool changes = what.state && *what.state != stands.state;
  if (changes) SLUICE_TRY(write_state(what.run, *what.state, what.cause.value_or(options{}), now()));
  SLUICE_TRY(append(what.run, stands, events));
  return changes && is_final(*what.state) ? add_to_totals(database_, what.run) : status{};
}

result<std::vector<event>> sqlite_store::apply(const change& what) {
  auto events = what.events;
  SLUICE_TRY(writer_.write([&](const observer& by) { return change_run(what, events, by); }));
  return events;
}

result<std::vector<due_commit>> sqlite_store::due_commits(const std::string& run) {
  const auto lock = writer_.lock();
  return read_due_commits(database_, run, observe());
}

result<std::vector<checkpoint_record>> sqlite_store::checkpoints(const std::string& run) {
  const auto lock = writer_.lock();
  return read_checkpoints(database_, run);
}

result<std::vector<run_record>> sqlite_store::runs(const run_query& query) {
  const auto lock = writer_.lock();
  const auto by = observe();
  std::vector<run_record> found;
  const auto take = [&, search = lower(query.search)](const sqlite_query& row) {
    if (!is_found(row, search)) return true;
    found.push_back(record_from(row, by));
    return static_cast<std::int64_t>(found.size()) < query.limit;
  };
  if (query.limit <= 0) return found;
  std::string states;
  for (const auto state : query.states) states += (states.empty() ? "'" : ", '") + to_string(state) + "'";
  std::int64_t above = 0;
  if (!query.after.empty()) {
    SLUICE_TRY(database_.each(
        "SELECT position FROM runs WHERE id = ?",
        [&](const sqlite_query& row) { return above = row.integer(0), false; }, query.after));
    if (above == 0) return no_such_run(query.after);
  }
  const auto sql = std::string("SELECT " SLUICE_RUNS_FROM "WHERE 1 ") +
                   (query.pipeline ? "AND pipeline = ?1 " : "AND ?1 = '' ") +
                   (above == 0 ? "AND ?2 = 0 " : "AND position < ?2 ") +
                   (states.empty() ? "" : "AND state IN (" + states + ") ") + "ORDER BY position DESC";
  SLUICE_TRY(database_.each(sql.c_str(), take, query.pipeline.value_or(""), above));
  return found;
}

result<std::string> sqlite_store::resolve(const std::string& reference) {
  std::vector<std::string> ids;
  const auto take = [&](const sqlite_query& row) { return ids.push_back(row.text(0)), ids.size() < 4; };
  if (reference.empty()) return no_such_run("''");
  SLUICE_TRY(database_.each("SELECT id FROM runs WHERE id = ?", take, reference));
  if (ids.empty() && reference == "last")
    SLUICE_TRY(database_.each("SELECT id FROM runs ORDER BY position DESC LIMIT 1", take));
  if (ids.empty())
    SLUICE_TRY(
        database_.each("SELECT id FROM runs WHERE pipeline = ? ORDER BY position DESC LIMIT 1", take, reference));
  if (ids.empty())
    SLUICE_TRY(database_.each("SELECT id FROM runs WHERE substr(id, 1, ?) = ? ORDER BY position DESC", take,
                              static_cast<std::int64_t>(reference.size()), reference));
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

result<run_record> sqlite_store::find_run(const std::string& reference) {
  const auto lock = writer_.lock();
  const auto by = observe();
  SLUICE_ASSIGN(const auto id, resolve(reference));
  run_record run;
  SLUICE_TRY(database_.each(
      "SELECT " SLUICE_RUN_COLUMNS ", " SLUICE_OWNER_COLUMNS ", text, plan, context FROM runs" SLUICE_OWNER_JOIN
      "WHERE runs.id = ?",
      [&](const sqlite_query& row) {
        run = record_from(row, by);
        run.text = row.text(26);
        run.plan = row.text(27);
        run.context = from_text(row.text(28));
        return false;
      },
      id));
  return run;
}

result<std::vector<event>> sqlite_store::events(std::int64_t after, const std::string& run, std::int64_t limit) {
  const auto lock = writer_.lock();
  std::vector<event> found;
  const auto take = [&](const sqlite_query& row) {
    const auto run_of = row.text(1);
    found.push_back({.cursor = row.integer(0),
                     .id = (run_of.empty() ? stream_ : run_of) + "/" + std::to_string(row.integer(2)),
                     .run = row.text(1),
                     .sequence = row.integer(2),
                     .type = row.text(3),
                     .unit = row.text(4),
                     .time = row.integer(5),
                     .data = from_text(row.text(6)),
                     .pipeline = row.text(7),
                     .owner = row.text(8),
                     .tags = names_from(row.text(9))});
    auto& one = found.back();
    if (one.run.empty() && one.data.is_object()) one.pipeline = one.data.value("pipeline", "");
    return true;
  };
#define SLUICE_EVENTS                                                                                      \
  "SELECT cursor, events.run, events.sequence, type, unit, time, data, pipeline, owner, tags FROM events " \
  "LEFT JOIN runs ON runs.id = events.run WHERE cursor > ? "
  if (run.empty()) {
    SLUICE_TRY(database_.each(SLUICE_EVENTS "ORDER BY cursor LIMIT ?", take, after, limit));
  } else {
    SLUICE_TRY(database_.each(SLUICE_EVENTS "AND events.run = ? ORDER BY cursor LIMIT ?", take, after, run, limit));
  }
  return found;
}

result<std::int64_t> sqlite_store::last_cursor() {
  const auto lock = writer_.lock();
  std::int64_t newest = 0;
  SLUICE_TRY(database_.each("SELECT coalesce(max(cursor), 0) FROM events",
                            [&](const sqlite_query& row) { return newest = row.integer(0), false; }));
  return newest;
}

result<store_totals> sqlite_store::totals() {
  const auto lock = writer_.lock();
  return read_totals(database_);
}

result<std::int64_t> sqlite_store::next_term() {
  std::int64_t taken = 0;
  const auto work = [&](const observer&) -> status {
    // Above that of every process that has taken a run over.
    SLUICE_TRY(database_.execute("UPDATE lease SET term = max(term, (SELECT coalesce(max(term), 0) FROM runs)) + 1"));
    SLUICE_ASSIGN(taken, term());
    return {};
  };
  SLUICE_TRY(writer_.write(work));
  return taken;
}

result<std::int64_t> sqlite_store::cursor_of(const std::string& subscriber) {
  const auto lock = writer_.lock();
  std::int64_t cursor = 0;
  SLUICE_TRY(database_.each(
      "SELECT cursor FROM cursors WHERE subscriber = ?",
      [&](const sqlite_query& row) { return cursor = row.integer(0), false; }, subscriber));
  return cursor;
}

status sqlite_store::set_cursor(const std::string& subscriber, std::int64_t cursor) {
  return writer_.write([&](const observer&) {
    return database_.execute(
        "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (subscriber) DO UPDATE SET cursor = excluded.cursor", subscriber,
        cursor);
  });
}

result<pipeline_state> sqlite_store::sources_of(const std::string& pipeline) {
  result<pipeline_state> state = pipeline_state{};
  SLUICE_TRY(writer_.write([&](const observer&) {
    state = read_source_state(database_, pipeline);
    return status{};
  }));
  return state;
}

result<std::vector<std::string>> sqlite_store::pipelines_with_state() {
  const auto lock = writer_.lock();
  return read_pipelines_with_state(database_);
}

result<std::int64_t> sqlite_store::reset_sources(const state_reset& what) {
  std::int64_t count = 0;
  const auto work = [&](const observer& by) -> status {
    SLUICE_ASSIGN(count, reset_source_state(database_, what, by));
    return {};
  };
  SLUICE_TRY(writer_.write(work));
  return count;
}

}  // namespace

result<std::shared_ptr<store>> open_sqlite(const std::string& path) {
  auto opened = std::make_shared<sqlite_store>();
  SLUICE_TRY(opened->open(path));
  return make_masking(std::move(opened));
}

}  // namespace sluice::store
