#include "engine/component/retry.hpp"

#include <algorithm>

namespace sluice {

retry_rule retry_of(const options& own) {
  retry_rule made;
  if (!own.is_object() || !own.contains("retry")) return made;
  const auto& rule = own.at("retry");
  made.attempts = rule.value("attempts", made.attempts);
  made.backoff = std::chrono::microseconds(rule.value("backoff", std::int64_t{made.backoff.count()}));
  made.max_backoff = std::chrono::microseconds(rule.value("max_backoff", std::int64_t{made.max_backoff.count()}));
  return made;
}

options retry_to_options(const retry_rule& rule) {
  return {{"attempts", rule.attempts},
          {"backoff", std::int64_t{rule.backoff.count()}},
          {"max_backoff", std::int64_t{rule.max_backoff.count()}}};
}

std::optional<std::chrono::microseconds> backoff::next() {
  if (tried_ >= rule_.attempts) return {};
  auto wait = std::min(rule_.backoff, rule_.max_backoff);
  for (std::uint32_t at = 0; at < tried_ && wait < rule_.max_backoff; ++at)
    wait = std::min(wait * 2, rule_.max_backoff);
  ++tried_;
  // splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)
  auto mixed = random_ += 0x9E3779B97F4A7C15U;
  mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
  mixed ^= mixed >> 31U;
  const auto half = wait / 2;
  return half +
         std::chrono::microseconds(
             half.count() == 0 ? 0 : static_cast<std::int64_t>(mixed % static_cast<std::uint64_t>(half.count() + 1)));
}

}  // namespace sluice
