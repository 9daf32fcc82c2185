// What reads 16 bytes at once agrees with its scalar twin.
#include "engine/formats/ndjson/cursor.hpp"
#include "engine/formats/ndjson/keys.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>
#include <string>

using namespace sluice::ndjson;

namespace {

std::string random_text(std::mt19937_64& random, std::string_view letters, std::size_t most) {
  std::string text;
  for (auto left = random() % (most + 1); left > 0; --left) text += letters[random() % letters.size()];
  return text;
}

}  // namespace

TEST_CASE("numbers are read alike by 16 bytes and one by one") {
  if (scalar_only) return;  // SLUICE_SIMD says that there is only one way
  std::mt19937_64 random(1);
  int good = 0;
  for (int round = 0; round < 200'000; ++round) {
    const auto* const letters = round % 4 == 0 ? "0123456789.eE+-, x" : "0123456789012345678901234567890123456789.";
    const auto text = (random() % 3 == 0 ? "-" : "") + random_text(random, letters, 24) + (round % 2 == 0 ? "," : "}");
    const auto padded = text + "\n" + std::string(padding, static_cast<char>('0' + random() % 12));
    number wide, narrow;
    const char* const wide_end = read_number(padded.data(), wide);
    const char* const narrow_end = read_any_number(padded.data(), narrow);
    INFO(text);
    REQUIRE(wide_end == narrow_end);
    REQUIRE(skip_number(padded.data()) == narrow_end);
    if (narrow_end == nullptr) continue;
    ++good;
    REQUIRE(wide.text() == narrow.text());
    REQUIRE(wide.negative == narrow.negative);
    REQUIRE(wide.whole == narrow.whole);
    REQUIRE(wide.exact == narrow.exact);
    REQUIRE(wide.exponent == narrow.exponent);
    REQUIRE(wide.digits == narrow.digits);
  }
  CHECK(good > 50'000);
}

TEST_CASE("the ends of plain text are found alike by 16 bytes and one by one") {
  if (scalar_only) return;
  std::mt19937_64 random(2);
  for (int round = 0; round < 100'000; ++round) {
    unsigned char bytes[16];
    for (auto& byte : bytes)
      byte = static_cast<unsigned char>(round % 2 == 0 ? random() : "ab\"\\\x1f \x7f\xff"[random() % 8]);
    if (round % 3 == 0) std::fill_n(bytes, random() % 17, static_cast<unsigned char>('a'));
    __m128i sixteen;
    std::memcpy(&sixteen, bytes, sizeof bytes);
    REQUIRE(plain_run(sixteen) == plain_run_scalar(sixteen));
  }
}

TEST_CASE("keys are known again alike by 16 bytes and one by one") {
  std::mt19937_64 random(3);
  int same = 0;
  for (int round = 0; round < 50'000; ++round) {
    key_table keys;
    keys.add(random_text(random, "ab", 1 + random() % 70), -1, nullptr);
    if (random() % 2 == 0) keys.note_lead(", \"");
    const auto& entry = keys.entries[0];
    const auto lead = static_cast<std::size_t>(keys.lead);
    auto text = random() % 2 == 0 ? entry.token : random_text(random, "ab\":", 70);
    if (random() % 3 == 0 && !text.empty()) text[random() % text.size()] ^= 1;
    const auto padded = text + std::string(padding, 'a');
    const bool stands = entry.token.size() <= 64 && padded.compare(0, entry.token.size(), entry.token) == 0;
    INFO(entry.token << " in " << text);
    REQUIRE(entry.stands_at(padded.data(), 0) == stands);
    const bool key_stands =
        entry.token.size() <= 64 && padded.compare(0, entry.rest(keys.lead), entry.token.substr(lead)) == 0;
    REQUIRE(entry.stands_at(padded.data(), keys.lead) == key_stands);
    REQUIRE(entry.stands_at((entry.token.substr(lead) + std::string(padding, 'a')).data(), keys.lead) ==
            (entry.token.size() <= 64));
    same += stands ? 1 : 0;
  }
  CHECK(same > 5'000);
}
