#include "engine/flow/credit.hpp"

#include <catch2/catch.hpp>

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
