#include "actors/run/resume_run.hpp"

#include "engine/files/private_files.hpp"
#include "engine/runs/carry_over.hpp"
#include "engine/runs/commits.hpp"
#include "engine/runs/fit_snapshot.hpp"
#include "engine/runs/leftovers.hpp"
#include "engine/runs/lost_runs.hpp"
#include "engine/runs/proof.hpp"
#include "engine/runs/resume.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

namespace sluice::actors {

namespace {

/// What was prepared for the end of a run that nobody continues after.
void let_go(const resumable& from) {
  if (from.at.what.held.empty()) return;
  const auto recorded = read_record(from.run);
  if (recorded.ok()) remove_held(*recorded->what, *recorded->context, make_sink, from.at.what.held);
}

/// The rejects up to the checkpoint belong to the new run as well.
status take_rejects(const std::string& from, const std::string& to, std::uint64_t bytes) {
  if (bytes == 0) return {};
  if (proof::planted(proof::bug::rejects_not_cut)) bytes = std::filesystem::file_size(from);
  std::ifstream old(from, std::ios::binary);
  SLUICE_TRY(make_private_folder(std::filesystem::path(to).parent_path().string()));
  SLUICE_ASSIGN(const int file, open_private_file(to, O_WRONLY | O_TRUNC));
  std::vector<char> block(1024 * 1024);
  int number = 0;
  while (bytes > 0 && number == 0) {
    old.read(block.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(bytes, block.size())));
    const auto got = old.gcount();
    if (got <= 0) number = EIO;
    for (std::streamsize at = 0; at < got && number == 0;) {
      const auto wrote = ::write(file, block.data() + at, static_cast<std::size_t>(got - at));
      if (wrote < 0 && errno != EINTR) number = errno;
      if (wrote > 0) at += wrote;
    }
    bytes -= static_cast<std::uint64_t>(std::max<std::streamsize>(got, 0));
  }
  if (number == 0 && ::fsync(file) != 0) number = errno;
  ::close(file);
  if (number == 0) return {};
  return external_error("checkpoint_damaged", "the rejects of the earlier run in " + from + " can't be taken over",
                        "--fresh starts again");
}

result<std::shared_ptr<resume_point>> point_at(const resumable& from, const std::string& runs_folder) {
  auto point = std::make_shared<resume_point>();
  point->epoch = static_cast<std::uint64_t>(from.at.what.epoch);
  point->held = from.at.what.held;
  point->folder = checkpoints_folder(runs_folder, from.run.id);
  SLUICE_ASSIGN(point->snapshot, flow::snapshot_from(from.at.what.snapshot));
  return point;
}

/// Units may have been given other numbers of instances since.
status fit(resume_point& point, const plan& now, const run_context& context) {
  SLUICE_ASSIGN(point.snapshot, fit_snapshot(now, context, std::move(point.snapshot), point.folder, point.epoch));
  return {};
}

std::shared_ptr<const plan> behind(plan what, const std::string& run) {
  for (auto& unit : what.units) unit.continues = run;
  return std::make_shared<const plan>(std::move(what));
}

std::string rejects_in(const std::string& runs_folder, const std::string& run) {
  return runs_folder + "/" + run + "/rejects.ndjson";
}

/// What the run has rejected behind its checkpoint comes again.
status cut_rejects(const std::string& path, std::uint64_t bytes) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) return {};
  if (std::filesystem::file_size(path, problem) <= bytes && !problem) return {};
  if (::truncate(path.c_str(), static_cast<off_t>(bytes)) != 0)
    return from_errno(errno, "cut the rejects in " + path + " at the last checkpoint");
  return {};
}

std::string runs_folder_of(const run_setup& of) {
  return std::filesystem::path(of.rejects_path).parent_path().parent_path().string();
}

}  // namespace

result<std::shared_ptr<const resume_point>> last_point(store::store& in, const run_setup& of) {
  SLUICE_ASSIGN(const auto found, last_checkpoint(in, of.run));
  if (!found) return std::shared_ptr<const resume_point>();
  SLUICE_ASSIGN(auto point, point_at(*found, runs_folder_of(of)));
  SLUICE_TRY(fit(*point, *of.what, *of.context));
  return std::shared_ptr<const resume_point>(std::move(point));
}

result<continued_run> continue_run(store::store& in, const run_setup& of) {
  continued_run made;
  const auto runs = runs_folder_of(of);
  SLUICE_ASSIGN(auto found, last_checkpoint(in, of.run));
  if (!found) {
    SLUICE_TRY(cut_rejects(of.rejects_path, 0));
    return made;
  }
  SLUICE_ASSIGN(found, undamaged(in, *std::move(found), runs));
  SLUICE_ASSIGN(auto point, point_at(*found, runs));
  SLUICE_TRY(fit(*point, *of.what, *of.context));
  made.from = std::move(point);
  const auto bytes = made.from->snapshot.rejects_bytes;
  SLUICE_TRY(found->run.id == of.run ? cut_rejects(of.rejects_path, bytes)
                                     : take_rejects(rejects_in(runs, found->run.id), of.rejects_path, bytes));
  made.what = behind(*of.what, found->run.id);
  return made;
}

