#include "cluster/http/api.hpp"
#include "cluster/http/metrics_text.hpp"

#include "cluster/error_answer.hpp"
#include "cluster/token.hpp"
#include "engine/component/bounded_json.hpp"
#include "engine/error/names.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace sluice::cluster {

namespace {

api_response json_answer(const options& value, int status = 200) {
  return {.status = status, .body = json_text(value) + "\n"};
}

int status_of(const error& problem) {
  if (problem.code == "run_not_found") return 404;
  if (problem.code == "ambiguous_run" || problem.code == "run_is_final" || problem.code == "already_running")
    return 409;
  if (problem.to_blame == blame::user) return 422;
  return problem.to_blame == blame::external ? 503 : 500;
}

api_response not_here(const std::string& what) {
  return api::refuse(501, user_error("not_supported_here", "this process does not " + what,
                                     "send the request to a `sluice node` (--to HOST:PORT of its HTTP API)"));
}

bool is_get(const api_request& request) { return request.method == "GET" || request.method == "HEAD"; }

bool is_cancel(const api_request& request) {
  const auto& path = request.path;
  return request.method == "POST" && path.size() == 4 && path[0] == "v1" && path[1] == "runs" && path[3] == "cancel";
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return {};
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < 0) return {};
  return value;
}

result<std::int64_t> number_in(const api_request& request, const std::string& key, std::int64_t otherwise) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return otherwise;
  if (const auto value = number(found->second)) return *value;
  return user_error("invalid_query", key + " must be a whole number, found '" + found->second + "'");
}

/// Reads a map of texts ({ name: value }).
status read_texts(const options& json, const char* key, std::map<std::string, std::string>& into) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return {};
  if (!found->is_object()) return user_error("invalid_request", std::string(key) + " must be an object of texts");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return user_error("invalid_request", std::string(key) + "." + name + " must be a text");
    into[name] = value.get<std::string>();
  }
  return {};
}

/// Params and variables of the environment; no honest submission comes near it.
constexpr std::size_t most_submitted_values = 10'000;
/// Bytes of a foreign key.
constexpr std::size_t most_shown = 100;
/// A file of nothing but faults would make an answer many times its size.
constexpr std::size_t most_faults = 100;

result<submission> read_submission(const std::string& body) {
  auto parsed = parse_bounded_json(body, most_submitted_values);
  if (!parsed.ok() && parsed.problem().code == "too_many_values")
    return user_error("invalid_request",
                      "a submission may have " + std::to_string(most_submitted_values) + " params and variables");
  const auto json = parsed.ok() ? std::move(parsed).value() : options();
  if (!json.is_object())
    return user_error("invalid_request", "the body must be a JSON object with the pipeline's text");
  submission out;
  const auto text = [&](const char* key, std::string& into) -> status {
    const auto found = json.find(key);
    if (found == json.end()) return {};
    if (!found->is_string()) return user_error("invalid_request", std::string(key) + " must be a text");
    into = found->get<std::string>();
    return {};
  };
  SLUICE_TRY(text("text", out.text));
  SLUICE_TRY(text("file", out.file));
  SLUICE_TRY(text("base_folder", out.base_folder));
  SLUICE_TRY(text("config_file", out.config_file));
  SLUICE_TRY(text("config", out.config));
  SLUICE_TRY(read_texts(json, "params", out.params));
  SLUICE_TRY(read_texts(json, "environment", out.environment));
  if (const auto fresh = json.find("fresh"); fresh != json.end()) {
    if (!fresh->is_boolean()) return user_error("invalid_request", "fresh must be true or false");
    out.fresh = fresh->get<bool>();
  }
  for (const auto& [key, value] : json.items()) {
    static const std::vector<std::string> known = {"text",        "file",   "base_folder", "params",
                                                   "environment", "config", "config_file", "fresh"};
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto shown = key.substr(0, most_shown);
    const auto near = nearest_name(shown, known);
    return user_error("unknown_key", "a submission has no '" + shown + "'",
                      near.empty() ? "" : "did you mean '" + near + "'?");
  }
  if (out.text.empty())
    return user_error("invalid_request", "the submission needs text: the content of the pipeline's file");
  if (!out.base_folder.starts_with('/'))
    return user_error("invalid_request", "base_folder must be an absolute path, found '" + out.base_folder + "'");
  return out;
}

}  // namespace

