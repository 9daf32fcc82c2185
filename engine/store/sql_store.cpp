#include "engine/store/sql_store.hpp"
#include "engine/store/database.hpp"
#include "engine/store/masking_store.hpp"
#include "engine/store/sql_commits.hpp"
#include "engine/store/sql_deliveries.hpp"
#include "engine/store/sql_events.hpp"
#include "engine/store/sql_leadership.hpp"
#include "engine/store/sql_leases.hpp"
#include "engine/store/sql_runs.hpp"
#include "engine/store/sql_schedules.hpp"
#include "engine/store/sql_schema.hpp"
#include "engine/store/sql_source_state.hpp"
#include "engine/store/sql_totals.hpp"
#include "engine/store/sqlite_database.hpp"
#include "engine/store/sqlite_file.hpp"
#include "engine/store/store.hpp"
#include "engine/store/store_writer.hpp"
#include "engine/store/stored_json.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::store {

namespace {

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

error is_final_error(const std::string& run, run_state state) {
  return {.code = "run_is_final",
          .to_blame = blame::user,
          .message = "run " + run + " has ended (" + to_string(state) + ") and can't be changed"};
}

class sql_store final : public store, public keeps_deliveries, public keeps_schedules, public keeps_leadership {
 public:
  explicit sql_store(store_databases on) : on_(std::move(on)) {}
  status open();

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
  leadership& lead_of() override { return *leadership_; }

 private:
  static status check_term(std::int64_t writer, std::int64_t run_term, std::int64_t newest);
  status write_state(const std::string& run, run_state state, const options& cause, std::int64_t when);
  status append(const std::string& run, const run_standing& stands, std::vector<event>& events);
  status update(const change& what);
  status insert(const run_record& run, std::vector<event>& events, bool& made, const observer& by);
  status change_run(const change& what, std::vector<event>& events, const observer& by);
  status check_begin(const std::string& run, const std::string& pipeline,
                     const std::optional<std::int64_t>& state_version, const observer& by);
  status plan_again(const change& what, const run_standing& stands, const observer& by);
  status write_commits(const change& what, const run_standing& stands);
  status renew(const observer& by);

