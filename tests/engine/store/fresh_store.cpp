#include "tests/engine/store/fresh_store.hpp"

#include "engine/clients/postgres/connection.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

namespace sluice::store::testing {

fresh_store::fresh_store() : place_(folder_.file("state/sluice.db")) {
  const auto* url = std::getenv("SLUICE_TEST_STORE");
  if (url == nullptr) return;
  place_ = url;
  interruption never;
  auto server = postgres::connection::open(place_, never).value();
  REQUIRE(server->run("DROP SCHEMA IF EXISTS sluice CASCADE").ok());
}

}  // namespace sluice::store::testing
