#include "engine/flow/credit.hpp"
#include "engine/flow/receive_budget.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <random>
#include <vector>

using sluice::flow::credit_limits;
using sluice::flow::credit_window;
using sluice::flow::share_credit;

TEST_CASE("an empty channel accepts one batch whatever its size") {
  credit_window window(credit_limits{.rows = 10, .bytes = 100, .markers = 2});
  CHECK(window.accepts(1'000'000, 1'000'000));
  window.sent(1'000'000, 1'000'000);
  CHECK_FALSE(window.accepts(1, 1));
  CHECK(window.returned(1'000'000, 0));
  CHECK(window.accepts(1'000'000, 1));
}

TEST_CASE("rows, bytes and markers on their way stay within the limits") {
  credit_window window(credit_limits{.rows = 10, .bytes = 100, .markers = 2});
  window.sent(5, 10);
  CHECK(window.accepts(5, 90));
  CHECK_FALSE(window.accepts(6, 10));
  CHECK_FALSE(window.accepts(1, 91));
  CHECK(window.accepts(0, 0));
  window.sent(0, 0);
  window.sent(0, 0);
  CHECK_FALSE(window.accepts(0, 0));
  CHECK(window.returned(0, 1));
  CHECK(window.accepts(0, 0));
}

TEST_CASE("bytes come back when the last row of their batch does, however a link cut it") {
  credit_window window(credit_limits{.rows = 100, .bytes = 100, .markers = 2});
  window.sent(10, 60);
  window.sent(10, 40);
  CHECK(window.returned(4, 0));
  CHECK_FALSE(window.accepts(1, 1));  // all 100 bytes are on their way
  CHECK(window.returned(8, 0));
  CHECK(window.accepts(92, 60));  // 8 rows and 40 bytes still are
  CHECK_FALSE(window.accepts(93, 60));
  CHECK_FALSE(window.accepts(92, 61));
}

TEST_CASE("more credit than was spent is refused") {
  credit_window window(credit_limits{.rows = 10, .bytes = 10, .markers = 2});
  window.sent(3, 3);
  CHECK_FALSE(window.returned(4, 0));
  CHECK_FALSE(window.returned(1, 1));
  CHECK_FALSE(window.returned(-1, 0));
  CHECK(window.accepts(7, 7));  // what was refused has changed nothing
  CHECK_FALSE(window.accepts(8, 7));
}

TEST_CASE("many channels share what may be on their way, down to a least for each") {
  constexpr std::int64_t mebibyte = 1024 * 1024;
  const credit_limits usual;
  CHECK(share_credit(usual, 64 * mebibyte, 2).bytes == usual.bytes);
  CHECK(share_credit(usual, 64 * mebibyte, 64).bytes == mebibyte);
  CHECK(share_credit(usual, 64 * mebibyte, 10'000).bytes == mebibyte / 4);
  CHECK(share_credit({.rows = 1, .bytes = 1, .markers = 1}, mebibyte, 1).bytes == 1);
  CHECK(share_credit(usual, 0, 0).bytes == mebibyte / 4);
}

namespace {

using sluice::flow::receive_budget;

/// A sender as it goes by what it was told, which it hears late.
struct sender {
  std::uint64_t channel = 0;
  std::int64_t sent = 0;  // a row is a byte
  std::int64_t window = 0;
  std::int64_t known = 0;
  std::deque<std::int64_t> on_the_way = {};
  std::deque<std::int64_t> here = {};
  std::deque<receive_budget::window> told = {};
};

}  // namespace

TEST_CASE("channels of a node never have more than its budget here, and each can always go on") {
  const receive_budget::limits limits{.bytes = 10'000, .least = 100, .most = 2'000};
  std::mt19937 random(7);
  receive_budget all(limits);
  std::vector<sender> senders(64);
  for (auto& one : senders) one = {.channel = all.open(), .window = limits.least};
  std::int64_t most_of_one = 0;
  for (int step = 0; step < 100'000; ++step) {
    // At first a few are busy, then all of them, then others.
    const auto busy = step < 20'000 ? 4U : step < 60'000 ? 64U : 16U;
    auto& one = senders[(random() % busy + (step < 60'000 ? 0U : 48U)) % 64];
    switch (random() % 4) {
      case 0: {
        const auto size = static_cast<std::int64_t>(1 + random() % 100);
        if (one.sent - one.known + size > one.window && one.sent != one.known) break;
        one.sent += size;
        one.on_the_way.push_back(size);
        break;
      }
      case 1:
        if (one.on_the_way.empty()) break;
        all.arrived(one.channel, one.on_the_way.front(), one.on_the_way.front());
        one.here.push_back(one.on_the_way.front());
        one.on_the_way.pop_front();
        break;
      case 2:
        if (one.here.empty()) break;
        if (const auto window = all.worked_off(one.channel, one.here.front())) one.told.push_back(*window);
        one.here.pop_front();
        break;
      default:
        if (one.told.empty()) break;
        one.known = static_cast<std::int64_t>(one.told.front().rows);
        one.window = one.told.front().bytes;
        most_of_one = std::max(most_of_one, one.window);
        one.told.pop_front();
    }
    REQUIRE(all.held() <= limits.bytes);
    REQUIRE(one.window >= limits.least);
  }
  CHECK(most_of_one > 5 * limits.least);
  // Whoever has nothing here and has heard all may send.
  for (auto& one : senders) {
    while (!one.on_the_way.empty()) {
      all.arrived(one.channel, one.on_the_way.front(), one.on_the_way.front());
      one.here.push_back(one.on_the_way.front());
      one.on_the_way.pop_front();
    }
    for (const auto size : one.here)
      if (const auto window = all.worked_off(one.channel, size)) one.told.push_back(*window);
    if (!one.told.empty()) one.known = static_cast<std::int64_t>(one.told.back().rows);
    CHECK(one.sent == one.known);
    all.close(one.channel);
  }
  CHECK(all.held() == 0);
  CHECK(all.channels() == 0);
}

TEST_CASE("a batch larger than the window of its channel counts until it is worked off") {
  receive_budget all({.bytes = 1'000, .least = 100, .most = 500});
  const auto large = all.open();
  const auto other = all.open();
  all.arrived(large, 10, 900);
  all.arrived(other, 50, 50);
  const auto told = all.worked_off(other, 50);
  REQUIRE(told);
  CHECK(told->bytes == 100);  // nothing is left to share
  REQUIRE(all.worked_off(large, 10));
  all.arrived(other, 50, 50);
  CHECK(all.worked_off(other, 50)->bytes == 200);
}
