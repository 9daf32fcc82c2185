#include "engine/values/time_zone.hpp"

#include "engine/values/posix_rule.hpp"
#include "engine/values/value_parse.hpp"
#include "engine/values/value_text.hpp"
#include "engine/values/zone_rules.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace sluice;

namespace {

std::int64_t read(const std::string& text) {
  std::int64_t at = 0, offset = 0;
  bool has_offset = false;
  REQUIRE(parse_timestamp(text, at, has_offset, offset) == parsed::good);
  return at;
}

std::string written(std::int64_t at) {
  char text[longest_value];
  return {text, write_timestamp(text, at, false)};
}

zone_clock clock_of(const std::string& zone) { return std::move(zone_clock::find(zone)).value(); }

// --- a TZif file, built by hand

struct zone_file {
  char version = '2';
  std::vector<std::pair<std::int64_t, int>> changes = {};
  std::vector<std::pair<int, int>> types = {{3600, 0}, {7200, 1}};  ///< offset, daylight
  std::string names = std::string("CET\0CEST\0", 9);
  std::string rule = {};
  int leap_seconds = 0;

  static std::string number(std::int64_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    return out;
  }
  [[nodiscard]] std::string block(int time_size) const {
    std::string out = "TZif";
    out += version;
    out.append(15, '\0');
    for (const auto count : {std::size_t{0}, std::size_t{0}, static_cast<std::size_t>(leap_seconds), changes.size(),
                             types.size(), names.size()})
      out += number(static_cast<std::int64_t>(count), 4);
    for (const auto& [at, type] : changes) out += number(at, time_size);
    for (const auto& [at, type] : changes) out += static_cast<char>(type);
    for (const auto& [offset, daylight] : types) {
      out += number(offset, 4);
      out += static_cast<char>(daylight);
      out += static_cast<char>(daylight == 0 ? 0 : 4);
    }
    return out + names + std::string(static_cast<std::size_t>(leap_seconds * (time_size + 4)), '\0');
  }
  [[nodiscard]] std::string bytes() const {
    return version == '\0' ? block(4) : block(4) + block(8) + "\n" + rule + "\n";
  }
  [[nodiscard]] zone_rules rules() const { return std::move(zone_rules::read(bytes(), "test")).value(); }
  [[nodiscard]] std::string refusal() const { return zone_rules::read(bytes(), "test").problem().message; }
};

}  // namespace

// What PostgreSQL 15 gives for `timestamp at time zone`.
TEST_CASE("a local time that is skipped or comes twice is read as PostgreSQL reads it") {
  struct expected {
    const char *zone, *local, *utc;
  };
  for (const auto& [zone, local, utc] :
       std::vector<expected>{{"Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:30:00"},
                             {"Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 01:30:00"},
                             {"Europe/Berlin", "2050-07-01 00:30:00", "2050-06-30 22:30:00"},
                             {"Europe/Dublin", "2024-03-31 01:30:00", "2024-03-31 01:30:00"},
                             {"Europe/Dublin", "2024-10-27 01:30:00", "2024-10-27 01:30:00"},
                             {"Europe/Moscow", "2014-10-26 01:30:00", "2014-10-25 22:30:00"},
                             {"Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 22:00:00"},
                             {"Australia/Lord_Howe", "2024-04-07 01:45:00", "2024-04-06 15:15:00"},
                             {"Australia/Lord_Howe", "2024-10-06 02:15:00", "2024-10-05 15:45:00"},
                             {"America/Sao_Paulo", "2018-11-04 00:30:00", "2018-11-04 03:30:00"},
                             {"Africa/Casablanca", "2024-03-10 02:30:00", "2024-03-10 02:30:00"},
                             {"Africa/Casablanca", "2090-06-01 12:00:00", "2090-06-01 11:00:00"},
                             {"Asia/Gaza", "2040-07-01 12:00:00", "2040-07-01 09:00:00"},
                             {"America/New_York", "1883-11-18 12:02:00", "1883-11-18 17:02:00"},
                             {"America/New_York", "2500-07-04 12:00:00", "2500-07-04 16:00:00"},
                             {"America/Nuuk", "2060-07-01 12:00:00", "2060-07-01 13:00:00"}}) {
    INFO(zone << " " << local);
    auto clock = clock_of(zone);
    CHECK(written(clock.to_utc(read(local))) == utc);
  }
}

