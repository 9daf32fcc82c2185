#include "engine/secrets/known_secrets.hpp"

#include "engine/error/names.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("what is hidden comes back, also what looks like a reference itself") {
  secrets::remember("known_path", "Pa7h-value");
  for (const std::string text : {"/data/Pa7h-value/in.csv", "Pa7h-valuePa7h-value", "$Pa7h-value", "plain", "",
                                 "a ${secret:known_path} b", "${secret:", "$${secret:}{secret:", "${secret:}"}) {
    INFO(text);
    const auto hidden = secrets::hide(text);
    CHECK(hidden.find("Pa7h-value") == std::string::npos);
    auto revealed = hidden;
    REQUIRE(secrets::reveal(revealed).ok());
    CHECK(revealed == text);
  }
}

TEST_CASE("what is hidden follows a secret that changes") {
  secrets::remember("known_moving", "old-folder");
  auto hidden = secrets::hide("/data/old-folder/a.csv");
  CHECK(hidden == "/data/${secret:known_moving}/a.csv");
  secrets::remember("known_moving", "new-folder");
  CHECK(secrets::hide("/data/old-folder/a.csv") == hidden);
  REQUIRE(secrets::reveal(hidden).ok());
  CHECK(hidden == "/data/new-folder/a.csv");
}

TEST_CASE("a secret that was not looked up can't be revealed") {
  std::string text = "/data/${secret:known_to_nobody}/a.csv";
  CHECK(secrets::reveal(text).problem().code == "missing_secret");
  CHECK(text == "/data/${secret:known_to_nobody}/a.csv");
}

TEST_CASE("a text that is shortened shows no part of a secret") {
  secrets::remember("known_long", "0123456789-0123456789-0123456789");
  const auto cut = shortened("found '0123456789-0123456789-0123456789', which is wrong", 20);
  CHECK(cut.find("0123") == std::string::npos);
}
