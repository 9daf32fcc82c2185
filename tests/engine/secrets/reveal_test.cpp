#include "engine/secrets/reveal.hpp"

#include "engine/error/remarks.hpp"
#include "engine/secrets/mask.hpp"

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
  CHECK(made->dump() == R"({"url":"db://me:hunter2@host","list":["hunter2",1]})");
}

TEST_CASE("a secret that is not set is an error") {
  const auto made = reveal_secrets(options{{"url", "${secret:other}"}}, with_secrets());
  REQUIRE_FALSE(made.ok());
  CHECK(made.problem().code == "missing_secret");
  CHECK(made.problem().path == "/url");
}

TEST_CASE("a secret is masked from the moment when it was looked up") {
  run_context context;
  context.secret = [](const std::string&) -> result<std::string> { return std::string("looked-up-once"); };
  CHECK(secrets::mask("looked-up-once") == "looked-up-once");
  REQUIRE(reveal_secrets(options("${secret:once}"), context).ok());
  CHECK(secrets::mask("looked-up-once") == "${secret:once}");
}

TEST_CASE("options say which secrets they need") {
  CHECK(secrets_of({{"a", "x${secret:one}y${secret:two}"}, {"b", {1, true, nullptr, {{"c", "${secret:one}"}}}}}) ==
        std::vector<std::string>{"one", "two"});
}

TEST_CASE("where nothing is to run a missing secret is a remark") {
  const auto found = optional_secrets()("not_set_anywhere");
  REQUIRE_FALSE(found.ok());
  CHECK(found.problem().code == "unset_secret");
  CHECK(is_remark(found.problem()));
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
