#include "config/retry_reader.hpp"

#include "config/option_reader.hpp"
#include "engine/component/spec.hpp"
#include "engine/values/quantities.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::config {

void read_retry(const reading& in, const node& value, retry_rule& into) {
  static const field_spec form{.form = shape::object,
                               .elements = {{.name = "attempts", .form = shape::integer},
                                            {.name = "backoff", .form = shape::duration},
                                            {.name = "max_backoff", .form = shape::duration}}};
  const auto read = read_options(in, value, form, "retry");
  if (!read) return;
  const auto time_of = [&](const char* name, std::chrono::microseconds& time) {
    if (const auto found = read->find(name); found != read->end())
      if (const auto parsed = parse_duration(found->text()); parsed.ok()) time = std::chrono::microseconds(*parsed);
  };
  time_of("backoff", into.backoff);
  time_of("max_backoff", into.max_backoff);
  constexpr std::int64_t most = 1'000'000;
  const auto attempts = read->value("attempts", std::int64_t{into.attempts});
  if (attempts < 0 || attempts > most)
    in.fault(*value.find("attempts"), "invalid_value",
             "attempts of retry must be between 0 and " + std::to_string(most) + ", found " + std::to_string(attempts));
  else
    into.attempts = static_cast<std::uint32_t>(attempts);
  if (into.backoff <= into.max_backoff) return;
  // The longer one is meant to hold where only one of them is given.
  if (value.find("backoff") != nullptr && value.find("max_backoff") != nullptr)
    in.fault(*value.find("max_backoff"), "invalid_value", "max_backoff of retry must not be below backoff",
             "retry: { attempts: 5, backoff: 1s, max_backoff: 1m }");
  else if (value.find("backoff") != nullptr)
    into.max_backoff = into.backoff;
  else
    into.backoff = into.max_backoff;
}

}  // namespace sluice::config
