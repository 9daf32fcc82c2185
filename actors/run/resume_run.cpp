#include "actors/run/resume_run.hpp"

#include "engine/files/private_files.hpp"
#include "engine/runs/commits.hpp"
#include "engine/runs/leftovers.hpp"
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
  if (recorded.ok()) remove_leftovers(*recorded->what, *recorded->context, make_sink, {});
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

error changed(const std::string& run) {
  return user_error("pipeline_changed",
                    "the pipeline or its params have changed since " + run +
                        ", and its sources continue after what that run has read",
                    "undo the change, or start again with --fresh: what was loaded then comes again");
}

}  // namespace

result<resumed_run> resume_run(store::store& in, planned_run& planned) {
  resumed_run made;
  const auto& definition = planned.what->definition;
  SLUICE_ASSIGN(auto found, find_resumable(in, definition.name, planned.params));
  remove_old_leftovers(in, definition.name, planned.params, make_sink,
                       found ? found->at.what.held : std::vector<store::prepared_sink>());
  if (!found) return made;
  const auto name = "run " + found->run.id.substr(0, 8);
  const bool same = found->run.fingerprint == fingerprint_of(definition, planned.params);
  if (!same && !planned.fresh && planned.what->endless()) return changed(name);
  if (planned.fresh || !same || !planned.what->checkpoint_interval()) {
    if (!planned.fresh)
      made.note =
          "the pipeline has changed since " + name + ", which did not reach its end: it starts from its beginning";
    let_go(*found);
    return made;
  }
  SLUICE_ASSIGN(found, undamaged(in, std::move(*found), planned.runs_folder));
  SLUICE_ASSIGN(auto recorded, read_record(found->run));
  auto again = *recorded.what;
  for (auto& unit : again.units) unit.continues = found->run.id;
  planned.what = std::make_shared<const plan>(std::move(again));
  planned.context->now_microseconds = recorded.context->now_microseconds;
  planned.context->seed = recorded.context->seed;
  auto point = std::make_shared<resume_point>();
  point->epoch = static_cast<std::uint64_t>(found->at.what.epoch);
  point->held = found->at.what.held;
  point->folder = checkpoints_folder(planned.runs_folder, found->run.id);
  SLUICE_ASSIGN(point->snapshot, flow::snapshot_from(found->at.what.snapshot));
  const auto rejects = [&](const std::string& run) { return planned.runs_folder + "/" + run + "/rejects.ndjson"; };
  SLUICE_TRY(take_rejects(rejects(found->run.id), rejects(planned.context->run_id), point->snapshot.rejects_bytes));
  made.note = "continuing after checkpoint " + std::to_string(point->epoch) + " of " + name + "; --fresh starts again";
  made.from = std::move(point);
  return made;
}

}  // namespace sluice::actors
