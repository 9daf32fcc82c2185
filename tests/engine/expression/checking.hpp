#pragma once

#include "tests/engine/expression/evaluating.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace sluice::expression::testing {

/// An expression without columns and its value, as value_of shows it.
struct expected {
  std::string text;
  std::string value;
};

inline void check_all(const std::vector<expected>& all) {
  for (const auto& each : all) {
    INFO(each.text);
    CHECK(value_of(each.text) == each.value);
  }
}

/// Sets the run's time zone for a test.
class in_zone {
 public:
  explicit in_zone(const std::string& name) : before_(context().timezone) { context().timezone = name; }
  ~in_zone() { context().timezone = before_; }
  in_zone(const in_zone&) = delete;
  in_zone& operator=(const in_zone&) = delete;

 private:
  std::string before_;
};

}  // namespace sluice::expression::testing
