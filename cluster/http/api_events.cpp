#include "cluster/error_answer.hpp"
#include "cluster/http/api.hpp"

#include <charconv>

namespace sluice::cluster {

namespace {

bool is_last_event(const std::string& type) {
  return type == "run.succeeded" || type == "run.partial" || type == "run.failed" || type == "run.cancelled";
}

result<std::int64_t> cursor_in(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < 0)
    return user_error("invalid_query", "a cursor must be a whole number, found '" + text + "'");
  return value;
}

}  // namespace

bool api::is_stream(const api_request& request) {
  if (request.method != "GET" || request.path.empty() || request.path[0] != "v1") return false;
  return (request.path.size() == 2 && request.path[1] == "events") ||
         (request.path.size() == 4 && request.path[1] == "runs" && request.path[3] == "events");
}

result<stream_request> api::stream(const api_request& request) const {
  if (const auto refused = unauthorized(request)) return error_from_json(options::parse(refused->body)["error"]);
  stream_request out;
  if (request.path.size() == 4) {
    SLUICE_ASSIGN(const auto run, handlers_.store->find_run(request.path[2]));
    out.run = run.id;
  }
  const auto after = request.query.find("after");
  if (!request.last_event_id.empty()) {
    SLUICE_ASSIGN(out.after, cursor_in(request.last_event_id));
  } else if (after != request.query.end()) {
    SLUICE_ASSIGN(out.after, cursor_in(after->second));
  }
  const auto follow = request.query.find("follow");
  out.follow = follow == request.query.end() || (follow->second != "false" && follow->second != "0");
  out.server_sent = request.accept.find("application/x-ndjson") == std::string::npos;
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
  return "id: " + std::to_string(event.cursor) + "\nevent: " + event.type + "\ndata: " + text + "\n\n";
}

}  // namespace sluice::cluster
