#include "app/text.hpp"

#include <catch2/catch.hpp>

namespace sluice::app {

TEST_CASE("numbers are written for people", "[text]") {
  CHECK(thousands(0) == "0");
  CHECK(thousands(999) == "999");
  CHECK(thousands(1000) == "1,000");
  CHECK(thousands(336776) == "336,776");
  CHECK(thousands(18446744073709551615U) == "18,446,744,073,709,551,615");
  CHECK(rate_text(812) == "812/s");
  CHECK(rate_text(24'310) == "24.3k/s");
  CHECK(rate_text(999'600) == "1.00M/s");
  CHECK(rate_text(1'214'000) == "1.21M/s");
  CHECK(rate_text(121'400'000) == "121M/s");
  CHECK(bytes_text(512) == "512 B");
  CHECK(bytes_text(3'500) == "3.4 KiB");
  CHECK(bytes_text(222'298'112) == "212 MiB");
  CHECK(duration_text(0.0421) == "0.042 s");
  CHECK(duration_text(12.34) == "12.3 s");
  CHECK(duration_text(245) == "4 min 05 s");
  CHECK(duration_text(7400) == "2 h 03 min");
  CHECK(clock_text(2.1) == "3 s");
  CHECK(clock_text(65) == "1:05");
  CHECK(clock_text(7390) == "2:03:10");
}

TEST_CASE("a bar is exactly as wide as it is told", "[text]") {
  for (const double share : {-1.0, 0.0, 0.01, 0.33, 0.5, 0.999, 1.0, 7.0}) {
    CHECK(display_width(bar(share, 20, true)) == 20);
    CHECK(bar(share, 20, false).size() == 20);
  }
  CHECK(bar(0.5, 4, false) == "##..");
  CHECK(bar(0.5, 3, true) == "█▌ ");
  CHECK(bar(0.5, 0, true).empty());
}

TEST_CASE("text takes the columns that a terminal gives it", "[text]") {
  CHECK(display_width("flights") == 7);
  CHECK(display_width("Zürich") == 6);
  CHECK(display_width("東京") == 4);
  CHECK(display_width("e\xcc\x81") == 1);
  CHECK(display_width("\xff\xfe") == 2);
  CHECK(fit("flights", 7, true) == "flights");
  CHECK(fit("flights", 5, true) == "flig…");
  CHECK(fit("東京都", 4, true) == "東…");
  CHECK(fit("flights", 5, false) == "flig.");
  CHECK(fit("flights", 0, true).empty());
}

TEST_CASE("data can't move the cursor", "[text]") {
  CHECK(printable("a\x1b[2Jb\r\n\tc\x7f") == "a\\x1b[2Jb\\r\\n\\tc\\x7f");
  CHECK(printable("Zürich") == "Zürich");
  CHECK(printable("a\xff") == "a\xef\xbf\xbd");
  CHECK(printable("\xc2\x9b") == "\\x9b");
}

}  // namespace sluice::app
