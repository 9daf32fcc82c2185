#include "config/when_down_reader.hpp"

#include "engine/component/spec.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/sinks/when_down/rule.hpp"
#include "engine/values/quantities.hpp"

#include <algorithm>

namespace sluice::config {

namespace {

constexpr std::uint32_t for_ever = 1'000'000;

void read_spill(const reading& in, const node& value, unit_definition& unit) {
  static const field_spec form{.form = shape::object,
                               .elements = {{.name = "spill", .form = shape::size, .required = true}}};
  const auto read = read_options(in, value, form, "when_down");
  if (!read || !unit.own.is_object()) return;
  const auto& given = (*read)["spill"];
  const auto bytes =
      given.is_string() ? parse_size(given.get<std::string>()) : result<std::int64_t>(given.get<std::int64_t>());
  if (!bytes.ok() || *bytes <= 0) {
    in.fault(value, "invalid_value", "spill must be a size, the most that the rows may take on disk",
             "when_down: { spill: 2GiB }");
    return;
  }
  when_down::set_spill(unit.own, *bytes);
  if (unit.policy && *unit.policy != on_error::fail)
    in.fault(value, "invalid_value",
             "rows that wait on disk for their target can't be rejected or changed later, so when_down: { spill } and "
             "on_error can't be had together",
             "remove on_error, and check the rows in a unit before (validate)");
  if (unit.parallelism.value_or(1) > 1)
    in.fault(value, "invalid_value", "when_down: { spill } keeps the rows of one instance", "remove parallelism");
}

}  // namespace

void read_when_down(const reading& in, const node& value, unit_definition& unit, retry_rule& retry) {
  const auto is_among = [&](const auto& known) {
    return std::find(known.begin(), known.end(), unit.component) != known.end();
  };
  if (value.is_map()) {
    if (is_among(when_down::spilling_sinks)) return read_spill(in, value, unit);
  } else {
    const auto word = read_choice(in, value, "when_down", {"block", "fail"});
    if (!word || *word == "fail") return;
    retry.attempts = for_ever;
    if (is_among(when_down::waiting_sinks)) return;
  }
  in.fault(value, "not_supported_yet",
           "when_down" + std::string(value.is_map() ? ": { spill }" : "") + " of " + unit.component +
               " is not supported yet",
           not_yet_hint("when_down"));
}

}  // namespace sluice::config
