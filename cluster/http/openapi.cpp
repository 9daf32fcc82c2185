#include "cluster/http/openapi.hpp"

#include "cluster/http/route.hpp"
#include "engine/version.hpp"

#include <algorithm>
#include <map>

namespace sluice::cluster {

namespace {

const std::map<int, const char*>& refusal_texts() {
  static const std::map<int, const char*> all = {
      {400, "The request, or one of its parameters, is not valid"},
      {401, "The token is missing or wrong"},
      {403, "The token's role does not include this path; the path's is `x-role`"},
      {404, "There is no such thing"},
      {409, "Ambiguous, or not possible now"},
      {413, "The body is larger than 16 MiB"},
      {422, "What was asked for is refused: the pipeline, for example"},
      {501, "This process does not do that"},
      {503, "Try again"},
  };
  return all;
}

options reference_to(const std::string& schema) { return {{"$ref", "#/components/schemas/" + schema}}; }

options schema_of(const parameter& what) {
  options schema;
  switch (what.is) {
    case parameter::form::text:
      schema["type"] = "string";
      if (!what.choices.empty()) schema["enum"] = what.choices;
      break;
    case parameter::form::whole:
      schema = {{"type", "integer"}, {"format", "int64"}, {"minimum", what.least}, {"maximum", what.most}};
      if (!what.otherwise.empty()) schema["default"] = std::stoll(what.otherwise);
      return schema;
    case parameter::form::flag:
      schema["type"] = "boolean";
      if (!what.otherwise.empty()) schema["default"] = what.otherwise == "true";
      return schema;
    case parameter::form::duration:
      schema["type"] = "string";
      schema["examples"] = std::vector<std::string>{"20s"};
      break;
  }
  if (!what.otherwise.empty()) schema["default"] = what.otherwise;
  return schema;
}

options parameter_json(const parameter& what) {
  const auto* place = what.in == parameter::place::path    ? "path"
                      : what.in == parameter::place::query ? "query"
                                                           : "header";
  options out;
  out["name"] = what.name;
  out["in"] = place;
  out["required"] = what.in == parameter::place::path;
  out["description"] = what.summary;
  out["schema"] = schema_of(what);
  return out;
}

options answers_json(const route& of) {
  options all = options::object();
  for (const auto& each : of.answers) {
    auto& one = all[std::to_string(each.status)];
    // Of several forms of one status the first one gives the text.
    if (!one.contains("description")) one["description"] = each.summary;
    one["content"][each.content_type]["schema"] =
        each.schema.empty() ? options{{"type", "string"}} : reference_to(each.schema);
  }
  if (of.open && of.how == answered::at_once) return all;
  auto refused = of.refusals;
  if (!of.open) refused.insert(refused.end(), {400, 401, 403, 503});
  std::sort(refused.begin(), refused.end());
  for (const int status : refused) {
    auto& one = all[std::to_string(status)];
    one["description"] = refusal_texts().at(status);
    one["content"]["application/json"]["schema"] = reference_to("Refusal");
  }
  return all;
}

options route_json(const route& of, const std::string& group) {
  options out = {{"operationId", of.id}, {"summary", of.summary}, {"tags", std::vector<std::string>{group}}};
  if (of.open) out["security"] = options::array();
  if (!of.open) out["x-role"] = to_string(role_of(of));
  if (!of.parameters.empty()) {
    auto& list = out["parameters"] = options::array();
    for (const auto& each : of.parameters) list.push_back(parameter_json(each));
  }
  if (!of.body.empty()) {
    out["requestBody"]["required"] = true;
    out["requestBody"]["content"]["application/json"]["schema"] = reference_to(of.body);
  }
  out["responses"] = answers_json(of);
  return out;
}

constexpr const char* error_schema = R"json({
  "type": "object",
  "required": ["code", "message"],
  "properties": {
    "code": {"type": "string", "description": "stable; `sluice help CODE` explains it"},
    "message": {"type": "string"},
    "hint": {"type": "string", "description": "what to do"},
    "where": {"type": "string"},
    "file": {"type": "string"},
    "line": {"type": "integer"},
    "column": {"type": "integer"},
    "blame": {"type": "string", "enum": ["user", "external", "internal"]},
    "retry": {"type": "boolean", "description": "trying again can help"}
  }
})json";

constexpr const char* refusal_schema = R"json({
  "type": "object",
  "required": ["error"],
  "properties": {
    "error": {"$ref": "#/components/schemas/Error"},
    "faults": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}, "description": "all faults of a pipeline, the first 100"},
    "more_faults": {"type": "integer", "description": "how many more there are"}
  }
})json";

}  // namespace

options openapi_document() {
  options paths = options::object();
  options schemas = options::object();
  options tags = options::array();
  for (const auto& group : route_groups()) {
    tags.push_back({{"name", group.name}});
    for (const auto& each : group.routes) {
      auto method = each.method;
      for (auto& c : method) c = static_cast<char>(c - 'A' + 'a');
      paths[each.path][method] = route_json(each, group.name);
    }
    for (const auto& [name, text] : group.schemas) schemas[name] = options::parse(text);
  }
  schemas["Error"] = options::parse(error_schema);
  schemas["Refusal"] = options::parse(refusal_schema);
  options servers = options::array();
  servers.push_back({{"url", "http://127.0.0.1:7071"}});
  options security = options::array();
  security.push_back({{"token", options::array()}});
  options document = {{"openapi", "3.1.0"}};
  document["info"] = {{"title", "Sluice"},
                      {"version", version()},
                      {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}},
                      {"description", "The HTTP API of a Sluice node. docs/http-api.md tells of streams and limits."}};
  document["servers"] = std::move(servers);
  document["security"] = std::move(security);
  document["tags"] = std::move(tags);
  document["paths"] = std::move(paths);
  document["components"]["securitySchemes"]["token"] = {{"type", "http"},
                                                        {"scheme", "bearer"},
                                                        {"description",
                                                         "The content of the file `token` in the node's state folder, "
                                                         "SLUICE_TOKEN, or a token of `sluice tokens create` whose "
                                                         "role includes the `x-role` of the path."}};
  document["components"]["schemas"] = std::move(schemas);
  return document;
}

}  // namespace sluice::cluster
