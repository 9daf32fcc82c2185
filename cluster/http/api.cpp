#include "cluster/http/api.hpp"

#include "cluster/error_answer.hpp"
#include "cluster/http/route.hpp"
#include "cluster/token.hpp"

#include <cstdlib>

namespace sluice::cluster {

namespace {

/// Of routes that want no token.
constexpr int most_open_body = 65'536;

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

int status_of(const error& problem) {
  const auto& code = problem.code;
  if (code == "run_not_found" || code == "not_deployed" || code == "node_not_found" || code == "unknown_subscription" ||
      code == "unknown_channel" || code == "unknown_alert" || code == "unknown_silence")
    return 404;
  if (code == "invalid_signature") return 401;
  if (code == "invalid_query" || code == "invalid_request" || code == "unknown_key" || code == "malformed_request")
    return 400;
  if (code == "ambiguous_run" || code == "run_is_final" || code == "already_running" || code == "run_elsewhere" ||
      code == "submission_in_progress")
    return 409;
  if (problem.to_blame == blame::user) return 422;
  return problem.to_blame == blame::external ? 503 : 500;
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

const std::string& api_request::header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

api_response json_answer(const options& value, int status) {
  return {.status = status, .body = json_text(value) + "\n"};
}

api_response refusal_of(const error& problem) { return api::refuse(status_of(problem), problem); }

api_response not_here(const std::string& what) {
  return api::refuse(501, user_error("not_supported_here", "this process does not " + what,
                                     "send the request to a `sluice node` (--to HOST:PORT of its HTTP API)"));
}

api_response api::refuse(int status, const error& why) { return json_answer({{"error", error_to_json(why)}}, status); }

std::string_view shown_token(const api_request& request) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view header = request.header("authorization");
  if (header.starts_with(scheme)) return header.substr(scheme.size());
  // A page's WebSocket can send no header of its own, but it names subprotocols.
  if (request.header("upgrade").empty()) return {};
  std::string_view list = request.header("sec-websocket-protocol");
  for (auto at = list.find(token_subprotocol); at != std::string_view::npos;
       at = list.find(token_subprotocol, at + 1)) {
    if (at > 0 && list[at - 1] != ' ' && list[at - 1] != ',') continue;
    const auto token = list.substr(at + token_subprotocol.size());
    return token.substr(0, token.find_first_of(", \t"));
  }
  return {};
}

std::optional<identity> api::caller_of(const api_request& request) const {
  const auto shown = shown_token(request);
  if (shown.empty()) return {};
  if (same_token(shown, token_)) return identity{"owner", access_role::admin};
  return handlers_.who ? handlers_.who(shown) : std::nullopt;
}

std::optional<api_response> api::unauthorized(const api_request& request) const {
  const auto found = find_route(request);
  if (found.of != nullptr && found.of->open) {
    // Whoever has shown nothing may not fill the memory for bodies.
    constexpr std::size_t most_digits = 5;
    const auto& length = request.header("content-length");
    const bool fits = length.size() <= most_digits && std::atoi(length.c_str()) <= most_open_body &&
                      request.header("transfer-encoding").empty();
    if (fits) return {};
    return refuse(413, user_error("body_too_large",
                                  "the body of this request may have " + std::to_string(most_open_body) +
                                      " bytes, with Content-Length",
                                  "send the data to where the pipeline reads it"));
  }
  const auto caller = caller_of(request);
  const auto wanted = found.of == nullptr ? access_role::viewer : role_of(*found.of);
  if (caller && caller->role >= wanted) return {};
  if (caller)
    return refuse(403, user_error("forbidden",
                                  std::string("the token ") + caller->name + " has the role " +
                                      to_string(caller->role) + "; this needs the role " + to_string(wanted),
                                  std::string("ask for a token with that role: sluice tokens create NAME --role ") +
                                      to_string(wanted)));
  const bool given = !shown_token(request).empty();
  auto refused = refuse(
      401, user_error(
               "unauthorized", given ? "the token is wrong" : "this node needs a token",
               "use the node's state folder (--state), or set SLUICE_TOKEN to the content of the file 'token' in it"));
  refused.headers["WWW-Authenticate"] = "Bearer";
  return refused;
}

std::optional<api_response> api::at_once(const api_request& request) const {
  const auto found = find_route(request);
  if (found.of == nullptr || found.of->how != answered::at_once) return {};
  if (auto refused = unauthorized(request)) return refused;
  const api_call call(request, *found.of, handlers_);
  if (const auto wrong = call.fault()) return refusal_of(*wrong);
  return found.of->answer(call);
}

bool api::is_submission(const api_request& request) {
  const auto found = find_route(request);
  return found.of != nullptr && found.of->how == answered::by_planning;
}

std::optional<api_response> api::answer_without_store(const api_request& request) const {
  if (auto quick = at_once(request)) return quick;
  if (auto refused = unauthorized(request)) return refused;
  const auto found = find_route(request);
  if (found.of == nullptr || found.of->before_store == nullptr) return {};
  return found.of->before_store(api_call(request, *found.of, handlers_));
}

api_response api::answer(const api_request& request) const {
  if (auto quick = answer_without_store(request)) return *quick;
  const auto found = find_route(request);
  if (found.of == nullptr && !found.methods.empty()) {
    auto refused =
        refuse(405, user_error("method_not_allowed", "this path has no " + request.method, "it has " + found.methods));
    refused.headers["Allow"] = found.methods;
    return refused;
  }
  if (found.of == nullptr)
    return refuse(404,
                  user_error("unknown_path", "the API does not have this path", "docs/http-api.md lists all paths"));
  api_call call(request, *found.of, handlers_);
  if (const auto wrong = call.fault()) return refusal_of(*wrong);
  call.caller = caller_of(request);
  return found.of->answer(call);
}

}  // namespace sluice::cluster
