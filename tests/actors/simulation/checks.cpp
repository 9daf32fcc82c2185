#include "tests/actors/simulation/world.hpp"

#include <algorithm>
#include <fstream>

namespace sluice::actors::simulation {

namespace {

using store::run_state;

std::optional<run_state> end_of(const store::event& what) {
  const auto state = what.type.rfind("run.", 0) == 0 ? store::run_state_from(what.type.substr(4)) : std::nullopt;
  return state && store::is_final(*state) ? state : std::nullopt;
}

bool refused(const store::run_record& run) {
  return run.cause.is_object() && run.cause.value("code", "") == "commit_refused";
}

}  // namespace

void world::check(std::vector<std::string>& broken) {
  broken.insert(broken.end(), faults_.begin(), faults_.end());
  for (const auto& [id, run] : runs_) {
    std::vector<std::string> wrong;
    const auto record = kept_->find_run(id);
    if (!run.crashed) {
      if (told_[id] != 1) wrong.push_back("its end was told " + std::to_string(told_[id]) + " times");
      const auto wanted = record.ok() ? record->state : run_state::failed;
      // One that was cancelled while it could not publish is told as it stands, and published later.
      const bool left = told_[id] > 0 && outcomes_[id]->state == run_state::committing && run.cancelled;
      if (told_[id] > 0 && outcomes_[id]->state != wanted && !left)
        wrong.push_back("told as " + store::to_string(outcomes_[id]->state) + ", but " + store::to_string(wanted));
    }
    if (record.ok()) {
      check_events(*record, wrong);
      check_rows(run, *record, wrong);
    }
    for (const auto& one : wrong) broken.push_back(id + ": " + one);
  }
  check_subscriber(broken);
  if (time_.alive() != actors_at_rest_)
    broken.push_back(std::to_string(time_.alive()) + " actors live at the end, not " + std::to_string(actors_at_rest_));
}

/// One end, which is the last event; none is missing, none comes twice.
void world::check_events(const store::run_record& run, std::vector<std::string>& broken) {
  const auto events = kept_->events(0, run.id, 1000).value();
  std::map<std::string, int> seen;
  std::string list;
  bool begun = false;
  int ends = 0;
  for (std::size_t at = 0; at < events.size(); ++at) {
    const auto& one = events[at];
    list += " " + one.type;
    if (one.sequence != static_cast<std::int64_t>(at) + 1) broken.push_back("event numbers have a gap");
    if (one.type.rfind("checkpoint.", 0) == 0) continue;
    // A run that is tried again, or resumed, begins again, and its units with it.
    if (one.type == "run.restarting" || one.type == "run.paused" || one.type == "run.resumed")
      std::erase_if(seen, [](const auto& each) {
        return each.first.rfind("unit.", 0) == 0 || each.first == "run.restarting " || each.first == "run.recovered " ||
               each.first == "run.paused " || each.first == "run.resumed ";
      });
    if (++seen[one.type + " " + one.unit] > 1) broken.push_back(one.type + " of " + one.unit + " comes twice");
    // One that lost a node before all its units were there is first told of as recovered.
    begun = begun || one.type == "run.started" || one.type == "run.recovered";
    if (end_of(one)) ++ends;
  }
  if (!store::is_final(run.state)) broken.push_back("it is stuck as " + store::to_string(run.state));
  if (ends > 1) broken.push_back("it ends " + std::to_string(ends) + " times:" + list);
  if (events.empty() || events.front().type != "run.queued") broken.push_back("its first event is another:" + list);
  if (store::is_final(run.state) && (events.empty() || end_of(events.back()) != run.state))
    broken.push_back("its last event does not say " + store::to_string(run.state) + ":" + list);
  const bool good = run.state == run_state::succeeded || run.state == run_state::partial;
  if (good && (!begun || seen["unit.finished numbers"] != 1)) broken.push_back("events are missing:" + list);
}

/// All rows or none are visible, each once; nothing is left over. Of a run with checkpoints that did not get to its end
/// rows up to a checkpoint may be visible, and what its tries have prepared may stay.
void world::check_rows(const simulated_run& run, const store::run_record& record, std::vector<std::string>& broken) {
  const bool good = record.state == run_state::succeeded || record.state == run_state::partial;
  auto all = testing::up_to(run.rows);
  std::erase_if(all, [&](const auto number) { return run.rejects.contains(number); });
  if (good && run.bad_input) broken.emplace_back("it succeeded although its input is bad");
  for (const auto& target : run.targets) {
    const auto rows = target->rows();
    const bool shown = !target->visible.empty();
    const bool partly = !good && run.checkpoints && (target->each_epoch || refused(record));
    if (shown && !partly && rows != all)
      broken.push_back("a target shows " + std::to_string(rows.size()) + " rows, not all once");
    if (partly && (std::adjacent_find(rows.begin(), rows.end()) != rows.end() ||
                   !std::includes(all.begin(), all.end(), rows.begin(), rows.end())))
      broken.emplace_back("a target shows rows twice, or others");
    if (good && !shown) broken.emplace_back("it succeeded, and a target shows nothing");
    if (!good && shown && !refused(record) && !partly)
      broken.push_back("it " + store::to_string(record.state) + ", but rows show");
    // A try that was given up may leave what no manifest names.
    if (refused(record) || run.checkpoints) continue;
    if (!target->begun.empty()) broken.emplace_back("something is left beside a target");
    if (!target->prepared.empty()) broken.emplace_back("something prepared is left beside a target");
  }
  const auto& summary = record.summary;
  if (!good) return;
  if (!summary.is_object() || !summary.value("balanced", false)) broken.emplace_back("it succeeded without a balance");
  const auto passed = std::ssize(all);
  for (const auto& unit : summary["units"])
    if (unit["in"] != (unit["role"] == "extract" ? run.rows : passed) || unit["out"] != passed)
      broken.push_back("unit " + unit["unit"].text() + " counts " + unit["in"].dump() + " in and " +
                       unit["out"].dump() + " out of " + std::to_string(run.rows));
  check_rejects(run, broken);
}

/// Each row that was rejected is in the file, once.
void world::check_rejects(const simulated_run& run, std::vector<std::string>& broken) {
  std::vector<std::int64_t> found;
  std::ifstream file(run.setup->rejects_path);
  for (std::string line; std::getline(file, line);)
    found.push_back(std::stoll(options::parse(line).value("record", std::string("-1"))));
  std::sort(found.begin(), found.end());
  if (!std::equal(found.begin(), found.end(), run.rejects.begin(), run.rejects.end()))
    broken.push_back("the rejects hold " + std::to_string(found.size()) + " rows, not " +
                     std::to_string(run.rejects.size()) + " of them once");
}

/// All events, in their order; after a crash some of them again.
void world::check_subscriber(std::vector<std::string>& broken) {
  std::int64_t newest = 0;
  for (const auto cursor : heard_) {
    if (cursor > newest + 1)
      broken.push_back("the subscriber heard of " + std::to_string(cursor) + " after " + std::to_string(newest));
    newest = std::max(newest, cursor);
  }
  if (newest != kept_->last_cursor().value()) broken.emplace_back("the subscriber misses the last events");
}

}  // namespace sluice::actors::simulation