  store_databases on_;
  database& database_ = *on_.writing;
  store_writer writer_{database_, on_.reading ? *on_.reading : database_};
  std::string stream_;  ///< under which events without a run stand
  std::unique_ptr<delivery_log> deliveries_;
  std::unique_ptr<schedule_log> schedules_;
  std::unique_ptr<leadership> leadership_;
  process_record self_;  ///< its id is empty until the process has enrolled
};

status sql_store::open() {
  SLUICE_TRY(bring_schema_up_to_date(database_));
  SLUICE_ASSIGN(stream_, stream_id(database_));
  deliveries_ = make_sql_deliveries(database_, writer_, self_, [this](const observer& by) { return renew(by); });
  schedules_ = make_sql_schedules(database_, writer_);
  leadership_ = make_sql_leadership(database_, writer_, self_, [this](const observer& by) { return renew(by); });
  return {};
}

status sql_store::check_term(std::int64_t writer, std::int64_t run_term, std::int64_t newest) {
  // Term 0 is a local run: no controller's lease concerns it, unless a controller has taken that run over.
  if ((writer == 0 || writer >= newest) && writer >= run_term) return {};
  return error{.code = "stale_term",
               .to_blame = blame::external,
               .message = "another controller is now responsible: this one has term " + std::to_string(writer) +
                          ", the newest term is " + std::to_string(std::max(newest, run_term)),
               .hint = "this process stops; the other one continues the run"};
}

status sql_store::append(const std::string& run, const run_standing& stands, std::vector<event>& events) {
  auto sequence = stands.sequence;
  for (auto& each : events) {
    each.run = run;
    each.sequence = ++sequence;
    each.id = run + "/" + std::to_string(sequence);
    if (each.time == 0) each.time = now();
    each.pipeline = stands.pipeline;
    each.owner = stands.owner;
    each.tags = stands.tags;
    SLUICE_TRY(append_event(database_, each));
    // States that follow each other fast are written as one change: the event still tells when work began.
    if (each.type == "run.started")
      SLUICE_TRY(database_.execute("UPDATE runs SET started = ? WHERE id = ? AND started = 0", each.time, run));
  }
  if (events.empty()) return {};
  return database_.execute("UPDATE runs SET sequence = ? WHERE id = ?", sequence, run);
}

status sql_store::write_state(const std::string& run, run_state state, const options& cause, std::int64_t when) {
  const auto name = to_string(state);
  SLUICE_TRY(database_.execute("INSERT INTO transitions (run, time, state, cause) VALUES (?, ?, ?, ?)", run, when, name,
                               to_text(cause)));
  SLUICE_TRY(database_.execute("UPDATE runs SET state = ? WHERE id = ?", name, run));
  if (state == run_state::running)
    SLUICE_TRY(database_.execute("UPDATE runs SET started = ? WHERE id = ? AND started = 0", when, run));
  if (is_final(state)) SLUICE_TRY(database_.execute("UPDATE runs SET ended = ? WHERE id = ?", when, run));
  return {};
}

void sql_store::enroll(const process_record& self) {
  writer_.alone([&] { self_ = self; });
}

result<bool> sql_store::beat() {
  bool held = false;
  const auto work = [&](const observer& by) -> status {
    SLUICE_ASSIGN(held, write_lease(database_, self_, by));
    return held ? status{} : forget_dead_leases(database_, self_, by);
  };
  SLUICE_TRY(writer_.write(work));
  return held;
}

result<std::int64_t> sql_store::take_over(const std::string& run) {
  std::int64_t taken = 0;
  const auto work = [&](const observer& by) -> status {
    bool alive = false;
    std::string who;
    SLUICE_TRY(database_.each(
        "SELECT runs.node, runs.process, " SLUICE_OWNER_COLUMNS " FROM runs" SLUICE_OWNER_JOIN "WHERE runs.id = ?",
        [&](const database_row& row) {
          alive = row.text(1) != self_.id && owner_lives(row, 2, by);
          who = "pid " + std::to_string(row.integer(3)) + ", node " + row.text(0);
          return false;
        },
        run));
    SLUICE_ASSIGN(const auto stands, read_standing(database_, run));
    if (!stands.found) return no_such_run(run);
    if (is_final(stands.state)) return is_final_error(run, stands.state);
    if (alive)
      return external_error("run_is_alive", "run " + run + " belongs to a process that is running (" + who + ")",
                            "sluice cancel " + run + " stops it", true);
    SLUICE_ASSIGN(const auto newest, newest_term(database_));
    taken = std::max(stands.term, newest) + 1;
    if (!self_.id.empty()) SLUICE_TRY(renew(by));
    return database_.execute("UPDATE runs SET term = ?, process = ?, pid = ?, pid_started = ?, node = ? WHERE id = ?",
                             taken, self_.id, self_.pid, self_.pid_started, self_.node, run);
  };
  SLUICE_TRY(writer_.write(work));
  return taken;
}

status sql_store::release(const std::string& run) {
  // No process has such a lease, so that the run counts as that of a dead one.
  return writer_.write([&](const observer&) {
    return database_.execute("UPDATE runs SET process = '-' WHERE id = ? AND process = ?", run, self_.id);
  });
}

result<bool> sql_store::create_run(const run_record& run, std::vector<event> events) {
  bool made = false;
  SLUICE_TRY(writer_.write([&](const observer& by) { return insert(run, events, made, by); }));
  return made;
}

status sql_store::insert(const run_record& run, std::vector<event>& events, bool& made, const observer& by) {
  made = false;
  SLUICE_ASSIGN(const auto newest, newest_term(database_));
  SLUICE_TRY(check_term(run.term, 0, newest));
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
status sql_store::check_begin(const std::string& run, const std::string& pipeline,
                              const std::optional<std::int64_t>& state_version, const observer& by) {
  SLUICE_TRY(check_due_commits(database_, pipeline, by));
  if (!state_version) return {};
  SLUICE_TRY(check_source_state(database_, pipeline, *state_version, run, by));
  return database_.execute("UPDATE runs SET uses_state = 1 WHERE id = ?", run);
}

status sql_store::plan_again(const change& what, const run_standing& stands, const observer& by) {
  const bool paused = stands.state == run_state::paused;
  if (stands.state != run_state::queued && !paused)
    return internal_error("run_not_queued", "run " + what.run + " has already started and keeps its plan");
  SLUICE_TRY(database_.execute("UPDATE runs SET fingerprint = ?, plan = ?, context = ? WHERE id = ?",
                               what.plan->fingerprint, what.plan->plan, to_text(what.plan->context), what.run));
  // One that was paused has begun long since.
  if (paused) return {};
  return check_begin(what.run, stands.pipeline, what.plan->state_version, by);
}

status sql_store::update(const change& what) {
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

status sql_store::renew(const observer& by) {
  SLUICE_ASSIGN(const bool held, write_lease(database_, self_, by));
  return held ? status{} : forget_dead_leases(database_, self_, by);
}

status sql_store::write_commits(const change& what, const run_standing& stands) {
  if (what.decision) SLUICE_TRY(write_decision(database_, what.run, stands.pipeline, *what.decision, now()));
  if (what.settled) SLUICE_TRY(settle_decision(database_, what.run, stands.pipeline, what.epoch, *what.settled, now()));
  if (!what.state || !is_final(*what.state)) return {};
  SLUICE_ASSIGN(const bool due, has_decision(database_, what.run, commit_state::decided));
  if (!due) return {};
  return external_error("commit_due", "run " + what.run + " can't end: its outputs are complete, but not all visible",
                        "sluice run, or a node, makes them visible", true);
}

status sql_store::change_run(const change& what, std::vector<event>& events, const observer& by) {
  SLUICE_ASSIGN(const auto stands, read_standing(database_, what.run));
  if (!stands.found) return no_such_run(what.run);
  SLUICE_TRY(check_term(what.term, stands.term, stands.newest_term));
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

result<std::vector<event>> sql_store::apply(const change& what) {
  auto events = what.events;
  SLUICE_TRY(writer_.write([&](const observer& by) { return change_run(what, events, by); }));
  return events;
}

result<std::vector<due_commit>> sql_store::due_commits(const std::string& run) {
  const auto in = writer_.look();
  return read_due_commits(*in, run, in->observed());
}

result<std::vector<checkpoint_record>> sql_store::checkpoints(const std::string& run) {
  const auto in = writer_.look();
  return read_checkpoints(*in, run);
}

result<std::vector<run_record>> sql_store::runs(const run_query& query) {
  const auto in = writer_.look();
  return read_runs(*in, query);
}

result<run_record> sql_store::find_run(const std::string& reference) {
  const auto in = writer_.look();
  return read_run(*in, reference);
}

result<std::vector<event>> sql_store::events(std::int64_t after, const std::string& run, std::int64_t limit) {
  const auto in = writer_.look();
  return read_events(*in, stream_, after, run, limit);
}

result<std::int64_t> sql_store::last_cursor() {
  const auto in = writer_.look();
  return newest_cursor(*in);
}

result<store_totals> sql_store::totals() {
  const auto in = writer_.look();
  return read_totals(*in);
}

result<std::int64_t> sql_store::next_term() {
  std::int64_t taken = 0;
  const auto work = [&](const observer&) -> status {
    SLUICE_ASSIGN(taken, take_next_term(database_, self_.id));
    return {};
  };
  SLUICE_TRY(writer_.write(work));
  return taken;
}

result<std::int64_t> sql_store::cursor_of(const std::string& subscriber) {
  const auto in = writer_.look();
  std::int64_t cursor = 0;
  SLUICE_TRY(in->each(
      "SELECT cursor FROM cursors WHERE subscriber = ?",
      [&](const database_row& row) { return cursor = row.integer(0), false; }, subscriber));
  return cursor;
}

status sql_store::set_cursor(const std::string& subscriber, std::int64_t cursor) {
  return writer_.write([&](const observer&) {
    return database_.execute(
        "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (subscriber) DO UPDATE SET cursor = excluded.cursor", subscriber,
        cursor);
  });
}

result<pipeline_state> sql_store::sources_of(const std::string& pipeline) {
  result<pipeline_state> state = pipeline_state{};
  SLUICE_TRY(writer_.write([&](const observer&) {
    state = read_source_state(database_, pipeline);
    return status{};
  }));
  return state;
}

result<std::vector<std::string>> sql_store::pipelines_with_state() {
  const auto in = writer_.look();
  return read_pipelines_with_state(*in);
}

result<std::int64_t> sql_store::reset_sources(const state_reset& what) {
  std::int64_t count = 0;
  const auto work = [&](const observer& by) -> status {
    SLUICE_ASSIGN(count, reset_source_state(database_, what, by));
    return {};
  };
  SLUICE_TRY(writer_.write(work));
  return count;
}

}  // namespace

result<std::shared_ptr<store>> open_sql_store(store_databases on) {
  auto opened = std::make_shared<sql_store>(std::move(on));
  SLUICE_TRY(opened->open());
  return make_masking(std::move(opened));
}

result<std::shared_ptr<store>> open_sqlite(const std::string& path) {
  auto opened = std::make_unique<sqlite_database>();
  SLUICE_TRY(open_sqlite_file(*opened, path));
  return open_sql_store({.writing = std::move(opened), .reading = {}});
}

}  // namespace sluice::store
