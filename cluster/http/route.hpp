#pragma once

#include "cluster/http/api.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::cluster {

/// A parameter of a route. A request whose value does not have its form is refused with invalid_query.
struct parameter {
  enum class place : std::uint8_t { path, query, header };
  enum class form : std::uint8_t { text, whole, flag, duration };

  std::string name;  ///< as documents show it; a header's name is looked up without regard to case
  std::string summary;
  place in = place::query;
  form is = form::text;
  std::vector<std::string> choices = {};      ///< text
  std::string otherwise = {};                 ///< its value where it is not given; empty: none
  std::int64_t least = 0;                     ///< whole
  std::int64_t most = 9'007'199'254'740'991;  ///< whole; of durations: microseconds. No larger number is exact in JSON
};

/// Shorthands for the table.
parameter path_text(std::string name, std::string summary);
parameter query_text(std::string name, std::string summary);
parameter query_choice(std::string name, std::string summary, std::vector<std::string> choices);
parameter query_whole(std::string name, std::string summary, std::string otherwise, std::int64_t least,
                      std::int64_t most);
parameter query_flag(std::string name, std::string summary, std::string otherwise);

/// What a route may answer. `schema` names one of a group's schemas; empty: text.
struct documented_answer {
  int status = 200;
  std::string summary;
  std::string schema = {};
  std::string content_type = "application/json";
};

struct route;

/// The least role that a token needs for a route.
access_role role_of(const route& of);

/// A request and the route that it matched, its parameters checked.
class api_call {
 public:
  api_call(const api_request& request, const route& of, const api_handlers& handlers)
      : request_(request), of_(of), handlers_(handlers) {}

  /// The refusal of a parameter that is unknown or has a wrong value.
  [[nodiscard]] std::optional<error> fault() const;
  [[nodiscard]] bool given(const std::string& name) const;
  /// The parameter's value, else its default. Only for parameters of the route, once `fault` has found none.
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] std::int64_t number(const std::string& name) const;
  [[nodiscard]] bool flag(const std::string& name) const;
  [[nodiscard]] std::chrono::microseconds duration(const std::string& name) const;

  [[nodiscard]] const api_request& request() const { return request_; }
  [[nodiscard]] const api_handlers& handlers() const { return handlers_; }
  [[nodiscard]] store::store& store() const { return *handlers_.store; }

  std::optional<identity> caller = {};  ///< who asks; not set where a route is open, or answered at once

 private:
  [[nodiscard]] std::optional<std::string> raw(const parameter& which) const;

  const api_request& request_;
  const route& of_;
  const api_handlers& handlers_;
};

/// How a route is answered: by the network's thread, which waits for nothing; by one of a few threads that may wait for
/// the Store; by a thread of its own that nobody waits for, because files are read; as a stream of events.
enum class answered : std::uint8_t { at_once, by_store, by_planning, as_stream };

/// A path and method of the API: what dispatches requests is also what documents them.
struct route {
  std::string method;
  std::string path;     ///< "/v1/runs/{run}/cancel"
  std::string id;       ///< unique; clients that are generated name their functions so
  std::string summary;  ///< one sentence without its full stop, for tables
  std::vector<parameter> parameters = {};
  std::string body = {};  ///< schema of the body; empty: it takes none
  std::vector<documented_answer> answers;
  /// Statuses of refusals beside those that every route may have.
  std::vector<int> refusals = {};
  answered how = answered::by_store;
  bool open = false;  ///< wants no token
  /// Whose tokens may use it; not set: of viewers what only looks (GET), of operators all else.
  std::optional<access_role> role = {};
  api_response (*answer)(const api_call& call) = nullptr;
  /// Where set, asked first, by a thread that never waits for the Store; none: `answer` is called.
  std::optional<api_response> (*before_store)(const api_call& call) = nullptr;
};

/// Routes that belong together, and the JSON schemas (each a JSON text) that they and others refer to by name. Each
/// group is a file in routes/, and a line in routes.cpp.
struct route_group {
  std::string name;
  std::vector<route> routes;
  std::vector<std::pair<std::string, std::string>> schemas = {};
};

/// All groups, in the order of the documents.
const std::vector<route_group>& route_groups();
route_group health_routes();
route_group run_routes();
route_group checkpoint_routes();
route_group event_routes();
route_group submission_routes();
route_group pipeline_routes();
route_group notification_routes();
route_group notification_action_routes();
route_group subscription_routes();
route_group state_routes();
route_group reference_routes();

/// The route of a request. None: `known_path` says whether another method has it, and `methods` lists those.
struct found_route {
  const route* of = nullptr;
  std::string methods = {};
};
found_route find_route(const api_request& request);

// What several groups answer with.

api_response json_answer(const options& value, int status = 200);
/// The refusal of something the Store, or the engine, gave as an error.
api_response refusal_of(const error& problem);
/// 501: this process does not do that.
api_response not_here(const std::string& what);
/// 422 with all faults of a pipeline.
api_response refuse_faults(const diagnostics& faults);
/// Reads the body of a submission, or of a deployment.
result<submission> read_submission(const std::string& body);

}  // namespace sluice::cluster
