#include "app/verbs.hpp"

namespace sluice::app {

const std::vector<verb>& verbs() {
  static const std::vector<verb> all = {
      {"init", "Pipelines", "writes a starter pipeline with sample data, ready to run", init_verb},
      {"run", "Pipelines", "runs a pipeline here and shows its progress", run_verb},
      {"validate", "Pipelines", "checks a pipeline and reports all its faults", validate_verb},
      {"explain", "Pipelines", "shows what a run would do: units, types, edges", explain_verb},
      {"preview", "Pipelines", "shows the first rows of a unit, or of a bare data file", preview_verb},
      {"test", "Pipelines", "runs the tests of a pipeline", nullptr},
      {"runs", "Runs", "lists runs, the newest first", runs_verb},
      {"status", "Runs", "shows one run: units, rows, balance, cause of a failure", status_verb},
      {"watch", "Runs", "follows a run until it ends", watch_verb},
      {"logs", "Runs", "shows what happened in a run, in words", logs_verb},
      {"events", "Runs", "prints the events of a run, or of all runs", events_verb},
      {"cancel", "Runs", "stops a run; nothing unfinished is published", cancel_verb},
      {"rejects", "Runs", "lists or exports the records that a run rejected", rejects_verb},
      {"state", "Runs", "shows what a pipeline's sources have taken, or forgets it", state_verb},
      {"pause", "Runs", "pauses a run", nullptr},
      {"resume", "Runs", "resumes a paused run", nullptr},
      {"drain", "Runs", "ends a run once what it has read is loaded", nullptr},
      {"checkpoints", "Runs", "lists the checkpoints of a run", nullptr},
      {"savepoint", "Runs", "makes a checkpoint to keep", nullptr},
      {"deploy", "Deployed pipelines", "keeps a pipeline with its schedule", nullptr},
      {"pipelines", "Deployed pipelines", "lists, pauses, resumes and deletes deployed pipelines", nullptr},
      {"trigger", "Deployed pipelines", "starts a deployed pipeline now", nullptr},
      {"backfill", "Deployed pipelines", "runs a deployed pipeline for past days", nullptr},
      {"node", "Cluster", "runs a node that takes submissions and joins others", node_verb},
      {"nodes", "Cluster", "lists the nodes of a cluster", nodes_verb},
      {"submit", "Cluster", "hands a pipeline to a cluster", submit_verb},
      {"tls", "Cluster", "makes certificates for nodes and people", nullptr},
      {"tokens", "Cluster", "makes and revokes tokens", nullptr},
      {"notify", "Notifications", "lists, tests and silences notifications", nullptr},
      {"prune", "Notifications", "removes runs, events and rejects past their retention", nullptr},
      {"components", "Reference", "describes sources, transforms and sinks", components_verb},
      {"functions", "Reference", "describes the functions of expressions", functions_verb},
      {"help", "Reference", "explains a verb, or the code of an error", help_verb},
      {"completion", "Reference", "prints the completion script of a shell", completion_verb},
  };
  return all;
}

const verb* find_verb(std::string_view name) {
  for (const auto& each : verbs())
    if (each.name == name) return &each;
  return nullptr;
}

std::vector<option_spec> global_options(settings& into, std::string& progress, bool& help) {
  return {
      {.names = {"--json"}, .value = {}, .help = "answers as JSON on stdout", .target = &into.json},
      {.names = {"--progress"},
       .value = "MODE",
       .help = "auto, plain (lines) or none",
       .target = &progress,
       .choices = {"auto", "plain", "none"}},
      {.names = {"--quiet", "-q"}, .value = {}, .help = "only errors and answers", .target = &into.quiet},
      {.names = {"--verbose", "-v"}, .value = {}, .help = "more detail on stderr", .target = &into.verbose},
      {.names = {"--state"},
       .value = "DIR",
       .help = "folder of runs, events and rejects (SLUICE_STATE)",
       .target = &into.state_folder,
       .offers = completes::folder},
      {.names = {"--spill"},
       .value = "DIR",
       .help = "folder for what run.memory has no room for (SLUICE_SPILL; else in the state folder)",
       .target = &into.spill_folder,
       .offers = completes::folder},
      {.names = {"--to"},
       .value = "HOST:PORT",
       .help = "HTTP address of a node to ask (SLUICE_TO)",
       .target = &into.to},
      {.names = {"--help", "-h"}, .value = {}, .help = "this help", .target = &help},
  };
}

}  // namespace sluice::app
