#include "cluster/http/route.hpp"

namespace sluice::cluster {

namespace {

std::vector<parameter> event_parameters() {
  return {query_whole("after", "a cursor: only later events. The header Last-Event-ID takes precedence", "0", 0,
                      9'007'199'254'740'991),
          {.name = "wait",
           .summary = "one answer instead of a stream: when there are events, or after this time (60s at most)",
           .is = parameter::form::duration,
           .most = 60'000'000},
          query_whole("limit", "most events of one answer (`wait`)", "256", 1, 1000),
          query_flag("follow", "false: a stream ends after the last event", "true"),
          {.name = "Last-Event-ID",
           .summary = "a cursor, as clients of server-sent events send it",
           .in = parameter::place::header,
           .is = parameter::form::whole}};
}

std::vector<documented_answer> event_answers() {
  return {{.summary = "One answer, where `wait` is given", .schema = "EventList"},
          {.summary = "A stream of server-sent events: `id` is the cursor, `data` an event",
           .content_type = "text/event-stream"},
          {.summary = "A stream of events, one a line, for `Accept: application/x-ndjson`",
           .content_type = "application/x-ndjson"}};
}

constexpr const char* event_schema = R"json({
  "type": "object",
  "required": ["specversion", "id", "source", "type", "time", "sequence", "data"],
  "description": "A CloudEvents 1.0 object. Its id is the same whenever and wherever the event is sent.",
  "properties": {
    "specversion": {"type": "string", "const": "1.0"},
    "id": {"type": "string"},
    "source": {"type": "string", "description": "/sluice/runs/RUN"},
    "type": {"type": "string", "description": "run.started, unit.finished, run.succeeded, ..."},
    "subject": {"type": "string", "description": "the unit, where it concerns one"},
    "time": {"type": "string", "format": "date-time"},
    "datacontenttype": {"type": "string"},
    "sequence": {"type": "string", "description": "the number within the run, with leading zeros"},
    "data": {"type": "object", "required": ["sequence", "cursor"], "additionalProperties": true, "properties": {
      "run": {"type": "string", "description": "missing where the event concerns no run"},
      "sequence": {"type": "integer", "format": "int64", "description": "from 1, without gaps"},
      "cursor": {"type": "integer", "format": "int64", "description": "the place in the log of all events; 0: the event is not in the log"},
      "pipeline": {"type": "string"},
      "owner": {"type": "string"},
      "tags": {"type": "array", "items": {"type": "string"}},
      "unit": {"type": "string"}}}
  }
})json";

constexpr const char* event_list_schema = R"json({
  "type": "object",
  "required": ["events", "cursor", "ended"],
  "properties": {
    "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
    "cursor": {"type": "integer", "format": "int64", "description": "pass it as ?after= to continue"},
    "ended": {"type": "boolean", "description": "the run's last event is among them or before; never for all runs"}
  }
})json";

}  // namespace

route_group event_routes() {
  auto of_run = event_parameters();
  of_run.push_back({.name = "progress",
                    .summary = "a stream also has an event run.progress so often, while the run is running",
                    .is = parameter::form::duration,
                    .most = 3'600'000'000});
  of_run.insert(of_run.begin(), path_text("run", "a run's id, a unique prefix of one, a pipeline's name or `last`"));
  return {.name = "events",
          .routes = {{.method = "GET",
                      .path = "/v1/events",
                      .id = "get_events",
                      .summary = "events of all runs: a stream, old ones first; with `wait` one answer (long polling)",
                      .parameters = event_parameters(),
                      .answers = event_answers(),
                      .how = answered::as_stream},
                     {.method = "GET",
                      .path = "/v1/runs/{run}/events",
                      .id = "get_run_events",
                      .summary = "the run's events, likewise; a stream ends with its last",
                      .parameters = std::move(of_run),
                      .answers = event_answers(),
                      .refusals = {404, 409},
                      .how = answered::as_stream}},
          .schemas = {{"Event", event_schema}, {"EventList", event_list_schema}}};
}

}  // namespace sluice::cluster
