#include "cluster/error_answer.hpp"

#include "engine/error/error_json.hpp"

namespace sluice::cluster {

namespace {

std::string text_of(const options& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int number_of(const options& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<int>() : 0;
}

}  // namespace

options error_to_json(const error& problem) {
  options out = to_json(problem);
  out["blame"] = problem.to_blame == blame::user       ? "user"
                 : problem.to_blame == blame::external ? "external"
                                                       : "internal";
  if (problem.retry) out["retry"] = true;
  return out;
}

error error_from_json(const options& json) {
  if (!json.is_object() || text_of(json, "code").empty())
    return external_error("invalid_answer", "the node answered with an unknown error",
                          "check that --to is a Sluice node of the same release");
  const auto word = text_of(json, "blame");
  error out{.code = text_of(json, "code"),
            .to_blame = word == "user"       ? blame::user
                        : word == "internal" ? blame::internal
                                             : blame::external,
            .retry = json.value("retry", options(false)) == true,
            .message = text_of(json, "message"),
            .hint = text_of(json, "hint"),
            .where = text_of(json, "where")};
  out.at = {.file = text_of(json, "file"), .line = number_of(json, "line"), .column = number_of(json, "column")};
  return out;
}

std::string json_text(const options& value) { return value.dump(); }

}  // namespace sluice::cluster
