#include "cluster/error_answer.hpp"
#include "cluster/http/route.hpp"

namespace sluice::cluster {

bool is_last_event(const std::string& type) {
  return type == "run.succeeded" || type == "run.partial" || type == "run.failed" || type == "run.cancelled";
}

bool api::is_stream(const api_request& request) {
  const auto found = find_route(request);
  return found.of != nullptr && found.of->how == answered::as_stream;
}

result<stream_request> api::stream(const api_request& request) const {
  const api_call call(request, *find_route(request).of, handlers_);
  if (auto wrong = call.fault()) return std::move(*wrong);
  stream_request out;
  if (!call.text("run").empty()) {
    SLUICE_ASSIGN(const auto run, handlers_.store->find_run(call.text("run")));
    out.run = run.id;
  }
  out.after = call.number(call.given("Last-Event-ID") ? "Last-Event-ID" : "after");
  out.follow = call.flag("follow");
  out.server_sent = request.header("accept").find("application/x-ndjson") == std::string::npos;
  if (call.given("wait")) out.wait = call.duration("wait");
  out.limit = call.number("limit");
  if (!out.run.empty() && call.given("progress")) out.progress = call.duration("progress");
  return out;
}

result<std::vector<store::event>> api::events(const stream_request& from, std::int64_t limit, bool& ended) const {
  SLUICE_ASSIGN(auto found, handlers_.store->events(from.after, from.run, limit));
  for (const auto& event : found) ended = ended || (!from.run.empty() && is_last_event(event.type));
  if (found.empty() && !from.run.empty()) {
    // Nothing above the cursor of a run that is over: the reader has seen its last event.
    SLUICE_ASSIGN(const auto run, handlers_.store->find_run(from.run));
    if (store::is_final(run.state)) {
      SLUICE_ASSIGN(const auto again, handlers_.store->events(from.after, from.run, 1));
      ended = again.empty();
    }
  }
  return found;
}

std::optional<store::event> api::progress_event(const std::string& run) const {
  auto told = handlers_.progress ? handlers_.progress(run) : options();
  if (!told.is_object()) return std::nullopt;
  store::event made;
  made.type = "run.progress";
  made.run = run;
  made.time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
                  .count();
  made.id = run + "/progress-" + std::to_string(made.time);
  made.pipeline = told.value("pipeline", "");
  made.data = std::move(told);
  return made;
}

options run_to_json(const store::run_record& run) {
  options out = {{"id", run.id},
                 {"pipeline", run.pipeline},
                 {"owner", run.owner},
                 {"tags", run.tags},
                 {"state", store::to_string(run.state)},
                 {"created", run.created},
                 {"started", run.started},
                 {"ended", run.ended},
                 {"node", run.node},
                 {"pid", run.pid},
                 {"endpoint", run.endpoint},
                 {"params", run.params}};
  out["cause"] = run.cause;
  out["summary"] = run.summary;
  return out;
}

std::string stream_text(const store::event& event, bool server_sent) {
  const auto text = json_text(store::cloud_event(event));
  if (!server_sent) return text + "\n";
  // One that is in no log has no place to continue from.
  const auto id = event.cursor > 0 ? "id: " + std::to_string(event.cursor) + "\n" : std::string();
  return id + "event: " + event.type + "\ndata: " + text + "\n\n";
}

options events_to_json(const std::vector<store::event>& events, std::int64_t after, bool ended) {
  options list = options::array();
  for (const auto& each : events) list.push_back(store::cloud_event(each));
  return {{"events", std::move(list)}, {"cursor", events.empty() ? after : events.back().cursor}, {"ended", ended}};
}

}  // namespace sluice::cluster