namespace {

/// The plan of an edited pipeline that goes on, with what of the checkpoint fits it.
status take_edited(planned_run& planned, const plan& before, const resumable& found, resume_point& point,
                   std::string& note) {
  SLUICE_ASSIGN(auto carried, carry_over(before, point.snapshot, *planned.what, planned.drop));
  point.snapshot = std::move(carried.snapshot);
  auto next = *planned.what;
  for (auto& unit : next.units) unit.continues = carried.fresh_sinks.contains(unit.definition.name) ? "" : found.run.id;
  planned.what = std::make_shared<const plan>(std::move(next));
  for (const auto& one : carried.differences) note += "\n  " + one;
  return {};
}

/// Wishes that contradict each other, or would do nothing.
status check_wishes(const planned_run& planned) {
  if (planned.again && planned.from.empty())
    return user_error("bad_arguments", "--again is for --from", "leave it out, or give --from SAVEPOINT");
  if (planned.fresh && !planned.from.empty())
    return user_error("bad_arguments", "--fresh starts from the beginning, and --from from a savepoint", "give one");
  if (planned.fresh && !planned.drop.empty())
    return user_error("bad_arguments", "--fresh forgets everything, and --drop-state only a unit", "give one");
  if (planned.what->endless() || planned.drop.empty()) return {};
  return user_error("bad_arguments", "--drop-state is for pipelines without end, and this one has an end",
                    "--fresh starts again from its beginning");
}

/// The run that has to end first. One whose process has died since others were settled is settled here: until then its
/// last checkpoint is not known, and a run that begins afresh would load its rows again.
result<std::optional<store::run_record>> run_before(store::store& in, const planned_run& planned) {
  const auto& name = planned.what->definition.name;
  if (!planned.what->checkpoint_interval() && !planned.what->goes_on()) return std::optional<store::run_record>();
  SLUICE_ASSIGN(auto found, unended_run(in, name, planned.params));
  if (!found || found->alive) return found;
  SLUICE_ASSIGN(const auto settled, settle_lost_runs(in, true, make_sink));
  (void)settled;
  SLUICE_ASSIGN(found, unended_run(in, name, planned.params));
  // Where commits are still due, the record of the new run is refused (commit_due).
  if (found && !found->alive && found->state == store::run_state::committing) found.reset();
  return found;
}

/// Reads on behind a run that has come to the end of what was there then (plan::goes_on), with what it left. All else
/// is new: the plan, now and seed, counts and rejects.
result<resumed_run> read_on(const planned_run& planned, resumable found, store::store& in) {
  resumed_run made;
  SLUICE_ASSIGN(found, undamaged(in, std::move(found), planned.runs_folder));
  SLUICE_ASSIGN(made.from, point_at(found, planned.runs_folder));
  made.note = "reading on after run " + found.run.id.substr(0, 8) + "; --fresh starts again";
  return made;
}

}  // namespace

result<resumed_run> resume_run(store::store& in, planned_run& planned) {
  resumed_run made;
  const auto& definition = planned.what->definition;
  SLUICE_TRY(check_wishes(planned));
  SLUICE_ASSIGN(made.behind, run_before(in, planned));
  if (made.behind) return made;
  std::optional<resumable> found;
  if (planned.from.empty()) {
    SLUICE_ASSIGN(found, find_resumable(in, definition.name, planned.params));
  } else {
    SLUICE_ASSIGN(found, find_savepoint(in, definition.name, planned.from, planned.again));
  }
  remove_old_leftovers(in, definition.name, planned.params, make_sink,
                       found ? found->at.what.held : std::vector<store::prepared_sink>());
  if (!found) return made;
  const auto name = "run " + found->run.id.substr(0, 8);
  const bool same = found->run.fingerprint == fingerprint_of(definition, planned.params) && planned.drop.empty();
  const bool carries = !same && planned.what->endless();
  const bool at_end = !planned.what->endless() && !found->at.what.end.empty();
  if (at_end && same && planned.what->goes_on() && !planned.fresh) {
    planned.what = behind(*planned.what, found->run.id);
    return read_on(planned, *std::move(found), in);
  }
  if (!same && !carries && !planned.from.empty())
    return user_error("pipeline_changed", "the pipeline has changed since the savepoint " + planned.from,
                      "undo the change: only pipelines without end take over what fits");
  if (planned.fresh || (!same && !carries) || !planned.what->checkpoint_interval()) {
    if (!planned.fresh)
      made.note = "the pipeline has changed since " + name + (at_end ? "" : ", which did not reach its end") +
                  ": it starts from its beginning";
    let_go(*found);
    return made;
  }
  SLUICE_ASSIGN(found, undamaged(in, std::move(*found), planned.runs_folder));
  SLUICE_ASSIGN(auto recorded, read_record(found->run));
  SLUICE_ASSIGN(auto point, point_at(*found, planned.runs_folder));
  SLUICE_TRY(fit(*point, *recorded.what, *recorded.context));
  std::string edits;
  if (carries) {
    SLUICE_TRY(take_edited(planned, *recorded.what, *found, *point, edits));
    SLUICE_TRY(fit(*point, *planned.what, *planned.context));
  } else {
    planned.what = behind(*recorded.what, found->run.id);
  }
  planned.context->now_microseconds = recorded.context->now_microseconds;
  planned.context->seed = recorded.context->seed;
  SLUICE_TRY(take_rejects(rejects_in(planned.runs_folder, found->run.id),
                          rejects_in(planned.runs_folder, planned.context->run_id), point->snapshot.rejects_bytes));
  made.note = "continuing after checkpoint " + std::to_string(point->epoch) + " of " + name + "; --fresh starts again";
  if (!edits.empty()) made.note += "; edited since:" + edits;
  made.from = std::move(point);
  return made;
}

}  // namespace sluice::actors
