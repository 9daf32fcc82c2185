#pragma once

#include "cluster/access.hpp"
#include "cluster/audit_log.hpp"
#include "cluster/http_client.hpp"
#include "engine/store/store.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cluster {

/// A run that a submission started, or had started before.
struct submitted_run {
  std::string id;
  bool repeated = false;  ///< an earlier submission with the same key has started it
};

struct deployed_answer;

/// What the API is made of: the Store answers for runs and events, the rest is given by the process that embeds the
/// server. Functions may block and are called from any thread; one that is not set is answered with not_supported_here.
struct api_handlers {
  std::shared_ptr<store::store> store;  ///< never null
  std::string state_folder;             ///< rejects lie in runs/<id>/rejects.ndjson
  /// Starts a run, gives its id; faults of the pipeline are appended. Called in a thread of its own that nobody waits
  /// for: it may be called, or still be at work, when the process that embeds the server has taken everything down.
  std::function<result<submitted_run>(const submission&, diagnostics&)> submit;
  /// Plans a pipeline without running it, as `sluice explain --json` shows it. Called like `submit`.
  std::function<result<options>(const submission&, diagnostics&)> plan;
  /// Deploys a pipeline; faults are appended. Not set where schedules are not followed.
  std::function<result<deployed_answer>(const submission&, diagnostics&)> deploy;
  /// Called when something was deployed or is to be started.
  std::function<void()> schedules_changed;
  /// Sends a test message to a channel (pipeline, name); gives notify::to_json of what became of it. Called like
  /// `submit`.
  std::function<result<options>(const std::string& pipeline, const std::string& channel)> test_channel;
  std::string config_file;  ///< the node's own file of --config; empty: none
  /// Tells a live run, by its whole id, to cancel; false: none of that id lives here. Never waits for a disk.
  std::function<result<bool>(const std::string& run)> cancel;
  /// Tells a live run, by its whole id, to drain or take a savepoint; null JSON where it does not live here.
  std::function<result<options>(const std::string& run, const std::string& how)> steer;
  /// Progress of a live run; null JSON where it does not live here.
  std::function<options(const std::string& run)> progress;
  /// The same of all live runs, by their ids.
  std::function<std::map<std::string, options>()> all_progress;
  /// The cluster's nodes, an array.
  std::function<options()> nodes;
  /// Tells a node to take no new work, or to take some again; gives what becomes of its runs. Errors: node_not_found,
  /// no_drain.
  std::function<result<options>(const std::string& name, bool draining)> drain;
  /// More lines for /metrics, in Prometheus' text format.
  std::function<std::string()> metrics;
  /// False while starting or stopping. Never waits for a disk.
  std::function<bool()> ready;
  /// Calls `news`, from any thread, with the events that become durable from now on, in order and without gaps, until
  /// the handle given back is dropped; the next come when `seen` was called. The first call has none: it says that now
  /// has begun. Not set: streams look every second.
  using news_function = std::function<void(std::vector<store::event> events, std::function<void()> seen)>;
  std::function<std::shared_ptr<void>(news_function news)> subscribe;
  /// Whose token it is, beside the one token that allows everything; not set: nobody's. Never waits for long.
  std::function<std::optional<identity>(std::string_view token)> who;
  /// Notes who did what; not set: nothing is noted. Never waits.
  std::function<void(const audit_entry&)> audit;
};

/// A request, as far as the API looks at it.
struct api_request {
  std::string method;
  std::vector<std::string> path;               ///< segments, decoded
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< by name in lower case; of several the first
  std::string body;

  /// A header's value, its name in lower case; empty: there is none.
  [[nodiscard]] const std::string& header(const std::string& name) const;
};
/// Before the token, as one of the subprotocols that the WebSocket of a web page asks for.
inline constexpr std::string_view token_subprotocol = "sluice.bearer.";
/// The token that a request shows; empty: none.
std::string_view shown_token(const api_request& request);
/// Splits and decodes a request's target; false where it is malformed.
bool parse_target(std::string_view target, api_request& into);

struct api_response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers = {};  ///< further ones
  bool has_data = true;  ///< false: a file of the program, in which there are no secrets to mask
};

/// What an event stream was asked for.
struct stream_request {
  std::string run;          ///< whole id; empty: all runs
  std::int64_t after = 0;   ///< global cursor
  bool server_sent = true;  ///< text/event-stream, else one JSON object a line
  bool follow = true;       ///< false: end when there are no more
  /// Not a stream: one answer, given when there are events or this time is over.
  std::optional<std::chrono::microseconds> wait = {};
  std::int64_t limit = 0;  ///< of that one answer
  /// Of a stream of one run: how often run.progress is among the events; not set: never.
  std::optional<std::chrono::microseconds> progress = {};
};

/// The API without the network: one request in, one answer out. Thread-safe; calls block. What it answers is in the
/// table of routes (route.hpp).
class api {
 public:
  api(api_handlers handlers, std::string token) : handlers_(std::move(handlers)), token_(std::move(token)) {}

  /// The answer of a route that waits for nothing, like a health check; none for all other requests.
  [[nodiscard]] std::optional<api_response> at_once(const api_request& request) const;
  /// The refusal of a request that shows no token (401), or one whose role does not include what the route wants (403).
  [[nodiscard]] std::optional<api_response> unauthorized(const api_request& request) const;
  /// Who asks; none: the token is missing or wrong.
  [[nodiscard]] std::optional<identity> caller_of(const api_request& request) const;
  /// The answer where it takes no look at the Store, whose disk may hang: health, a wrong token, and the cancelling of
  /// a live run that is named by its whole id. None for all other requests.
  [[nodiscard]] std::optional<api_response> answer_without_store(const api_request& request) const;
  /// Answers everything but event streams.
  [[nodiscard]] api_response answer(const api_request& request) const;
  /// True where a pipeline is to be read and planned, which may take as long as the files that it names.
  [[nodiscard]] static bool is_submission(const api_request& request);
  /// True where the request is for a stream of events; `stream` then, or an error to answer with.
  [[nodiscard]] static bool is_stream(const api_request& request);
  [[nodiscard]] result<stream_request> stream(const api_request& request) const;
  /// Events for a stream: up to `limit` above `after`; `ended` is set when the run's last event is among them or
  /// before.
  result<std::vector<store::event>> events(const stream_request& from, std::int64_t limit, bool& ended) const;
  /// How far a live run is, as an event that is in no log; none where it does not live here.
  [[nodiscard]] std::optional<store::event> progress_event(const std::string& run) const;
  [[nodiscard]] const api_handlers& handlers() const { return handlers_; }
  /// One that answers submissions, and holds nothing beyond that.
  [[nodiscard]] api of_submissions() const {
    api_handlers only;
    only.submit = handlers_.submit;
    only.plan = handlers_.plan;
    only.test_channel = handlers_.test_channel;
    only.who = handlers_.who;
    return {std::move(only), token_};
  }

  static api_response refuse(int status, const error& why);

 private:
  api_handlers handlers_;
  std::string token_;
};

/// A run as the API shows it, without its text and plan.
options run_to_json(const store::run_record& run);
/// How a stream writes one event: its CloudEvents object, whose `data.cursor` is also the id of a server-sent event.
std::string stream_text(const store::event& event, bool server_sent);
/// True where a run has no event behind one of this type.
bool is_last_event(const std::string& type);
/// One answer with events: the cursor to go on from, and whether the run has no more.
options events_to_json(const std::vector<store::event>& events, std::int64_t after, bool ended);

}  // namespace sluice::cluster
