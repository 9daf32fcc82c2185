#include "cluster/http/route.hpp"
#include "cluster/node_rules.hpp"
#include "engine/component/bounded_json.hpp"

#include <algorithm>

namespace sluice::cluster {

namespace {

constexpr std::size_t most_values = 10'000;

result<std::string> text_in(const options& body, const char* name, const char* otherwise = "") {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::string(otherwise);
  if (!found->is_string()) return user_error("invalid_request", std::string(name) + " must be a text");
  return found->text();
}

result<options> body_of(const api_call& call) {
  auto json = parse_bounded_json(call.request().body, most_values);
  if (!json.ok() || !json->is_object()) return user_error("invalid_request", "the body must be a JSON object");
  static const std::vector<std::string> known = {"text", "file", "base_folder", "environment"};
  for (const auto& [key, value] : json->items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return user_error("unknown_key", "the request has no '" + key.substr(0, 100) + "'");
  if (!json->contains("text")) return user_error("invalid_request", "the body has no text: the file with the rules");
  return std::move(json).value();
}

api_response put_rules(const api_call& call) {
  const auto body = body_of(call);
  if (!body.ok()) return refusal_of(body.problem());
  config::config_text given;
  const auto text = text_in(*body, "text");
  const auto file = text_in(*body, "file", "rules");
  const auto folder = text_in(*body, "base_folder", "/");
  for (const auto* one : {&text, &file, &folder})
    if (!one->ok()) return refusal_of(one->problem());
  given.text = *text;
  given.file = *file;
  // The environment of the node is nobody's business: that of who asks comes along.
  const auto environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = body->find("environment");
    if (found == body->end() || !found->is_object()) return std::nullopt;
    const auto value = found->find(name);
    return value == found->end() || !value->is_string() ? std::nullopt : std::optional(value->text());
  };
  diagnostics faults;
  const auto names = add_rules(call.store(), given, environment, *folder, faults);
  if (!faults.empty()) return refuse_faults(faults);
  if (!names.ok()) return refusal_of(names.problem());
  return json_answer({{"rules", *names}});
}

api_response remove_one(const api_call& call) {
  const auto removed = remove_rule(call.store(), call.text("rule"));
  if (!removed.ok()) return refusal_of(removed.problem());
  return json_answer({{"rule", call.text("rule")}, {"removed", true}});
}

constexpr const char* rule_file_schema = R"json({
  "type": "object",
  "required": ["text"],
  "properties": {
    "text": {"type": "string", "description": "channels, notify and connections, as in a pipeline (YAML or JSON)"},
    "file": {"type": "string", "description": "its name in messages"},
    "base_folder": {"type": "string", "description": "where relative paths start (/)"},
    "environment": {"type": "object", "additionalProperties": {"type": "string"}, "description": "values of ${NAME}"}
  }
})json";

constexpr const char* rules_put_schema = R"json({
  "type": "object",
  "required": ["rules"],
  "properties": {"rules": {"type": "array", "items": {"type": "string"}, "description": "names of the rules"}}
})json";

constexpr const char* rule_removed_schema = R"json({
  "type": "object",
  "required": ["rule", "removed"],
  "properties": {"rule": {"type": "string"}, "removed": {"type": "boolean"}}
})json";

}  // namespace

route_group subscription_routes() {
  return {.name = "subscriptions",
          .routes = {{.method = "POST",
                      .path = "/v1/subscriptions",
                      .id = "put_subscriptions",
                      .summary = "adds rules that concern all pipelines, or changes those of the same names",
                      .body = "RuleFile",
                      .answers = {{.summary = "They are in force", .schema = "RulesPut"}},
                      .refusals = {413, 422},
                      .role = access_role::admin,
                      .answer = put_rules},
                     {.method = "DELETE",
                      .path = "/v1/subscriptions/{rule}",
                      .id = "delete_subscription",
                      .summary = "removes a rule that was added so",
                      .parameters = {path_text("rule", "its name")},
                      .answers = {{.summary = "It is removed", .schema = "RuleRemoved"}},
                      .refusals = {404, 422},
                      .role = access_role::admin,
                      .answer = remove_one}},
          .schemas = {
              {"RuleFile", rule_file_schema}, {"RulesPut", rules_put_schema}, {"RuleRemoved", rule_removed_schema}}};
}

}  // namespace sluice::cluster
