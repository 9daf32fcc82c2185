#include "engine/flow/retries.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("only what may pass is worth another try") {
  CHECK(flow::may_pass(external_error("connection_lost", "")));
  CHECK(flow::may_pass(external_error("disk_full", "")));
  CHECK(flow::may_pass(external_error("engine_killed", "")));
  CHECK(flow::may_pass(internal_error("component_threw", "")));
  CHECK_FALSE(flow::may_pass(user_error("invalid_value", "")));
  CHECK_FALSE(flow::may_pass(external_error("permission_denied", "")));
  CHECK_FALSE(flow::may_pass(external_error("file_not_found", "")));
  CHECK_FALSE(flow::may_pass(internal_error("rows_lost", "")));
  CHECK_FALSE(flow::may_pass(external_error("checkpoint_damaged", "")));
}

TEST_CASE("waits double up to the longest, half of each by chance, and end with the attempts") {
  const retry_rule rule{.attempts = 4, .backoff = 100ms, .max_backoff = 300ms};
  const std::chrono::microseconds most[] = {100ms, 200ms, 300ms, 300ms};
  for (std::uint32_t attempt = 1; attempt <= 4; ++attempt) {
    const auto wait = flow::wait_after(rule, attempt, 7);
    REQUIRE(wait);
    CHECK(*wait >= most[attempt - 1] / 2);
    CHECK(*wait <= most[attempt - 1]);
    CHECK(flow::wait_after(rule, attempt, 7) == wait);
  }
  CHECK_FALSE(flow::wait_after(rule, 5, 7));
  CHECK_FALSE(flow::wait_after(retry_rule{.attempts = 0}, 1, 7));
}
