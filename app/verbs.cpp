#include "app/verbs.hpp"

namespace sluice::app {

const std::vector<verb>& verbs() {
  static const std::vector<verb> all = {
      {"init", "Pipelines", "creates a starter pipeline with sample data", init_verb},
      {"run", "Pipelines", "runs a pipeline and shows its progress", run_verb},
      {"validate", "Pipelines", "checks a pipeline and reports all errors", validate_verb},
      {"explain", "Pipelines", "shows the plan of a run: units, types, edges", explain_verb},
      {"preview", "Pipelines", "shows the first rows of a unit or of a data file", preview_verb},
      {"profile", "Pipelines", "says what is in a data file, and suggests rules for it", profile_verb},
      {"query", "Pipelines", "answers a select statement over data files", query_verb},
      {"test", "Pipelines", "runs the tests of a pipeline, or of all in a folder", test_verb},
      {"runs", "Runs", "lists runs, newest first", runs_verb},
      {"status", "Runs", "shows one run: units, rows, balance, cause of a failure", status_verb},
      {"watch", "Runs", "follows a run until it ends", watch_verb},
      {"logs", "Runs", "shows the log of a run", logs_verb},
      {"events", "Runs", "prints the events of a run, or of all runs", events_verb},
      {"cancel", "Runs", "stops a run; nothing incomplete is published", cancel_verb},
      {"rejects", "Runs", "lists or exports the records that a run rejected", rejects_verb},
      {"state", "Runs", "shows or resets what incremental sources have loaded", state_verb},
      {"prune", "Runs", "removes old runs with their events, rejects and checkpoints", prune_verb},
      {"pause", "Runs", "stops a run after a checkpoint until it is resumed", pause_verb},
      {"resume", "Runs", "continues a paused run", resume_verb},
      {"drain", "Runs", "ends a run without end at a checkpoint", drain_verb},
      {"checkpoints", "Runs", "lists the checkpoints of a run", checkpoints_verb},
      {"savepoint", "Runs", "creates a checkpoint that is kept", savepoint_verb},
      {"scale", "Runs", "gives a transform of a run more or fewer instances", scale_verb},
      {"deploy", "Deployed pipelines", "deploys a pipeline with its schedule", deploy_verb},
      {"pipelines", "Deployed pipelines", "lists, pauses, resumes and deletes deployed pipelines", pipelines_verb},
      {"trigger", "Deployed pipelines", "starts a deployed pipeline now", trigger_verb},
      {"backfill", "Deployed pipelines", "runs a deployed pipeline for past days", backfill_verb},
      {"node", "Cluster", "starts a node of a cluster", node_verb},
      {"nodes", "Cluster", "lists the nodes of a cluster", nodes_verb},
      {"submit", "Cluster", "submits a pipeline to a cluster", submit_verb},
      {"tls", "Cluster", "creates certificates for nodes", tls_verb},
      {"tokens", "Cluster", "creates, lists and revokes tokens of a node", tokens_verb},
      {"notify", "Notifications", "lists, tests and sends notifications", notify_verb},
      {"components", "Reference", "describes sources, transforms and sinks", components_verb},
      {"functions", "Reference", "describes the functions of expressions", functions_verb},
      {"openapi", "Reference", "prints the HTTP API of a node as OpenAPI 3.1", openapi_verb},
      {"help", "Reference", "explains a verb or an error code", help_verb},
      {"completion", "Reference", "prints a completion script for a shell", completion_verb},
      {"version", "Reference", "prints the version of the program", version_verb},
  };
  return all;
}

const verb* find_verb(std::string_view name) {
  for (const auto& each : verbs())
    if (each.name == name) return &each;
  return nullptr;
}

bool has_option(const arguments& of, const std::string& name) {
  for (const auto& each : of.options)
    for (const auto& own : each.names)
      if (own == name) return true;
  return false;
}

std::vector<option_spec> global_options(settings& into, std::string& progress, bool& help) {
  return {
      {.names = {"--json"}, .value = {}, .help = "print the answer as JSON on stdout", .target = &into.json},
      {.names = {"--progress"},
       .value = "MODE",
       .help = "auto, plain (lines) or none",
       .target = &progress,
       .choices = {"auto", "plain", "none"}},
      {.names = {"--quiet", "-q"}, .value = {}, .help = "print only errors and answers", .target = &into.quiet},
      {.names = {"--verbose", "-v"}, .value = {}, .help = "print more details on stderr", .target = &into.verbose},
      {.names = {"--state"},
       .value = "DIR|URL",
       .help = "folder for runs, events and rejects, or postgresql://... for runs and events (SLUICE_STATE)",
       .target = &into.state_folder,
       .offers = completes::folder},
      {.names = {"--state-folder"},
       .value = "DIR",
       .help = "folder for rejects and checkpoints beside --state URL (SLUICE_STATE_FOLDER)",
       .target = &into.given_folder,
       .offers = completes::folder},
      {.names = {"--spill"},
       .value = "DIR",
       .help = "folder for data beyond run.memory (SLUICE_SPILL; default: in the state folder)",
       .target = &into.spill_folder,
       .offers = completes::folder},
      {.names = {"--to"},
       .value = "HOST:PORT",
       .help = "HTTP address of the node to use (SLUICE_TO)",
       .target = &into.to},
      {.names = {"--ca"},
       .value = "FILE",
       .help = "ca.crt of the nodes' certificates: connects with TLS (SLUICE_CA)",
       .target = &into.ca_file,
       .offers = completes::file},
      {.names = {"--help", "-h"}, .value = {}, .help = "show this help", .target = &help},
  };
}

}  // namespace sluice::app
