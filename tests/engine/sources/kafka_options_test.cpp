#include "tests/support/components.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

// What is found without a broker; tests/services has the rest.

namespace {

std::vector<std::string> codes(options own, options types = {{"id", "bigint"}}, options metadata = {}) {
  const auto context = make_context();
  source_request request;
  request.unit = "in";
  request.own = std::move(own);
  request.types = std::move(types);
  request.metadata = std::move(metadata);
  request.context = &context;
  std::vector<std::string> found;
  for (const auto& fault : faults_of(*find_component(component_kind::source, "kafka"), request))
    found.push_back(fault.code + " " + fault.path);
  return found;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("faults of a kafka source's options are found without a broker, all of them") {
  CHECK(codes({{"brokers", "h:1"}, {"topic", "t"}}).empty());
  CHECK(codes({{"topic", options::array()}}) == texts{"missing_brokers /kafka", "missing_topic /kafka"});
  CHECK(codes({{"brokers", "h:1"}, {"topic", "^("}, {"start", "yesterday"}}) ==
        texts{"invalid_option /kafka/topic", "invalid_option /kafka/start"});
  CHECK(codes({{"brokers", "h:1"}, {"topic", "t"}, {"tls", {{"key", "k.pem"}}}}) == texts{"invalid_option /kafka/tls"});
  CHECK(codes({{"brokers", "h:1"}, {"topic", "t"}, {"format", "csv"}}, {}) == texts{"missing_types /types"});
  CHECK(codes({{"brokers", "h:1"}, {"topic", "t"}, {"format", "bytes"}}) == texts{"invalid_option /types"});
  CHECK(codes({{"brokers", "h:1"}, {"topic", "t"}}, {{"id", "bigint"}}, {{"k", "kye"}}) ==
        texts{"unknown_metadata /metadata/k"});
  CHECK(codes({{"brokers", "h:1"}, {"topic", "t"}}, {{"id", "bigint"}}, {{"id", "key"}}) == texts{"duplicate_column "});
}
