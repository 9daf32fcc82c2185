#include "config/connections.hpp"

#include "config/config_file.hpp"
#include "config/render.hpp"
#include "engine/component/connection_field.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::config;

namespace {

field_spec queue_spec() {
  return {.form = shape::object,
          .elements = {connection_field({{.name = "brokers", .form = shape::text, .required = true},
                                         {.name = "wait", .form = shape::duration, .default_value = "10s"}}),
                       {.name = "topic", .form = shape::text, .required = true},
                       {.name = "batch", .form = shape::integer, .default_value = 7}}};
}

const connection_specs& kinds() {
  static const connection_specs all = {
      {"queue", {.form = shape::object, .elements = queue_spec().elements.at(0).elements}},
      {"table", {.form = shape::object, .elements = {{.name = "url", .form = shape::text, .required = true}}}}};
  return all;
}

struct attempt {
  std::optional<options> own;
  std::string shown;
};

/// Reads the unit `queue` of a file beside its connections, and before them those of a file of --config.
attempt read(const std::string& text, const std::string& config = {}) {
  diagnostics faults;
  connections known(kinds());
  if (!config.empty())
    read_config_file(
        {.file = "c.yaml", .text = config},
        [](const std::string&) { return std::optional<std::string>("from-environment"); }, known, faults);
  const auto parsed = document::parse(text, "p.yaml", faults);
  const reading in{*parsed, faults};
  if (const auto* section = parsed->root().find("connections")) known.read(in, *section);
  attempt made;
  if (const auto* unit = parsed->root().find("queue"))
    made.own = known.read_component(in, *unit, queue_spec(), "queue");
  made.shown = render(faults, parsed.get());
  return made;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a unit takes the options of the connection that it names") {
  const auto made = read("connections: { shop: { queue: { brokers: a } } }\nqueue: { connection: shop, topic: t }\n");
  CHECK(made.shown.empty());
  REQUIRE(made.own);
  CHECK(*made.own == options{{"connection", "shop"}, {"topic", "t"}, {"batch", 7}, {"brokers", "a"}, {"wait", "10s"}});
}

TEST_CASE("a connection's option wins over the default that it has without one") {
  const auto made = read(
      "connections: { shop: { queue: { brokers: a, wait: 3s } } }\nqueue: { connection: shop, topic: t, batch: 1 }\n");
  REQUIRE(made.own);
  CHECK(made.own->at("wait") == "3s");
  CHECK(made.own->at("batch").get<int>() == 1);
}

TEST_CASE("a secret of a connection stays a reference") {
  const auto made =
      read("connections: { shop: { queue: { brokers: \"${secret:b}\" } } }\nqueue: { connection: shop, topic: t }\n");
  CHECK(made.shown.empty());
}

TEST_CASE("a connection that is not there is refused with the nearest name") {
  const auto made = read("connections: { shop: { queue: { brokers: a } } }\nqueue: { connection: shpo, topic: t }\n");
  INFO(made.shown);
  CHECK_FALSE(made.own);
  CHECK(contains(made.shown, "error[unknown_connection] p.yaml:2:22: there is no connection shpo"));
  CHECK(contains(made.shown, "did you mean `shop`?"));
  CHECK(contains(read("queue: { connection: shop, topic: t }\n").shown, "connections: { shop: { queue: { ... } } }"));
}

TEST_CASE("a connection of another component is refused") {
  const auto made = read("connections: { mart: { table: { url: a } } }\nqueue: { connection: mart, topic: t }\n");
  INFO(made.shown);
  CHECK_FALSE(made.own);
  CHECK(contains(made.shown, "the connection mart is of table, this unit needs one of queue"));
}

TEST_CASE("an option can't be both in the unit and in its connection") {
  const auto made =
      read("connections: { shop: { queue: { brokers: a } } }\nqueue: { connection: shop, topic: t, brokers: b }\n");
  INFO(made.shown);
  CHECK_FALSE(made.own);
  CHECK(contains(made.shown, "error[given_twice] p.yaml:2:47: brokers is given here and in the connection shop"));
}

TEST_CASE("faults of a connection are reported once, where they are, also if nothing uses it") {
  const auto made = read(
      "connections:\n  a: { queue: { broker: x } }\n  b: { queu: {} }\n  c: text\n  d/e: { queue: { brokers: a } }\n"
      "queue: { connection: a, topic: t }\n");
  INFO(made.shown);
  CHECK_FALSE(made.own);
  CHECK(contains(made.shown, "error[unknown_key] p.yaml:2:17: connection a: queue has no key broker"));
  CHECK(contains(made.shown, "error[missing_key] p.yaml:2:15: connection a: queue needs brokers: text"));
  CHECK(contains(made.shown, "connection b: there is no component queu that has connections"));
  CHECK(contains(made.shown, "did you mean `queue`?"));
  CHECK(contains(made.shown, "connection c: a connection must be of one component, found"));
  CHECK(contains(made.shown, "error[invalid_name] p.yaml:5:3"));
  CHECK_FALSE(contains(made.shown, "p.yaml:6"));
}

TEST_CASE("without a connection a unit needs the options itself") {
  const auto made = read("queue: { topic: t }\n");
  INFO(made.shown);
  CHECK_FALSE(made.own);
  CHECK(contains(made.shown, "queue needs brokers"));
  CHECK(read("queue: { topic: t, brokers: b }\n").own->at("wait") == "10s");
}

TEST_CASE("the file of --config wins over the pipeline, and its faults name it") {
  const std::string pipeline =
      "connections: { shop: { queue: { brokers: a } }, other: { queue: { brokers: o } } }\n"
      "queue: { connection: shop, topic: t }\n";
  CHECK(read(pipeline, "connections: { shop: { queue: { brokers: \"${B}\" } } }\n").own->at("brokers") ==
        "from-environment");
  CHECK(contains(read(pipeline, "connection: {}\n").shown, "c.yaml:1:1: a file of --config has no key connection"));
  CHECK(contains(read(pipeline, "connections: { shop: { queue: { broker: b } } }\n").shown, "c.yaml:1:33"));
}
