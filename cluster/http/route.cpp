#include "cluster/http/route.hpp"

#include "engine/error/names.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/quantities.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::cluster {

namespace {

using place = parameter::place;
using form = parameter::form;

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) out.push_back(path.substr(0, slash));
    path = path.substr(slash);
  }
  return out;
}

bool is_placeholder(std::string_view segment) { return segment.starts_with('{'); }

bool matches(const route& of, const std::vector<std::string>& path) {
  const auto wanted = segments_of(of.path);
  return std::equal(wanted.begin(), wanted.end(), path.begin(), path.end(),
                    [](std::string_view want, const std::string& got) { return is_placeholder(want) || want == got; });
}

std::optional<std::int64_t> whole(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

error unfit(const parameter& what, const std::string& wanted, const std::string& found, std::string hint = {}) {
  return user_error("invalid_query", what.name + " must be " + wanted + ", found '" + found + "'", std::move(hint));
}

std::optional<error> fault_of(const parameter& what, const std::string& value) {
  switch (what.is) {
    case form::text: {
      const auto& known = what.choices;
      if (known.empty() || std::find(known.begin(), known.end(), value) != known.end()) return {};
      const auto near = nearest_name(value, known);
      return unfit(what, "one of " + joined(known), value, near.empty() ? "" : "did you mean '" + near + "'?");
    }
    case form::whole: {
      const auto number = whole(value);
      if (number && *number >= what.least && *number <= what.most) return {};
      return unfit(
          what,
          number ? "between " + std::to_string(what.least) + " and " + std::to_string(what.most) : "a whole number",
          value);
    }
    case form::flag:
      if (value == "true" || value == "false" || value == "1" || value == "0") return {};
      return unfit(what, "true or false", value);
    case form::duration: {
      const auto time = parse_duration(value);
      if (!time.ok()) return unfit(what, "a duration", value, "for example 20s");
      if (*time > what.most) return unfit(what, "at most " + std::to_string(what.most / 1'000'000) + "s", value);
      return {};
    }
  }
  return {};
}

}  // namespace

access_role role_of(const route& of) {
  return of.role.value_or(of.method == "GET" ? access_role::viewer : access_role::operates);
}

parameter path_text(std::string name, std::string summary) {
  return {.name = std::move(name), .summary = std::move(summary), .in = place::path};
}

parameter query_text(std::string name, std::string summary) {
  return {.name = std::move(name), .summary = std::move(summary)};
}

parameter query_choice(std::string name, std::string summary, std::vector<std::string> choices) {
  return {.name = std::move(name), .summary = std::move(summary), .choices = std::move(choices)};
}

parameter query_whole(std::string name, std::string summary, std::string otherwise, std::int64_t least,
                      std::int64_t most) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .is = form::whole,
          .otherwise = std::move(otherwise),
          .least = least,
          .most = most};
}

parameter query_flag(std::string name, std::string summary, std::string otherwise) {
  return {.name = std::move(name), .summary = std::move(summary), .is = form::flag, .otherwise = std::move(otherwise)};
}

std::optional<std::string> api_call::raw(const parameter& which) const {
  if (which.in == place::query) {
    const auto found = request_.query.find(which.name);
    return found == request_.query.end() ? std::nullopt : std::optional(found->second);
  }
  if (which.in == place::header) {
    const auto found = request_.headers.find(ascii::lower(which.name));
    return found == request_.headers.end() ? std::nullopt : std::optional(found->second);
  }
  const auto wanted = segments_of(of_.path);
  for (std::size_t at = 0; at < wanted.size(); ++at)
    if (wanted[at] == "{" + which.name + "}") return request_.path[at];
  return {};
}

std::optional<error> api_call::fault() const {
  std::vector<std::string> known;
  for (const auto& each : of_.parameters) {
    if (each.in == place::query) known.push_back(each.name);
    if (const auto value = raw(each))
      if (auto wrong = fault_of(each, *value)) return wrong;
  }
  for (const auto& [name, value] : request_.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto shown = shortened(name, 100);
    const auto near = nearest_name(shown, known);
    return user_error("invalid_query", "this path takes no parameter '" + shown + "'",
                      !near.empty()   ? "did you mean '" + near + "'?"
                      : known.empty() ? "it takes none"
                                      : "it takes " + joined(known));
  }
  return {};
}

bool api_call::given(const std::string& name) const {
  return std::any_of(of_.parameters.begin(), of_.parameters.end(),
                     [&](const parameter& each) { return each.name == name && raw(each).has_value(); });
}

std::string api_call::text(const std::string& name) const {
  for (const auto& each : of_.parameters)
    if (each.name == name) return raw(each).value_or(each.otherwise);
  return {};
}

std::int64_t api_call::number(const std::string& name) const { return whole(text(name)).value_or(0); }

bool api_call::flag(const std::string& name) const {
  const auto value = text(name);
  return value == "true" || value == "1";
}

std::chrono::microseconds api_call::duration(const std::string& name) const {
  const auto time = parse_duration(text(name));
  return std::chrono::microseconds(time.ok() ? *time : 0);
}

const std::vector<route_group>& route_groups() {
  static const std::vector<route_group> all = {
      run_routes(),          checkpoint_routes(),          submission_routes(),   pipeline_routes(), event_routes(),
      notification_routes(), notification_action_routes(), subscription_routes(), state_routes(),    reference_routes(),
      health_routes(),
  };
  return all;
}

found_route find_route(const api_request& request) {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  found_route found;
  for (const auto& group : route_groups())
    for (const auto& each : group.routes) {
      if (!matches(each, request.path)) continue;
      // The headers of a stream alone would keep a connection busy for nothing.
      if (each.method == method && (request.method != "HEAD" || each.how != answered::as_stream))
        return {.of = &each, .methods = {}};
      if (found.methods.find(each.method) == std::string::npos)
        found.methods += (found.methods.empty() ? "" : ", ") + each.method;
    }
  return found;
}

}  // namespace sluice::cluster
