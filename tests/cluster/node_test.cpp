#include "cluster/node.hpp"

#include "cluster/http_client.hpp"
#include "cluster/token.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <map>

using namespace sluice;
using namespace sluice::cluster;
using namespace std::chrono_literals;

namespace {

node_options options_of(const test::temporary_folder& folder, const std::string& name) {
  node_options made;
  made.listen.port = 0;
  made.http.port = 0;
  made.name = name;
  made.state_folder = folder.file("state-" + name);
  made.token = "a token of the whole test cluster";
  made.threads = 2;
  return made;
}

std::unique_ptr<node> start(const node_options& settings) {
  auto made = node::start(settings);
  INFO((made.ok() ? std::string() : made.problem().to_string()));
  REQUIRE(made.ok());
  return std::move(made).value();
}

std::unique_ptr<node> join(const test::temporary_folder& folder, const std::string& name, const node& first) {
  auto settings = options_of(folder, name);
  settings.join = first.where().listen;
  return start(settings);
}

http_client client_of(const node& to) { return {to.where().http, "a token of the whole test cluster", 20s}; }

/// Submits and follows to the end; gives the last event's type and the units' nodes.
struct followed {
  std::string last;
  options data;
  std::map<std::string, std::string> nodes;
};
followed run(const node& on, const test::temporary_folder& folder, const std::string& text) {
  const auto client = client_of(on);
  diagnostics faults;
  const auto id = client.submit({text, "p.yaml", folder.path().string(), {}, {}}, faults);
  for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
  REQUIRE(id.ok());
  followed seen;
  const auto ended = client.follow_events(*id, 0, [&](std::int64_t, const options& event) {
    seen.last = event["type"].text();
    seen.data = event["data"];
    if (seen.last == "unit.started") seen.nodes[event["subject"].text()] = event["data"]["node"].text();
    return true;
  });
  INFO(seen.data.dump());
  REQUIRE(ended.ok());
  return seen;
}

std::string pipeline(const std::string& out, const std::string& place) {
  return R"yaml(version: 1
pipeline: spread
extract:
  orders:
    csv: { path: orders.csv }
transform:
  paid:
    from: orders
    filter: "amount > 10"
)yaml" + place +
         R"yaml(
  priced:
    from: paid
    derive: { net: "amount / 3.0", label: "upper(name)" }
  by_name:
    from: priced
    aggregate:
      by: [label]
      compute: { orders: "count(*)", revenue: "sum(net)" }
load:
  detail:
    from: priced
    csv: { path: )yaml" +
         out + R"yaml(-detail.csv }
  report:
    from: by_name
    csv: { path: )yaml" +
         out + R"yaml(-report.csv }
)yaml";
}

void write_orders(const test::temporary_folder& folder, int rows) {
  std::ofstream file(folder.file("orders.csv"));
  file << "id,name,amount\n";
  for (int i = 0; i < rows; ++i) file << i << ",name" << i % 17 << "," << (i * 7919LL) % 1000 << ".25\n";
}

}  // namespace

TEST_CASE("a run spread over two nodes gives what one node gives, bit for bit") {
  const test::temporary_folder folder;
  write_orders(folder, 300000);
  const auto one = start(options_of(folder, "alone"));
  const auto alone = run(*one, folder, pipeline("one", ""));
  INFO(alone.data.dump());
  CHECK(alone.last == "run.succeeded");

  const auto n1 = start(options_of(folder, "n1"));
  const auto n2 = join(folder, "n2", *n1);
  const auto spread = run(*n1, folder, pipeline("two", "    place: { node: n2 }"));
  INFO(spread.data.dump());
  CHECK(spread.last == "run.succeeded");
  CHECK(spread.nodes.at("orders") == "n1");
  CHECK(spread.nodes.at("paid") == "n2");
  CHECK(spread.nodes.at("report") == "n1");
  CHECK(folder.read("two-detail.csv").size() > 1000000);
  CHECK(folder.read("two-detail.csv") == folder.read("one-detail.csv"));
  CHECK(folder.read("two-report.csv") == folder.read("one-report.csv"));
}

TEST_CASE("three nodes pass batches to each other, not only to the first") {
  const test::temporary_folder folder;
  write_orders(folder, 50000);
  const auto n1 = start(options_of(folder, "n1"));
  const auto n2 = join(folder, "n2", *n1);
  const auto n3 = join(folder, "n3", *n1);
  const auto nodes = client_of(*n1).get("/v1/nodes").value()["nodes"];
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0]["name"] == "n1");
  auto text = pipeline("three", "    place: { node: n2 }");
  text.insert(text.find("    derive:"), "    place: { node: n3 }\n");
  text.insert(text.find("    aggregate:"), "    place: { node: n1 }\n");
  const auto seen = run(*n1, folder, text);
  INFO(seen.data.dump());
  CHECK(seen.last == "run.succeeded");
  CHECK(seen.nodes.at("paid") == "n2");
  CHECK(seen.nodes.at("priced") == "n3");
  CHECK(seen.nodes.at("by_name") == "n1");
}

