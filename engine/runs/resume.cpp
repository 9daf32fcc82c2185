#include "engine/runs/resume.hpp"

#include "engine/flow/state_file.hpp"

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

result<std::optional<resumable>> find_resumable(store::store& in, const std::string& pipeline, const options& params) {
  std::optional<resumable> none;
  SLUICE_ASSIGN(const auto runs, in.runs({.pipeline = pipeline, .limit = 1000}));
  std::string id;
  for (const auto& run : runs) {
    if (!same_params(run.params, params)) continue;
    id = run.id;
    break;
  }
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
