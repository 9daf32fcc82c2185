#include "engine/runs/resume.hpp"

#include "engine/flow/state_file.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace sluice {

namespace {

/// A chain of runs none of which got as far as its first checkpoint.
constexpr int longest_chain = 1000;

}  // namespace

bool same_params(const options& a, const options& b) {
  const auto plain = [](const options& one) { return one.is_null() ? options::object() : one; };
  return plain(a) == plain(b);
}

status check_files(const store::checkpoint_record& at, const std::string& runs_folder) {
  SLUICE_ASSIGN(const auto snapshot, flow::snapshot_from(at.what.snapshot));
  const auto folder = checkpoints_folder(runs_folder, at.run);
  for (const auto& one : snapshot.instances) SLUICE_TRY(flow::check_state(folder, one.state));
  return {};
}

std::string checkpoints_folder(const std::string& runs_folder, const std::string& run) {
  return runs_folder + "/" + run + "/checkpoints";
}

namespace {

/// The newest run with the same params.
result<std::string> newest_run(store::store& in, const std::string& pipeline, const options& params) {
  SLUICE_ASSIGN(const auto runs, in.runs({.pipeline = pipeline, .limit = 1000}));
  for (const auto& run : runs)
    if (same_params(run.params, params)) return run.id;
  return std::string();
}

}  // namespace

result<std::optional<store::run_record>> unended_run(store::store& in, const std::string& pipeline,
                                                     const options& params) {
  SLUICE_ASSIGN(const auto id, newest_run(in, pipeline, params));
  if (id.empty()) return std::optional<store::run_record>();
  SLUICE_ASSIGN(auto run, in.find_run(id));
  return store::is_final(run.state) ? std::nullopt : std::optional(std::move(run));
}

result<std::optional<resumable>> find_resumable(store::store& in, const std::string& pipeline, const options& params) {
  std::optional<resumable> none;
  SLUICE_ASSIGN(auto id, newest_run(in, pipeline, params));
  for (int left = longest_chain; left > 0 && !id.empty(); --left) {
    SLUICE_ASSIGN(auto run, in.find_run(id));
    // It still runs: who comes behind it is planned again when it has ended.
    if (!store::is_final(run.state)) return none;
    SLUICE_ASSIGN(auto all, in.checkpoints(id));
    const bool reached_end = run.state == store::run_state::succeeded || run.state == store::run_state::partial;
    // Of a run that has reached its end the last manifest tells whether there is anything behind it.
    if (!all.empty() && (!reached_end || !all.front().what.end.empty()))
      return std::optional(resumable{std::move(run), std::move(all.front())});
    if (!all.empty() || reached_end) return none;
    id = run.context.is_object() ? run.context.value("continues", "") : "";
  }
  return none;
}

namespace {

/// Units whose rows of later checkpoints than this are visible, in this run or in a newer one.
result<std::set<std::string>> visible_behind(store::store& in, const resumable& from) {
  std::set<std::string> units;
  SLUICE_ASSIGN(const auto runs, in.runs({.pipeline = from.run.pipeline, .limit = 1000}));
  for (const auto& run : runs) {  // newest first
    SLUICE_ASSIGN(const auto all, in.checkpoints(run.id));
    for (const auto& one : all)
      if (run.id != from.run.id || one.what.epoch > from.at.what.epoch)
        for (const auto& sink : one.what.sinks) units.insert(sink.unit);
    if (run.id == from.run.id) break;
  }
  return units;
}

}  // namespace

result<std::optional<resumable>> find_savepoint(store::store& in, const std::string& pipeline,
                                                const std::string& reference, bool again) {
  const auto at = reference.rfind('@');
  std::int64_t epoch = 0;
  if (at != std::string::npos) {
    const auto* const end = reference.data() + reference.size();
    const auto read = std::from_chars(reference.data() + at + 1, end, epoch);
    if (read.ec != std::errc() || read.ptr != end) epoch = 0;
  }
  if (epoch < 1)
    return user_error("bad_arguments", "--from must be RUN@NUMBER, found '" + reference + "'",
                      "sluice savepoint RUN prints it; sluice checkpoints RUN lists the numbers");
  SLUICE_ASSIGN(auto run, in.find_run(reference.substr(0, at)));
  if (run.pipeline != pipeline)
    return user_error("checkpoint_not_found",
                      reference + " is of the pipeline " + run.pipeline + ", not of " + pipeline,
                      "sluice checkpoints " + pipeline + " lists its own");
  SLUICE_ASSIGN(const auto all, in.checkpoints(run.id));
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.what.epoch == epoch; });
  if (found == all.end())
    return user_error("checkpoint_not_found", "run " + run.id + " has no checkpoint " + std::to_string(epoch),
                      "sluice checkpoints " + run.id + " lists those that are kept");
  resumable from{std::move(run), *found};
  if (again) return std::optional(std::move(from));
  SLUICE_ASSIGN(const auto units, visible_behind(in, from));
  if (units.empty()) return std::optional(std::move(from));
  std::string names;
  for (const auto& unit : units) names += (names.empty() ? "" : ", ") + unit;
  return user_error(
      "rows_again",
      "sinks have made rows visible that were read after " + reference + " and would get them again: " + names,
      "--again loads them again; without --from the run continues after the last checkpoint");
}

result<std::optional<resumable>> last_checkpoint(store::store& in, std::string run) {
  for (int left = longest_chain; left > 0 && !run.empty(); --left) {
    SLUICE_ASSIGN(auto found, in.find_run(run));
    SLUICE_ASSIGN(auto all, in.checkpoints(run));
    if (!all.empty()) return std::optional(resumable{std::move(found), std::move(all.front())});
    run = found.context.is_object() ? found.context.value("continues", "") : "";
  }
  return std::optional<resumable>();
}

result<resumable> undamaged(store::store& in, resumable from, const std::string& runs_folder) {
  const auto sound = check_files(from.at, runs_folder);
  if (sound.ok()) return from;
  if (sound.problem().code != "checkpoint_damaged") return sound.problem();
  SLUICE_ASSIGN(const auto all, in.checkpoints(from.run.id));
  for (const auto& one : all) {
    if (one.what.epoch >= from.at.what.epoch) continue;
    // What is behind it is visible already, and would come again.
    if (!from.at.what.sinks.empty()) break;
    if (!check_files(one, runs_folder).ok()) continue;
    from.at = one;
    return from;
  }
  return sound.problem();
}

}  // namespace sluice