TEST_CASE("a pin on a node that is not there is a fault of the pipeline, with its place") {
  const test::temporary_folder folder;
  write_orders(folder, 10);
  const auto n1 = start(options_of(folder, "n1"));
  diagnostics faults;
  const auto id = client_of(*n1).submit(
      {pipeline("x", "    place: { node: n11 }"), "p.yaml", folder.path().string(), {}, {}}, faults);
  CHECK_FALSE(id.ok());
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "unknown_node");
  CHECK(faults[0].hint == "did you mean 'n1'?");
  CHECK(faults[0].at.line == 10);
}

TEST_CASE("a worker that leaves fails its runs with the cause") {
  const test::temporary_folder folder;
  const auto n1 = start(options_of(folder, "n1"));
  auto n2 = join(folder, "n2", *n1);
  const auto client = client_of(*n1);
  diagnostics faults;
  const auto id = client.submit({R"yaml(version: 1
pipeline: endless
extract: { numbers: { generate: { rows: 100000000000, columns: { id: sequence } } } }
load: { nothing: { from: numbers, blackhole: {}, place: { node: n2 } } }
)yaml",
                                 "p.yaml",
                                 folder.path().string(),
                                 {},
                                 {}},
                                faults);
  for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
  REQUIRE(id.ok());
  std::string last;
  options data;
  const auto ended = client.follow_events(*id, 0, [&](std::int64_t, const options& event) {
    last = event["type"].text();
    data = event["data"];
    if (last == "run.started") n2.reset();
    return true;
  });
  CHECK(ended.ok());
  CHECK(last == "run.failed");
  INFO(data.dump());
  CHECK(data["cause"]["code"] == "node_lost");
  CHECK(data["cause"]["message"].get<std::string>().find("node n2") != std::string::npos);
  CHECK(data["cause"]["message"].get<std::string>().find("nothing") != std::string::npos);
  CHECK(client.get("/v1/nodes").value()["nodes"].size() == 1);
}

TEST_CASE("a run is cancelled over all nodes") {
  const test::temporary_folder folder;
  const auto n1 = start(options_of(folder, "n1"));
  const auto n2 = join(folder, "n2", *n1);
  const auto client = client_of(*n1);
  diagnostics faults;
  const auto id = client.submit({R"yaml(version: 1
pipeline: endless
extract: { numbers: { generate: { rows: 100000000000, columns: { id: sequence } } } }
load: { nothing: { from: numbers, blackhole: {} } }
)yaml",
                                 "p.yaml",
                                 folder.path().string(),
                                 {},
                                 {}},
                                faults);
  REQUIRE(id.ok());
  std::string last;
  CHECK(client
            .follow_events(*id, 0,
                           [&](std::int64_t, const options& event) {
                             last = event["type"].text();
                             if (last == "run.started") CHECK(client.cancel(*id).ok());
                             return true;
                           })
            .ok());
  CHECK(last == "run.cancelled");
}

TEST_CASE("who can't join is told why") {
  const test::temporary_folder folder;
  const auto n1 = start(options_of(folder, "n1"));
  auto wrong = options_of(folder, "n2");
  wrong.join = n1->where().listen;
  SECTION("another token") {
    wrong.token = "another token, just as long as it is";
    const auto refused = node::start(wrong);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.problem().code == "join_failed");
    CHECK(refused.problem().message.find("token") != std::string::npos);
  }
  SECTION("a name that is taken") {
    wrong.name = "n1";
    CHECK(node::start(wrong).problem().message.find("already has a node named n1") != std::string::npos);
  }
  SECTION("nobody there") {
    wrong.join = address{"127.0.0.1", 1};
    CHECK(node::start(wrong).problem().code == "join_failed");
  }
  SECTION("no node there") {
    wrong.join = n1->where().http;
    CHECK(node::start(wrong).problem().code == "join_failed");
  }
  CHECK(client_of(*n1).get("/v1/nodes").ok());
}

TEST_CASE("a worker leads who wants to join to the controller") {
  const test::temporary_folder folder;
  const auto n1 = start(options_of(folder, "n1"));
  const auto n3 = join(folder, "n3", *n1);
  auto settings = options_of(folder, "n2");
  settings.join = n3->where().listen;
  const auto n2 = start(settings);
  CHECK(client_of(*n1).get("/v1/nodes").ok());
}

TEST_CASE("a worker takes no submissions and says who does") {
  const test::temporary_folder folder;
  const auto n1 = start(options_of(folder, "n1"));
  const auto n2 = join(folder, "n2", *n1);
  diagnostics faults;
  const auto refused = client_of(*n2).submit({"x", "p.yaml", "/", {}, {}}, faults);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.problem().code == "not_the_first_node");
  CHECK(refused.problem().hint.find(n1->where().http.to_string()) != std::string::npos);
}

TEST_CASE("ports in use and addresses off loopback are refused") {
  const test::temporary_folder folder;
  const auto n1 = start(options_of(folder, "n1"));
  auto other = options_of(folder, "n2");
  other.listen = n1->where().listen;
  CHECK(node::start(other).problem().code == "port_in_use");
  other.listen.port = 0;
  other.http = n1->where().http;
  CHECK(node::start(other).problem().code == "port_in_use");
  other.http = {"0.0.0.0", 0};
  CHECK(node::start(other).problem().code == "tls_required");
  other.http = {"127.0.0.1", 0};
  other.listen = {"0.0.0.0", 0};
  CHECK(node::start(other).problem().code == "invalid_address");
  other.listen = {"192.0.2.1", 0};
  CHECK(node::start(other).problem().code == "tls_required");
}
