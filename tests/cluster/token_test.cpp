#include "cluster/token.hpp"

#include "tests/support/temporary_folder.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

using namespace sluice::cluster;

TEST_CASE("a state folder has one token, which only its owner can read") {
  const sluice::test::temporary_folder folder;
  CHECK(read_token(folder.path().string()).empty());
  const auto first = ensure_token(folder.file("state"));
  REQUIRE(first.ok());
  CHECK(first->size() == 64);
  CHECK(ensure_token(folder.file("state")).value() == *first);
  CHECK(read_token(folder.file("state")) == *first);
  struct stat about {};
  REQUIRE(::stat((folder.file("state/token")).c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.file("state")), {}) == 1);
}

TEST_CASE("a token that others can read is refused") {
  const sluice::test::temporary_folder folder;
  REQUIRE(ensure_token(folder.path().string()).ok());
  ::chmod((folder.file("token")).c_str(), 0644);
  const auto again = ensure_token(folder.path().string());
  REQUIRE_FALSE(again.ok());
  CHECK(again.problem().code == "token_exposed");
  CHECK(read_token(folder.path().string()).empty());
}

TEST_CASE("tokens are compared whole") {
  CHECK(same_token("abc", "abc"));
  CHECK_FALSE(same_token("abc", "abd"));
  CHECK_FALSE(same_token("abc", "abcd"));
  CHECK_FALSE(same_token("abc", ""));
  CHECK(random_token() != random_token());
}