bool parse_target(std::string_view target, api_request& into) {
  const auto mark = target.find('?');
  auto path = target.substr(0, mark);
  if (!path.starts_with('/')) return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto slash = path.find('/');
    const auto segment = decode(path.substr(0, slash), false);
    if (!segment) return false;
    if (!segment->empty()) into.path.push_back(*segment);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  auto query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const auto ampersand = query.find('&');
    const auto pair = query.substr(0, ampersand);
    const auto equals = pair.find('=');
    const auto name = decode(pair.substr(0, equals), true);
    const auto value =
        equals == std::string_view::npos ? std::optional<std::string>("") : decode(pair.substr(equals + 1), true);
    if (!name || !value) return false;
    into.query[*name] = *value;
    query = ampersand == std::string_view::npos ? std::string_view() : query.substr(ampersand + 1);
  }
  return true;
}

api_response api::refuse(int status, const error& why) { return json_answer({{"error", error_to_json(why)}}, status); }

std::optional<api_response> api::unauthorized(const api_request& request) const {
  constexpr std::string_view scheme = "Bearer ";
  const bool given = request.authorization.starts_with(scheme);
  if (given && same_token(std::string_view(request.authorization).substr(scheme.size()), token_)) return {};
  return refuse(
      401, user_error(
               "unauthorized", given ? "the token is wrong" : "this node needs a token",
               "use the node's state folder (--state), or set SLUICE_TOKEN to the content of the file 'token' in it"));
}

std::optional<api_response> api::health(const api_request& request) const {
  const auto& path = request.path;
  if (path.size() != 1 || !is_get(request)) return {};
  if (path[0] == "healthz") return api_response{.content_type = "text/plain", .body = "ok\n"};
  if (path[0] != "readyz") return {};
  const bool ready = !handlers_.ready || handlers_.ready();
  return api_response{
      .status = ready ? 200 : 503, .content_type = "text/plain", .body = ready ? "ready\n" : "not ready\n"};
}

bool api::is_submission(const api_request& request) {
  const auto& path = request.path;
  return request.method == "POST" && path.size() == 2 && path[0] == "v1" && path[1] == "runs";
}

std::optional<api_response> api::answer_without_store(const api_request& request) const {
  const auto& path = request.path;
  if (auto health_check = health(request)) return health_check;
  if (auto refused = unauthorized(request)) return refused;
  if (!is_cancel(request) || !handlers_.cancel) return {};
  const auto told = handlers_.cancel(path[2]);
  if (!told.ok() || !*told) return {};
  return json_answer({{"run", path[2]}, {"state", "cancelling"}}, 202);
}

api_response api::answer(const api_request& request) const {
  const auto& path = request.path;
  const bool get = is_get(request);
  const bool post = request.method == "POST";
  if (auto quick = answer_without_store(request)) return *quick;
  if (path.size() == 1 && path[0] == "metrics" && get) return metrics();
  if (path.size() >= 2 && path[0] == "v1" && path[1] == "nodes" && path.size() == 2 && get) {
    if (!handlers_.nodes) return not_here("belong to a cluster");
    return json_answer({{"nodes", handlers_.nodes()}});
  }
  if (path.size() >= 2 && path[0] == "v1" && path[1] == "runs") {
    if (path.size() == 2 && get) return runs(request);
    if (is_submission(request)) return submit(request);
    if (path.size() == 3 && get) return run(path[2]);
    if (is_cancel(request)) return cancel(path[2]);
    if (path.size() == 4 && path[3] == "rejects" && get) return rejects(path[2], request);
  }
  if (path.size() >= 2 && path[0] == "v1" && path[1] == "state") {
    if (path.size() == 2 && get) return source_states(request);
    if (path.size() == 4 && path[3] == "reset" && post) return reset_state(path[2], request);
  }
  const bool known_path = !path.empty() && (path[0] == "healthz" || path[0] == "readyz" || path[0] == "metrics" ||
                                            (path[0] == "v1" && path.size() >= 2));
  if (known_path && !get && !post)
    return refuse(405, user_error("method_not_allowed", "this path has no " + request.method));
  return refuse(404, user_error("unknown_path", "the API does not have this path", "docs/http-api.md lists all paths"));
}

