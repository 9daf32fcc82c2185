#include "config/json_schema.hpp"
#include "engine/component/component.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("the editors' schema knows every component with its options") {
  const auto schema = config::json_schema();
  CHECK(schema.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
  for (const auto* one : components()) {
    INFO(one->spec.name);
    if (one->spec.kind == component_kind::subscriber) {
      const auto& channel = schema.at("properties").at("channels").at("additionalProperties");
      CHECK(channel.at("properties").contains(one->spec.name));
      continue;
    }
    const char* kind = one->spec.kind == component_kind::source      ? "source"
                       : one->spec.kind == component_kind::transform ? "transform"
                                                                     : "sink";
    const auto& unit = schema.at("$defs").at(kind);
    REQUIRE(unit.at("properties").contains(one->spec.name));
    CHECK(unit.at("properties").at(one->spec.name).contains("description"));
    CHECK(unit.at("oneOf").dump().find("\"required\":[\"" + one->spec.name + "\"]") != std::string::npos);
    if (one->spec.value.form != shape::object) continue;
    for (const auto& field : one->spec.value.elements)
      CHECK(unit.at("properties").at(one->spec.name).at("properties").contains(field.name));
  }
}

TEST_CASE("the editors' schema refuses unknown keys and asks for from") {
  const auto schema = config::json_schema();
  CHECK(schema.at("additionalProperties") == false);
  CHECK(schema.at("$defs").at("sink").at("required") == options::array({"from"}));
  CHECK(schema.at("$defs").at("source").at("additionalProperties") == false);
  CHECK(schema.at("properties").at("extract").at("additionalProperties").at("$ref") == "#/$defs/source");
}
