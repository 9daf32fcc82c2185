#include "engine/expression/functions/sha256.hpp"

#include <openssl/evp.h>

#include <catch2/catch.hpp>

#include <string>

using namespace sluice::expression;

TEST_CASE("SHA-256 by the processor's instructions is OpenSSL's, whatever the length") {
  if (!has_sha_instructions()) return;
  std::string text;
  for (std::size_t length = 0; length < 400; ++length) {
    sha256_digest expected{};
    sha256_digest found{};
    REQUIRE(EVP_Digest(text.data(), text.size(), expected.data(), nullptr, EVP_sha256(), nullptr) == 1);
    sha256_by_instructions(text, found);
    CAPTURE(length);
    CHECK(found == expected);
    text.push_back(static_cast<char>(length * 37 + 11));
  }
}