api_response api::runs(const api_request& request) const {
  store::run_query query;
  const auto limit = number_in(request, "limit", 50);
  if (!limit.ok()) return refuse(400, limit.problem());
  query.limit = std::min<std::int64_t>(*limit, 1000);
  if (const auto name = request.query.find("pipeline"); name != request.query.end()) query.pipeline = name->second;
  if (const auto name = request.query.find("state"); name != request.query.end()) {
    const auto state = store::run_state_from(name->second);
    if (!state)
      return refuse(400, user_error("invalid_query", "state must be a run's state, found '" + name->second + "'",
                                    "for example running, succeeded or failed"));
    query.states = {*state};
  }
  auto found = handlers_.store->runs(query);
  if (!found.ok()) return refuse(status_of(found.problem()), found.problem());
  options list = options::array();
  for (const auto& each : *found) list.push_back(run_to_json(each));
  return json_answer({{"runs", list}});
}

api_response api::run(const std::string& reference) const {
  const auto found = handlers_.store->find_run(reference);
  if (!found.ok()) return refuse(status_of(found.problem()), found.problem());
  auto json = run_to_json(*found);
  if (handlers_.progress && !store::is_final(found->state)) {
    if (auto progress = handlers_.progress(found->id); !progress.is_null()) json["progress"] = std::move(progress);
  }
  return json_answer(json);
}

api_response api::submit(const api_request& request) const {
  if (!handlers_.submit) return not_here("accept submissions");
  const auto what = read_submission(request.body);
  if (!what.ok()) return refuse(400, what.problem());
  diagnostics faults;
  const auto run = handlers_.submit(*what, faults);
  if (run.ok() && faults.empty()) return json_answer({{"run", *run}}, 201);
  if (faults.empty()) return refuse(status_of(run.problem()), run.problem());
  options list = options::array();
  for (std::size_t at = 0; at < std::min(faults.size(), most_faults); ++at) list.push_back(error_to_json(faults[at]));
  options body = {{"error", list[0]}, {"faults", list}};
  if (faults.size() > most_faults) body["more_faults"] = faults.size() - most_faults;
  return json_answer(body, 422);
}

api_response api::cancel(const std::string& reference) const {
  auto found = handlers_.store->find_run(reference);
  if (!found.ok()) return refuse(status_of(found.problem()), found.problem());
  if (!store::is_final(found->state)) {
    if (!handlers_.cancel) return not_here("run pipelines");
    const auto told = handlers_.cancel(found->id);
    if (!told.ok()) return refuse(status_of(told.problem()), told.problem());
    if (*told) return json_answer({{"run", found->id}, {"pipeline", found->pipeline}, {"state", "cancelling"}}, 202);
    // It may have ended between the look and the word.
    found = handlers_.store->find_run(found->id);
    if (!found.ok()) return refuse(status_of(found.problem()), found.problem());
  }
  if (store::is_final(found->state))
    return json_answer({{"run", found->id}, {"pipeline", found->pipeline}, {"state", store::to_string(found->state)}});
  return refuse(409, user_error("run_elsewhere", "run " + found->id + " does not belong to this process",
                                found->endpoint.empty() ? "" : "ask the process at " + found->endpoint));
}

api_response api::rejects(const std::string& reference, const api_request& request) const {
  const auto found = handlers_.store->find_run(reference);
  if (!found.ok()) return refuse(status_of(found.problem()), found.problem());
  const auto limit = number_in(request, "limit", 100);
  const auto skip = number_in(request, "skip", 0);
  if (!limit.ok()) return refuse(400, limit.problem());
  if (!skip.ok()) return refuse(400, skip.problem());
  constexpr std::size_t most_bytes = 16 * 1024 * 1024;
  api_response out{.content_type = "application/x-ndjson", .body = {}};
  std::ifstream file(handlers_.state_folder + "/runs/" + found->id + "/rejects.ndjson", std::ios::binary);
  std::string line;
  for (std::int64_t i = 0; i < *skip && std::getline(file, line); ++i) {
  }
  for (std::int64_t i = 0; i < *limit && out.body.size() < most_bytes && std::getline(file, line); ++i)
    out.body.append(line).append("\n");
  return out;
}

api_response api::metrics() const {
  api_response out{.content_type = "text/plain; version=0.0.4", .body = {}};
  const auto totals = handlers_.store->totals();
  if (!totals.ok()) return refuse(503, totals.problem());
  out.body = totals_text(*totals);
  if (handlers_.metrics) out.body += handlers_.metrics();
  return out;
}

}  // namespace sluice::cluster
