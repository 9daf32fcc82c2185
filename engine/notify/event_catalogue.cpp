#include "engine/notify/event_catalogue.hpp"

#include <algorithm>

namespace sluice::notify {

namespace {

const std::vector<event_field> end_fields = {
    {"rejected", "bigint", "records that were rejected"},
    {"duration_microseconds", "bigint", "time that the run took"},
    {"rejects_path", "text", "the file with the rejected records"},
};

std::vector<event_field> with_cause(std::vector<event_field> fields) {
  fields.push_back({"code", "text", "error code of the cause"});
  fields.push_back({"message", "text", "message of the cause"});
  fields.push_back({"where", "text", "unit or file of the cause"});
  return fields;
}

const std::vector<event_field> rule_fields = {
    {"rule", "text", "name of the rule"},
    {"action", "text", "what is done with rows that break it: warn, reject or fail"},
    {"checked", "bigint", "rows that were checked"},
    {"broken", "bigint", "rows that break the rule"},
    {"allowed", "text", "how many may break it, as written"},
};

const std::vector<event_field> reject_fields = {
    {"rejected", "bigint", "number of rejects"},
    {"read", "bigint", "records that sources have read"},
    {"allow", "bigint", "rejects.allow"},
    {"fail_above", "double", "rejects.fail_above, as a share"},
};

const std::vector<event_field> recent_reject_fields = {
    {"rejected", "bigint", "number of rejects within rejects.per"},
    {"read", "bigint", "records that sources have read within rejects.per"},
    {"allow", "bigint", "rejects.allow"},
    {"fail_above", "double", "rejects.fail_above, as a share"},
    {"per_microseconds", "bigint", "rejects.per"},
};

const std::vector<event_field> channel_fields = {
    {"channel", "text", "name of the channel"},
    {"answer", "text", "beginning of the last answer, or why there was none"},
};

const std::vector<event_field> node_fields = {
    {"node", "text", "name of the node"},
    {"pid", "bigint", "of its process"},
    {"how", "text", "what is known of its end"},
};

const std::vector<event_field> refusal_fields = {
    {"due", "text", "when the run was due"},
    {"reason", "text", "what it was started by: a schedule, submit or run"},
    {"file", "text", "the pipeline's file, of submit and run"},
};

}  // namespace

std::string_view to_string(severity how_bad) {
  switch (how_bad) {
    case severity::info:
      return "info";
    case severity::warning:
      return "warning";
    case severity::error:
      break;
  }
  return "error";
}

const std::vector<event_type>& event_types() {
  static const std::vector<event_type> all = {
      {"backpressure.ended",
       severity::info,
       "A unit that was held back for long is so no more.",
       {{"lasted_microseconds", "bigint", "how long it was held back"}}},
      {"backpressure.sustained",
       severity::warning,
       "A unit has been held back for 30 seconds by a slower one below it.",
       {{"held_back", "double", "share of the last seconds in which it waited"},
        {"lasts_microseconds", "bigint", "since when it waits"},
        {"by", "text", "the unit that is slower, where that is clear"}}},
      {"channel.disabled", severity::error, "A webhook answered 410 (gone): nothing more is sent to the channel.",
       channel_fields},
      {"channel.failing", severity::error, "Three deliveries to a channel failed without a success between them.",
       channel_fields},
      {"channel.recovered", severity::info, "A delivery to a channel that was failing succeeded.", channel_fields},
      {"checkpoint.completed",
       severity::info,
       "A checkpoint of a run is complete: the same command continues after it.",
       {{"epoch", "bigint", "number of the checkpoint"},
        {"state_bytes", "bigint", "size of what the units hold"},
        {"held", "bigint", "rows that are in the units"},
        {"rows", "bigint", "number of rows that were loaded with it"},
        {"savepoint", "boolean", "true where it was asked for and is kept"}}},
      {"checkpoint.failed", severity::error, "A run failed during a checkpoint: the one before counts.",
       with_cause({{"epoch", "bigint", "number of the checkpoint"}})},
      {"checkpoint.slow",
       severity::warning,
       "A checkpoint takes longer than 30 seconds, and longer than the time between two.",
       {{"epoch", "bigint", "number of the checkpoint"}, {"lasts_microseconds", "bigint", "time since it began"}}},
      {"delivery.flushed",
       severity::info,
       "Deliveries that waited for their next try were made due at once (sluice notify flush).",
       {{"deliveries", "bigint", "how many"}}},
      {"delivery.given_up",
       severity::error,
       "A notification could not be delivered within three days.",
       {channel_fields[0],
        channel_fields[1],
        {"event", "text", "id of the event or message"},
        {"tries", "bigint", "how often it was tried"}}},
      {"events.missing",
       severity::error,
       "No event has matched the `when` of a rule with absent for that time. It goes to the rule's channels only, and "
       "is "
       "not in the log.",
       {{"rule", "text", "the rule"},
        {"absent_microseconds", "bigint", "the time"},
        {"when", "text", "the condition that the rule waits for"}}},
      {"files.arrived",
       severity::info,
       "Files that a schedule waits for have arrived.",
       {{"files", "bigint", "number of files"}, {"paths", "text", "the first of them, as JSON"}}},
      {"heartbeat",
       severity::info,
       "Somebody works on a rule with heartbeat. It goes to the rule's channels only, and is not in the log.",
       {{"rule", "text", "the rule"}, {"every_microseconds", "bigint", "time between two"}}},
      {"incremental.late_rows",
       severity::warning,
       "Rows came whose value of the column is not above that of earlier runs; they were not loaded.",
       {{"rows", "bigint", "number of rows"},
        {"column", "text", "column of the source"},
        {"at_or_below", "text", "the value that earlier runs had reached"}}},
      {"incremental.planned",
       severity::info,
       "What a run reads of an incremental source.",
       {{"by", "text", "file or column"},
        {"new_files", "bigint", "number of files that are new"},
        {"grown_files", "bigint", "number of files that have grown"},
        {"changed_files", "bigint", "number of files that have changed"},
        {"known_files", "bigint", "number of files that were loaded before"},
        {"above", "text", "rows with values of the column above this one are read"}}},
      {"node.drained",
       severity::info,
       "A node that is draining has nothing to do any more.",
       {node_fields[0], node_fields[1]}},
      {"node.joined",
       severity::info,
       "A node has joined the cluster.",
       {node_fields[0],
        node_fields[1],
        {"address", "text", "its address for other nodes"},
        {"version", "text", "of its program"},
        {"role", "text", "controller, worker or both"}}},
      {"node.left", severity::info, "A node was shut down.", {node_fields[0], node_fields[1], node_fields[2]}},
      {"node.lost",
       severity::error,
       "A node has died or no longer answers; its runs start again elsewhere.",
       {node_fields[0], node_fields[1], node_fields[2]}},
      {"node.recovered", severity::info, "A node that was suspect is heard of again.", {node_fields[0]}},
      {"node.suspect",
       severity::warning,
       "Nothing was heard of a node for a while; it gets no new work.",
       {node_fields[0], {"silence_milliseconds", "bigint", "since its last heartbeat"}}},
      {"notification.test",
       severity::info,
       "Somebody tries a channel (sluice notify test). It goes to that channel only, and is not in the log.",
       {{"channel", "text", "the channel"}}},
      {"pipeline.deleted", severity::info, "A deployed pipeline was deleted."},
      {"pipeline.deployed",
       severity::info,
       "A pipeline was deployed.",
       {{"schedule", "text", "its schedule in a few words"}}},
      {"pipeline.paused", severity::info, "The schedule of a pipeline was paused."},
      {"pipeline.rejected", severity::error,
       "A run was due, submitted or started with sluice run, but can't begin: there is no run.",
       with_cause(refusal_fields)},
      {"pipeline.replaced",
       severity::info,
       "A pipeline was deployed in the place of an earlier one.",
       {{"schedule", "text", "its schedule in a few words"}}},
      {"pipeline.resumed", severity::info, "The schedule of a pipeline was resumed."},
      {"pipeline.submitted",
       severity::info,
       "A pipeline was submitted to a node, which has made a run of it.",
       {{"submitted_run", "text", "the run"}}},
      {"quality.failed", severity::error, "A rule of validate or reconcile fails the run.", rule_fields},
      {"quality.warned", severity::warning,
       "More rows break a rule of validate or reconcile than it allows; the run continues.", rule_fields},
      {"rejects.near", severity::warning, "Rejects have reached four fifths of rejects.allow while a run is active.",
       reject_fields},
      {"rejects.reached", severity::warning,
       "There are more rejects than rejects.allow while a run is active: it will be partial, or fail.", reject_fields},
      {"rejects.recorded",
       severity::warning,
       "Rejected records were written to a file.",
       {{"rows", "bigint", "number of records"}, {"path", "text", "the file"}}},
      {"run.adopted",
       severity::info,
       "A controller has taken over a run whose controller was lost; its units have worked on, and no row is read "
       "again.",
       {{"epoch", "bigint", "number of the last checkpoint; 0: none"},
        {"nodes", "text", "nodes that its units work on"}}},
      {"run.cancelled", severity::warning, "A run was cancelled; nothing incomplete was published.",
       with_cause(end_fields)},
      {"run.drained",
       severity::info,
       "The last checkpoint of a run is complete: the run ends.",
       {{"epoch", "bigint", "number of the checkpoint"}}},
      {"run.failed", severity::error, "A run failed.", with_cause(end_fields)},
      {"run.late",
       severity::error,
       "A run that was due has not succeeded by its deadline.",
       {{"due", "text", "when the run was due"},
        {"deadline", "text", "when it had to have succeeded"},
        {"state", "text", "of the run at that time; waiting, skipped or rejected where there was none"},
        {"late_run", "text", "the run, where there is one"}}},
      {"run.partial", severity::warning, "A run ended with more rejects than rejects.allow.", end_fields},
      {"run.paused",
       severity::info,
       "A run waits after a checkpoint until it is resumed.",
       {{"epoch", "bigint", "number of the checkpoint"}}},
      {"run.progress",
       severity::info,
       "How far a run is, its units included. It goes to streams that ask for it (?progress=2s), and is not in the "
       "log.",
       {{"state", "text", "of the run"},
        {"running_seconds", "double", "since its start"},
        {"left_seconds", "double", "until its end, where that can be told"}}},
      {"run.queued", severity::info, "A run was accepted."},
      {"run.recovered",
       severity::info,
       "A run that had failed works again.",
       {{"units", "bigint", "number of units"},
        {"epoch", "bigint", "number of the checkpoint after which it continues; 0: its beginning"}}},
      {"run.refreshed",
       severity::info,
       "A run reads the right inputs of joins with refresh: again, after a checkpoint.",
       {{"units", "bigint", "number of units"},
        {"epoch", "bigint", "number of the checkpoint after which it continues"}}},
      {"run.restarting", severity::warning,
       "A run has failed of something that may pass, or its process has died, and it is tried again.",
       with_cause({{"wait_microseconds", "bigint", "time until it begins"},
                   {"epoch", "bigint", "number of the checkpoint after which it continues; 0: its beginning"}})},
      {"run.resumed",
       severity::info,
       "A run that was paused works again.",
       {{"units", "bigint", "number of units"},
        {"epoch", "bigint", "number of the checkpoint after which it continues"}}},
      {"run.scale_failed", severity::warning, "A run could not be scaled, and continues as it was.",
       with_cause({{"from", "bigint", "number of the unit's instances"},
                   {"to", "bigint", "number that was asked for"},
                   {"epoch", "bigint", "number of the checkpoint after which it continues"}})},
      {"run.scaled",
       severity::info,
       "A unit of a run has another number of instances from a checkpoint on.",
       {{"from", "bigint", "number of its instances before"},
        {"to", "bigint", "number of its instances now"},
        {"epoch", "bigint", "number of the checkpoint after which it continues"}}},
      {"run.skipped", severity::warning, "A run was due while another one went on (overlap: skip): it was not started.",
       with_cause(refusal_fields)},
      {"run.started",
       severity::info,
       "All units of a run are ready.",
       {{"units", "bigint", "number of units"},
        {"continues", "text", "the run whose checkpoint it continues"},
        {"epoch", "bigint", "number of the checkpoint"}}},
      {"run.succeeded", severity::info, "A run ended and all its outputs are visible.", end_fields},
      {"run.warned", severity::warning, "A run without end has more rejects within rejects.per than rejects.allow.",
       recent_reject_fields},
      {"schedule.missed",
       severity::warning,
       "Due times passed while no node ran; by the rule of catch_up no run was started for them.",
       {{"times", "bigint", "number of due times"},
        {"first", "text", "the first of them"},
        {"last", "text", "the last of them"}}},
      {"schema.drifted",
       severity::warning,
       "The columns of a source differ from those of the last run.",
       {{"contract", "text", "the rule that applies"},
        {"outcome", "text", "what was done"},
        {"file", "text", "the file"},
        {"files", "bigint", "number of files"}}},
      {"subscription.replayed",
       severity::info,
       "Somebody had events of the log sent to a rule once more.",
       {{"subscription", "text", "the rule"},
        {"replay", "text", "id of the replay, which its messages carry"},
        {"events", "bigint", "number of events"},
        {"again", "boolean", "true where pipelines are started once more"}}},
      {"unit.down",
       severity::warning,
       "A unit can't reach its system, and tries again.",
       {{"since", "bigint", "when that began, microseconds since 1970 UTC"}, {"message", "text", "the first failure"}}},
      {"unit.finished",
       severity::info,
       "A unit has done its work.",
       {{"in", "bigint", "rows in"},
        {"out", "bigint", "rows out"},
        {"filtered", "bigint", "rows filtered"},
        {"rejected", "bigint", "rows rejected"},
        {"target", "text", "of a load unit"}}},
      {"unit.reached", severity::info, "A unit that could not reach its system reaches it again."},
      {"unit.started",
       severity::info,
       "A unit is ready.",
       {{"parallelism", "bigint", "number of instances"}, {"node", "text", "the node"}}},
  };
  return all;
}

const event_type* find_event_type(std::string_view name) {
  const auto& all = event_types();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

severity severity_of(std::string_view type) {
  const auto* found = find_event_type(type);
  return found == nullptr ? severity::info : found->how_bad;
}

const std::vector<event_field>& event_fields() {
  static const auto all = [] {
    std::vector<event_field> made;
    for (const auto& type : event_types())
      for (const auto& field : type.fields)
        if (std::none_of(made.begin(), made.end(), [&](const auto& one) { return one.name == field.name; }))
          made.push_back(field);
    std::sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return made;
  }();
  return all;
}

}  // namespace sluice::notify