TEST_CASE("summer time has no last year") {
  auto clock = clock_of("Europe/Berlin");
  for (const auto year : {"2037", "2038", "2050", "2437", "2438", "9999", "200000"}) {
    const auto summer = read(std::string(year) + "-07-01 22:30:00"),
               winter = read(std::string(year) + "-01-15 22:30:00");
    CHECK(clock.to_local(summer) - summer == 7'200'000'000);
    CHECK(clock.to_local(winter) - winter == 3'600'000'000);
    CHECK(clock.to_utc(clock.to_local(summer)) == summer);
    CHECK(clock.abbreviation_at(summer) == "CEST");
  }
}

TEST_CASE("a clock gives the same whatever it was asked before") {
  std::mt19937_64 random(3);
  for (const auto* zone : {"Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns"}) {
    auto used = clock_of(zone);
    const auto fresh = clock_of(zone);
    for (int i = 0; i < 20'000; ++i) {
      const auto at = static_cast<std::int64_t>(random() % 20'000'000'000) * 1'000'000 - 5'000'000'000'000'000;
      auto untouched = fresh;
      REQUIRE(used.to_local(at) == untouched.to_local(at));
      untouched = fresh;
      REQUIRE(used.to_utc(at) == untouched.to_utc(at));
    }
  }
}

TEST_CASE("times at the ends of the range are converted, too") {
  auto clock = clock_of("Asia/Tokyo");
  for (const auto at : {INT64_MIN / 2, INT64_MAX / 2}) CHECK(clock.to_utc(clock.to_local(at)) == at);
  // At the very ends a local time wraps around: of no use, but nothing breaks.
  for (const auto at : {INT64_MIN, INT64_MAX}) static_cast<void>(clock.to_utc(clock.to_local(at)));
}

TEST_CASE("rules for the future are read in all of their forms") {
  const auto year = [](const std::string& text, std::int64_t of) {
    const auto rule = posix_rule::parse(text);
    REQUIRE(rule);
    return written(rule->begin_of(of) * 1'000'000) + " to " + written(rule->end_of(of) * 1'000'000);
  };
  CHECK(year("CET-1CEST,M3.5.0,M10.5.0/3", 2038) == "2038-03-28 01:00:00 to 2038-10-31 01:00:00");
  CHECK(year("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2040) == "2040-03-25 01:00:00 to 2040-10-28 01:00:00");
  CHECK(year("IST-1GMT0,M10.5.0,M3.5.0/1", 2038) == "2038-10-31 01:00:00 to 2038-03-28 01:00:00");
  CHECK(year("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2038) == "2038-10-02 15:30:00 to 2038-04-03 15:00:00");
  CHECK(year("EET-2EEST,M3.4.4/50,M10.4.4/50", 2040) == "2040-03-24 00:00:00 to 2040-10-26 23:00:00");
  CHECK(year("AAA3BBB,J60/0,J300/0", 2024) == "2024-03-01 03:00:00 to 2024-10-27 02:00:00");
  CHECK(year("AAA3BBB,59/0,299/0", 2024) == "2024-02-29 03:00:00 to 2024-10-26 02:00:00");
  CHECK(posix_rule::parse("<+0545>-5:45")->standard().offset == 20'700);
  for (const auto* bad :
       {"C-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J10", "CET-1CEST,366,1",
        "CET-1CEST,M3.5.0/168,M10.5.0", "CET-26", "CET-1x", "<CET-1", "CET-1CEST,M3.5.0,M10.5.0/3 ", "CET-1:60"})
    CHECK_FALSE(posix_rule::parse(bad));
}

TEST_CASE("zone files of every version are read") {
  const std::int64_t change = 1'000'000'000;
  zone_file old{.version = '\0', .changes = {{change, 1}}};
  CHECK(old.rules().at(change - 1).offset == 3600);
  CHECK(old.rules().at(change).offset == 7200);
  CHECK(old.rules().at(INT64_MAX / 1'000'000).offset == 7200);
  zone_file newer{.changes = {{change, 1}, {change + 100, 0}}, .rule = "CET-1CEST,M3.5.0,M10.5.0/3"};
  CHECK(newer.rules().at(change + 50).end == change + 100);
  CHECK(newer.rules().at(2'161'000'000).offset == 7200);  // June 2038
  CHECK(newer.rules().abbreviation(newer.rules().at(2'161'000'000).type) == "CEST");
  // Without listed changes the rule holds for all of time.
  zone_file bare{.version = '3', .rule = "CET-1CEST,M3.5.0,M10.5.0/3"};
  for (const std::int64_t summer :
       {-62'000'000'000LL, -2'761'000'000LL, 15'000'000LL, 2'161'000'000LL, 99'999'000'000LL}) {
    const auto period = bare.rules().at(summer);
    CHECK(period.begin <= summer);
    CHECK(period.end > summer);
    CHECK(period.end - period.begin < 240 * 86'400);
  }
  // Daylight time all year: its end and its next beginning are one instant.
  zone_file always{.changes = {{0, 0}}, .rule = "XXX3EDT4,0/0,J365/23"};
  for (std::int64_t at = 100'000'000; at < 3'000'000'000; at += 1'234'567)
    REQUIRE(always.rules().at(at).offset == -14'400);
}

TEST_CASE("a damaged zone file is refused and says how") {
  zone_file good{.changes = {{100, 1}, {200, 0}}, .rule = "CET-1"};
  CHECK(zone_rules::read(good.bytes(), "test").ok());
  for (std::size_t size = 0; size < good.bytes().size(); ++size)
    CHECK(zone_rules::read(good.bytes().substr(0, size), "test").problem().code == "invalid_timezone_file");
  auto broken = good;
  broken.changes = {{200, 1}, {100, 0}};
  CHECK(broken.refusal() == "the time zone file test lists its changes in the wrong order");
  broken = good;
  broken.changes = {{100, 2}};
  CHECK(broken.refusal() == "the time zone file test lists its changes in the wrong order");
  broken = good;
  broken.types = {{200'000, 0}};
  CHECK(broken.refusal() == "the time zone file test contains an offset or name out of range");
  broken = good;
  broken.rule = "CET-1CEST";
  CHECK(broken.refusal() == "the time zone file test ends in 'CET-1CEST', which is not a valid rule");
  broken = good;
  broken.leap_seconds = 1;
  CHECK(broken.refusal() == "the time zone file test counts leap seconds, but timestamps do not");
  CHECK(zone_rules::read("# version 2025b", "test").problem().message ==
        "the time zone file test is not a time zone file (TZif)");

  std::mt19937 random(11);
  const auto whole = zone_file{.changes = {{100, 1}, {200, 0}}, .rule = "CET-1CEST,M3.5.0,M10.5.0/3"}.bytes();
  for (int round = 0; round < 3'000; ++round) {
    auto bytes = whole;
    for (auto left = 1 + random() % 4; left > 0; --left) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto rules = zone_rules::read(bytes, "test");
    if (!rules.ok()) continue;
    for (const std::int64_t at :
         std::vector<std::int64_t>{INT64_MIN / 1'000'000, -2'000'000'000, 150, 2'161'000'000, INT64_MAX / 1'000'000}) {
      const auto period = rules->at(at);
      REQUIRE(period.begin <= at);
      REQUIRE(period.end > at);
      REQUIRE(std::abs(period.offset) < 100'000);
    }
  }
}

TEST_CASE("a zone that does not exist is refused, with the one that was meant") {
  const auto refused = [](const std::string& name) {
    const auto problem = zone_clock::find(name).problem();
    return problem.code + ": " + problem.message + " [" + problem.hint + "]";
  };
  CHECK(refused("Europe/Berlino") ==
        "unknown_timezone: there is no time zone Europe/Berlino [did you mean Europe/Berlin?]");
  CHECK(refused("europe/berlin") ==
        "unknown_timezone: there is no time zone europe/berlin [did you mean Europe/Berlin?]");
  CHECK(refused("Tokyo") == "unknown_timezone: there is no time zone Tokyo [did you mean Asia/Tokyo?]");
  for (const auto* name : {"../../etc/passwd", "/etc/localtime", "Europe", "Europe/", "Europe//Berlin", "a b"})
    CHECK(zone_clock::find(name).problem().code == "unknown_timezone");
  CHECK(zone_clock::find("zone.tab").problem().code == "invalid_timezone_file");
  for (const auto* name : {"UTC", "Etc/UTC", "GMT", ""}) CHECK(clock_of(name).to_local(7) == 7);
}
