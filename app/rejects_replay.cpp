#include "app/rejects_replay.hpp"

#include "app/planning.hpp"
#include "app/run_command.hpp"
#include "app/run_lock.hpp"
#include "app/run_records.hpp"
#include "app/text.hpp"
#include "engine/files/private_files.hpp"
#include "engine/plan/replay.hpp"
#include "engine/runs/lost_runs.hpp"
#include "engine/runs/record.hpp"
#include "engine/values/uuid.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <vector>

namespace sluice::app {

namespace {

namespace fs = std::filesystem;

std::string text_of(const options& of, const char* name) {
  const auto found = of.find(name);
  if (found == of.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

/// Tells rejects of a run apart by all but the record, which may have been repaired; `seen`: how often each came.
std::string identity_of(const options& reject, std::map<std::string, int>& seen) {
  std::string text;
  for (const auto* part : {"unit", "code", "column", "message", "file", "line", "offset"})
    text += text_of(reject, part) + '\0';
  text += std::to_string(seen[text]++);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

/// Rejects in the order of the file, by what tells them apart.
struct known_rejects {
  std::vector<std::pair<std::string, options>> all = {};
  std::set<std::string> ids = {};
};

result<known_rejects> read_rejects(const std::string& path) {
  known_rejects known;
  std::ifstream file(path, std::ios::binary);
  std::map<std::string, int> seen;
  for (std::string line; std::getline(file, line);) {
    auto reject = options::try_parse(line).value_or(options());
    if (!reject.is_object()) continue;
    auto id = identity_of(reject, seen);
    known.ids.insert(id);
    known.all.emplace_back(std::move(id), std::move(reject));
  }
  return known;
}

/// The user's repaired ones: each must be one of the run.
result<known_rejects> read_repaired(const std::string& path, const known_rejects& of) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return from_errno(errno, "read " + path);
  known_rejects repaired;
  std::map<std::string, int> seen;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto where = path + ":" + std::to_string(number);
    auto reject = options::try_parse(line).value_or(options());
    if (!reject.is_object() || text_of(reject, "unit").empty() || !reject.contains("record"))
      return user_error("invalid_data", where + ": a line must be a reject as JSON, with unit and record",
                        "sluice rejects export RUN repaired.ndjson writes them; change only record");
    auto id = identity_of(reject, seen);
    if (!of.ids.contains(id))
      return user_error("invalid_data", where + ": the run has no such reject",
                        "only record may be changed: all other fields say which reject it is");
    repaired.all.emplace_back(std::move(id), std::move(reject));
  }
  return repaired;
}

/// What earlier replays of the run have loaded, or may be about to.
result<std::set<std::string>> replayed_before(store::store& in, const std::string& pipeline, const std::string& of) {
  std::set<std::string> done;
  SLUICE_ASSIGN(const auto runs, in.runs({.pipeline = pipeline, .limit = 10'000}));
  for (const auto& run : runs) {
    if (run.state == store::run_state::failed || run.state == store::run_state::cancelled) continue;
    SLUICE_ASSIGN(const auto whole, in.find_run(run.id));
    if (!whole.context.is_object() || !whole.context.contains("replays")) continue;
    const auto& replays = whole.context["replays"];
    if (text_of(replays, "run") != of) continue;
    for (const auto& one : replays["rejects"]) done.insert(one.get<std::string>());
  }
  return done;
}

/// The records that enter at each unit, in a file for each.
result<records_of_units> write_records(const std::string& folder, const known_rejects& chosen) {
  SLUICE_TRY(make_private_folder(folder));
  records_of_units paths;
  std::map<std::string, std::ofstream> files;
  for (const auto& [id, reject] : chosen.all) {
    const auto unit = text_of(reject, "unit");
    auto record = text_of(reject, "record");
    if (reject.contains("record_base64"))
      return user_error("not_replayable",
                        "a record of unit " + unit + " is not UTF-8 (" + text_of(reject, "file") + ":" +
                            text_of(reject, "line") + ")",
                        "export them, write the record as text, and replay that file with --input");
    while (!record.empty() && (record.back() == '\n' || record.back() == '\r')) record.pop_back();
    auto& file = files[unit];
    if (!file.is_open()) {
      paths[unit] = folder + "/" + unit + ".records";
      file.open(paths[unit], std::ios::binary | std::ios::trunc);
    }
    file << record << '\n';
  }
  for (auto& [unit, file] : files) {
    file.close();
    if (file.fail()) return from_errno(errno == 0 ? ENOSPC : errno, "write " + paths[unit]);
  }
  return paths;
}

/// All that is known before the run begins.
struct prepared {
  store::run_record of;
  recorded_run recorded;
  known_rejects chosen;
  std::size_t before = 0;  ///< were replayed before
};

result<prepared> prepare(session& with, const replay_request& what, run_lock& lock) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  prepared made;
  SLUICE_ASSIGN(made.of, find_run(*store, what.run));
  if (!store::is_final(made.of.state))
    return user_error("run_is_alive", "run " + short_id(made.of.id) + " has not ended, and its rejects may still grow",
                      "replay them when it has ended; sluice drain ends a run without end");
  SLUICE_ASSIGN(made.recorded, read_record(made.of));
  const auto name = made.of.pipeline + "-replay";
  SLUICE_ASSIGN(lock, run_lock::take(with.options.state_folder, {.pipeline = name, .params = 0, .alone = true}));
  if (!lock.held())
    return already_running({.pipeline = name, .params = 0, .alone = true}, "pid " + std::to_string(lock.holder()));
  // Those of dead processes have loaded their records, or never will.
  SLUICE_ASSIGN(const auto lost, settle_lost_runs(*store, true, make_sink));
  for (const auto& one : lost)
    if (one.pipeline == name && one.problem) return *one.problem;
  const auto& summary = made.of.summary;
  auto path = summary.is_object() ? summary.value("rejects_path", "") : std::string();
  if (path.empty()) path = with.rejects_path(made.of.id);
  SLUICE_ASSIGN(auto known, read_rejects(path));
  if (!what.input.empty()) {
    SLUICE_ASSIGN(known, read_repaired(what.input, known));
  }
  SLUICE_ASSIGN(const auto done, replayed_before(*store, name, made.of.id));
  for (auto& [id, reject] : known.all) {
    if (!what.unit.empty() && text_of(reject, "unit") != what.unit) continue;
    if (!what.code.empty() && text_of(reject, "code") != what.code) continue;
    if (done.contains(id)) {
      ++made.before;
      continue;
    }
    made.chosen.all.emplace_back(std::move(id), std::move(reject));
  }
  return made;
}

int refuse(session& with, const error& why) {
  report(with, why);
  return exit_code_of(why);
}

std::string counted(std::size_t count) { return thousands(count) + (count == 1 ? " record" : " records"); }

}  // namespace

int replay_rejects(session& with, const replay_request& what) {
  run_lock lock;
  const auto made = prepare(with, what, lock);
  if (!made.ok()) return refuse(with, made.problem());
  if (!with.options.quiet && !with.options.json && made->before > 0)
    with.terminal.note(counted(made->before) + " skipped: replayed before\n");
  if (made->chosen.all.empty()) {
    if (!with.options.quiet && !with.options.json) with.terminal.note("nothing to replay\n");
    return exit_succeeded;
  }
  planning_request request;
  request.run_id = uuid_v7();
  const auto folder = fs::path(with.rejects_path(request.run_id)).parent_path().string() + "/replay";
  const auto records = write_records(folder, made->chosen);
  if (!records.ok()) return refuse(with, records.problem());
  request.text = made->of.text;
  request.file = made->recorded.what->definition.file;
  request.config = what.config;
  if (made->of.params.is_object())
    for (const auto& [name, value] : made->of.params.items())
      request.set.push_back(name + "=" + value.get<std::string>());
  request.adapt = [&](pipeline& definition) -> status {
    SLUICE_TRY(cut_for_replay(definition, *made->recorded.what, *records));
    definition.name += "-replay";
    definition.checkpoint_microseconds.reset();
    return {};
  };
  // Its relative paths are those of the run.
  std::error_code ignored;
  fs::current_path(made->recorded.context->base_folder, ignored);
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  auto planned = plan_pipeline(with, request, faults, source);
  if (!planned) {
    report_faults(with, faults, source.get());
    fs::remove_all(fs::path(folder).parent_path(), ignored);
    return exit_code_of(faults);
  }
  // They are for runs of the pipeline itself.
  planned->subscriptions.clear();
  options ids = options::array();
  for (const auto& [id, reject] : made->chosen.all) ids.push_back(id);
  const options context = {{"replays", {{"run", made->of.id}, {"rejects", std::move(ids)}}}};
  run_command command;
  command.file = request.file;
  const auto ended =
      run_planned(with, *planned, {.context = context}, std::chrono::seconds(10), [&](const engine_result& how) {
        if (how.outcome.state == store::run_state::cancelled) return;
        print_report(with, command, *planned, how);
      });
  fs::remove_all(folder, ignored);
  if (!ended.ok()) return refuse(with, ended.problem());
  if (ended->outcome.refused) return refuse(with, *ended->outcome.cause);
  return exit_code_after(*ended);
}

}  // namespace sluice::app
