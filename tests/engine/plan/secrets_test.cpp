#include "engine/plan/secrets.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace sluice;

namespace {

run_context with_secrets() {
  run_context context;
  context.secret = [](const std::string& name) -> result<std::string> {
    if (name == "password") return std::string("hunter2");
    return user_error("missing_secret", "no " + name);
  };
  return context;
}

}  // namespace

TEST_CASE("secrets are filled in wherever they stand in the options") {
  const options own = {{"url", "db://me:${secret:password}@host"}, {"list", {"${secret:password}", 1}}};
  const auto made = reveal_secrets(own, with_secrets());
  REQUIRE(made.ok());
  CHECK(made->own.dump() == R"({"url":"db://me:hunter2@host","list":["hunter2",1]})");
}

TEST_CASE("a secret that is not set is an error") {
  const auto made = reveal_secrets(options{{"url", "${secret:other}"}}, with_secrets());
  REQUIRE_FALSE(made.ok());
  CHECK(made.problem().code == "missing_secret");
  CHECK(made.problem().path == "/url");
}

TEST_CASE("messages never show a secret") {
  diagnostics faults = {user_error("x", "cannot open db://me:hunter2@host", "is hunter2 right?")};
  hide_secrets({"hunter2"}, faults, 0);
  CHECK(faults[0].message == "cannot open db://me:***@host");
  CHECK(faults[0].hint == "is *** right?");
}

TEST_CASE("a node reads secrets from its environment") {
  setenv("SLUICE_SECRET_TEST_ONLY", "x y", 1);
  const auto read = node_secrets();
  REQUIRE(read("test_only").ok());
  CHECK(*read("test_only") == "x y");
  CHECK(read("not_set_anywhere").problem().hint.find("SLUICE_SECRET_NOT_SET_ANYWHERE") != std::string::npos);
  CHECK_FALSE(read("../etc/passwd").ok());
  unsetenv("SLUICE_SECRET_TEST_ONLY");
}
