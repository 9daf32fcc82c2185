#include "cluster/submission.hpp"

#include "actors/run/resume_run.hpp"
#include "cluster/keyed_submissions.hpp"
#include "config/load.hpp"
#include "config/planning_rules.hpp"
#include "engine/notify/condition.hpp"
#include "engine/plan/make_context.hpp"
#include "engine/runs/claim.hpp"
#include "engine/runs/lost_runs.hpp"
#include "engine/runs/record.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/values/uuid.hpp"

namespace sluice::cluster {

namespace {

/// Commits that dead processes have left come first: this run would load the same rows again, or below them.
status make_way(store::store& in, const std::string& pipeline, bool fresh) {
  SLUICE_ASSIGN(const auto lost, settle_lost_runs(in, true, make_sink));
  return settle_refused(in, pipeline, fresh, make_sink, lost);
}

}  // namespace

std::shared_ptr<actors::run_setup> plan_submission(const submission& what, const submission_place& where,
                                                   const std::vector<placeable_node>& nodes, diagnostics& faults) {
  config::load_options given;
  given.set = what.params;
  given.base_folder = what.base_folder;
  given.due_at = where.due_at;
  // The submitter's environment, not the node's: what it did not send is not set.
  given.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = what.environment.find(name);
    return found == what.environment.end() ? std::nullopt : std::optional(found->second);
  };
  if (!what.config.empty()) given.configs.push_back({.file = what.config_file, .text = what.config});
  if (!where.config_file.empty()) {
    auto own = config::read_config(where.config_file);
    if (!own.ok()) {
      faults.push_back(std::move(own).problem());
      return nullptr;
    }
    own->environment = config::process_environment;
    given.configs.push_back(std::move(*own));
  }
  std::shared_ptr<const config::document> source;
  auto loaded = config::load_pipeline_text(what.text, what.file, given, faults, &source);
  if (!loaded) return nullptr;
  if (where.records != nullptr && faults.empty()) {
    // Before all that may go wrong: they are told of that as well.
    const auto subscribed =
        store::deliveries_of(*where.records).subscribe(loaded->definition.name, loaded->subscriptions);
    if (!subscribed.ok()) {
      faults.push_back(subscribed.problem());
      return nullptr;
    }
  }
  const auto run = where.run.empty() ? uuid_v7() : where.run;
  const auto folder = where.state_folder + "/runs/" + run;
  auto context =
      make_run_context(loaded->definition, {.run_id = run,
                                            .base_folder = what.base_folder,
                                            .spill_folder = where.spill_folder + "/" + run + "-" + where.node});
  if (where.records != nullptr) {
    if (auto free = make_way(*where.records, loaded->definition.name, what.fresh); !free.ok()) {
      faults.push_back(std::move(free).problem());
      return nullptr;
    }
  }
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
  if (source) config::resolve_locations(*source, faults);
  if (!made || !faults.empty()) return nullptr;
  if (where.records != nullptr) {
    if (auto free = check_due_targets(*where.records, *made, *context); !free.ok()) {
      faults.push_back(std::move(free).problem());
      return nullptr;
    }
  }
  options params = options::object();
  for (const auto& [name, value] : what.params) params[name] = value;
  // They belong to this run alone: another time would give others.
  for (const auto& [name, value] : loaded->computed) params[name] = value;
  actors::planned_run planned{.what = std::make_shared<const plan>(std::move(*made)),
                              .context = std::move(context),
                              .params = params,
                              .runs_folder = where.state_folder + "/runs",
                              .fresh = what.fresh,
                              .from = what.from,
                              .again = what.again,
                              .drop = {what.drop.begin(), what.drop.end()}};
  auto setup = std::make_shared<actors::run_setup>();
  if (where.records != nullptr) {
    auto resumed = actors::resume_run(*where.records, planned);
    if (!resumed.ok()) {
      faults.push_back(std::move(resumed).problem());
      return nullptr;
    }
    // Runs of this node wait for each other (run.overlap), and are planned again when it is their turn.
    if (resumed->behind && resumed->behind->node != where.node) {
      faults.push_back(already_running(claim_of(planned.what->definition), "run " + resumed->behind->id));
      return nullptr;
    }
    setup->resume = std::move(resumed->from);
  }
  setup->run = run;
  setup->what = std::move(planned.what);
  setup->context = std::move(planned.context);
  setup->components = actors::planned_components();
  setup->checkpoint_folder = folder + "/checkpoints";
  setup->record = make_record(*setup->what, *setup->context, params,
                              {.node = where.node, .endpoint = where.endpoint, .term = where.term});
  if (!what.key.empty()) setup->record.context["submission"] = digest_of(what);
  setup->record.context["params"] = notify::texts_of(setup->what->definition.params);
  if (!where.origin.is_null()) setup->record.context["origin"] = where.origin;
  if (remembered.state != nullptr) setup->record.state_version = state.version;
  setup->claim = claim_of(setup->what->definition);
  setup->overlap = config::overlap_of(*loaded->source);
  setup->rejects_path = folder + "/rejects.ndjson";
  return setup;
}

}  // namespace sluice::cluster
