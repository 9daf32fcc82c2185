#include "app/text.hpp"
#include "app/verbs.hpp"
#include "engine/store/store_place.hpp"
#include "engine/values/quantities.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <system_error>

namespace sluice::app {

namespace {

namespace fs = std::filesystem;

struct chosen {
  std::string older_than = "30d";
  std::string pipeline;
  bool dry_run = false;
};

std::uint64_t bytes_below(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(folder, ignored), end; at != end; at.increment(ignored))
    if (at->is_regular_file(ignored)) bytes += at->file_size(ignored);
  return bytes;
}

/// Folders of runs that the Store does not know, last written before: a prune was killed between the Store and them.
std::vector<fs::path> left_over(store::store& in, const fs::path& folder, fs::file_time_type before) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
    if (!at->is_directory(ignored) || at->last_write_time(ignored) >= before) continue;
    const auto run = in.find_run(at->path().filename().string());
    if (!run.ok() && run.problem().code == "run_not_found") found.push_back(at->path());
  }
  return found;
}

result<std::uint64_t> remove_folders(const std::vector<fs::path>& folders, bool only_look) {
  std::uint64_t bytes = 0;
  for (const auto& folder : folders) {
    bytes += bytes_below(folder);
    if (only_look) continue;
    std::error_code failed;
    fs::remove_all(folder, failed);
    if (failed)
      return external_error(
          "cannot_remove", "cannot remove " + folder.string() + ": " + failed.message(),
          "the Store has forgotten the runs; run the same command again when the folder can be removed");
  }
  return bytes;
}

void tell(session& with, const chosen& what, const store::pruned& gone, std::uint64_t bytes) {
  if (with.options.json) {
    with.terminal.out(options{{"runs", gone.runs},
                              {"events", gone.events},
                              {"bytes", bytes},
                              {"waiting", gone.waiting},
                              {"dry_run", what.dry_run}}
                          .dump() +
                      "\n");
    return;
  }
  if (with.options.quiet) return;
  const auto count = gone.runs.size();
  auto text = (what.dry_run ? "would remove " : "removed ") + thousands(count) + (count == 1 ? " run, " : " runs, ") +
              thousands(static_cast<std::uint64_t>(gone.events)) + (gone.events == 1 ? " event" : " events") + " and " +
              bytes_text(bytes) + " of files\n";
  if (gone.waiting > 0)
    text += "kept " + thousands(static_cast<std::uint64_t>(gone.waiting)) +
            (gone.waiting == 1 ? " older run: its" : " older runs: their") +
            " notifications are not delivered yet (sluice notify deliveries)\n";
  with.terminal.prose(text);
}

result<int> prune(session& with, const chosen& what) {
  if (!with.options.to.empty())
    return user_error("bad_arguments", "sluice prune works on a state folder, not on a node over HTTP",
                      "run it on the node's machine, with the node's --state folder; the node can be running");
  SLUICE_ASSIGN(const auto age, parse_duration(what.older_than));
  store::pruned gone;
  std::uint64_t bytes = 0;
  if (with.has_store()) {
    const auto now = std::chrono::system_clock::now();
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    SLUICE_ASSIGN(const auto records, with.open_store());
    SLUICE_ASSIGN(gone,
                  store::prune_store(with.store_place(),
                                     {.before = since - age, .pipeline = what.pipeline, .only_look = what.dry_run}));
    const fs::path runs = with.options.state_folder + "/runs";
    std::vector<fs::path> folders;
    for (const auto& run : gone.runs) folders.push_back(runs / run);
    if (what.pipeline.empty()) {
      const auto before = fs::file_time_type::clock::now() - std::chrono::microseconds(age);
      for (auto& folder : left_over(*records, runs, before))
        if (std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.push_back(std::move(folder));
    }
    SLUICE_ASSIGN(bytes, remove_folders(folders, what.dry_run));
  }
  tell(with, what, gone, bytes);
  return exit_succeeded;
}

}  // namespace

command prune_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {},
                .options = {{.names = {"--older-than"},
                             .value = "AGE",
                             .help = "only runs that ended longer ago (30d)",
                             .target = &what->older_than},
                            {.names = {"--pipeline"},
                             .value = "NAME",
                             .help = "only runs of this pipeline",
                             .target = &what->pipeline,
                             .offers = completes::remembered},
                            {.names = {"--dry-run"},
                             .value = {},
                             .help = "only say what would be removed",
                             .target = &what->dry_run}},
                .details =
                    "Removes runs that have ended, with their events, rejects and checkpoints. The newest run of each\n"
                    "pipeline with the same params stays, and what it continues after. What incremental sources\n"
                    "have loaded and the totals of the pipelines stay too.\n\n"
                    "  sluice prune --older-than 90d\n"},
      .run = [what](session& with) { return prune(with, *what); }};
}

}  // namespace sluice::app
