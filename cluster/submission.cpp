#include "cluster/submission.hpp"

#include "config/load.hpp"
#include "config/planning_rules.hpp"
#include "engine/plan/make_context.hpp"
#include "engine/values/uuid.hpp"

#include <unistd.h>
#include <xxhash.h>

#include <fmt/format.h>

namespace sluice::cluster {

namespace {

std::string fingerprint_of(const pipeline& what, const options& params) {
  const auto text = what.text + '\0' + params.dump();
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

store::run_record record_of(const submission& given, const submission_place& where, const plan& what,
                            const std::string& run) {
  store::run_record record;
  record.id = run;
  record.pipeline = what.definition.name;
  record.owner = what.definition.owner;
  record.tags = what.definition.tags;
  record.text = what.definition.text;
  record.params = options::object();
  for (const auto& [name, value] : given.params) record.params[name] = value;
  record.fingerprint = fingerprint_of(what.definition, record.params);
  record.plan = plan_to_bytes(what);
  record.pid = ::getpid();
  record.pid_started = store::process_start(record.pid);
  record.node = where.node;
  record.endpoint = where.endpoint;
  record.term = where.term;
  return record;
}

}  // namespace

std::shared_ptr<const actors::run_setup> plan_submission(const submission& what, const submission_place& where,
                                                         const std::vector<placeable_node>& nodes,
                                                         diagnostics& faults) {
  config::load_options given;
  given.set = what.params;
  // The submitter's environment, not the node's: what it did not send is not set.
  given.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = what.environment.find(name);
    return found == what.environment.end() ? std::nullopt : std::optional(found->second);
  };
  std::shared_ptr<const config::document> source;
  auto loaded = config::load_pipeline_text(what.text, what.file, given, faults, &source);
  if (!loaded) return nullptr;
  const auto run = uuid_v7();
  const auto folder = where.state_folder + "/runs/" + run;
  auto context =
      make_run_context(loaded->definition, {.run_id = run,
                                            .base_folder = what.base_folder,
                                            .spill_folder = where.spill_folder + "/" + run + "-" + where.node});
  store::pipeline_state state;
  remembered_sources remembered;
  if (where.records != nullptr && uses_source_state(loaded->definition)) {
    auto found = where.records->sources_of(loaded->definition.name);
    if (!found.ok()) {
      faults.push_back(std::move(found).problem());
      return nullptr;
    }
    state = std::move(*found);
    remembered.state = &state;
    remembered.fresh = what.fresh;
  }
  check_written_targets(loaded->definition, config::target_rules_of(*loaded->source), *context, faults);
  auto made = make_plan(std::move(loaded->definition), *context, faults, remembered);
  if (made) (void)place(*made, nodes, faults);
  if (made && config::overlap_of(*loaded->source) != config::overlap_rule::unset) {
    faults.push_back(
        user_error("not_supported_yet", "run.overlap is not supported yet for runs that are submitted to a node",
                   "sluice run keeps to it; or submit the next run when the one before has ended: submit --wait"));
    faults.back().path = "/run/overlap";
  }
  if (source) config::resolve_locations(*source, faults);
  if (!made || !faults.empty()) return nullptr;
  auto setup = std::make_shared<actors::run_setup>();
  setup->run = run;
  setup->what = std::make_shared<const plan>(std::move(*made));
  setup->context = std::move(context);
  setup->components = actors::planned_components();
  setup->record = record_of(what, where, *setup->what, run);
  if (remembered.state != nullptr) setup->record.state_version = state.version;
  setup->rejects_path = folder + "/rejects.ndjson";
  return setup;
}

}  // namespace sluice::cluster
