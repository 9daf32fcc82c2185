#include "engine/plan/spilling.hpp"

#include "engine/component/retry.hpp"
#include "engine/error/remarks.hpp"
#include "engine/sinks/when_down/rule.hpp"
#include "engine/sinks/when_down/spilling_sink.hpp"

#include <arrow/scalar.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>

namespace sluice {

namespace {

std::string log_folder(const planned_unit& unit, const run_context& context) {
  std::string params;
  for (const auto& [name, value] : context.params) params += name + '=' + (value ? value->ToString() : "") + '\n';
  const auto base = std::filesystem::path(context.spill_folder).parent_path() / "when_down" / context.pipeline;
  return base / (unit.definition.name + "-" + std::to_string(XXH3_64bits(params.data(), params.size())));
}

std::string target_of(const unit_definition& unit) {
  const auto table = unit.own.value("table", std::string());
  return unit.component + (table.empty() ? "" : ":" + table);
}

}  // namespace

result<std::unique_ptr<sink>> make_spilling_sink(const planned_unit& unit, const run_context& context,
                                                 make_unit_sink make) {
  if (context.spill_folder.empty())
    return internal_error("no_spill_folder", "the run has no folder in which rows could wait");
  when_down::spill_rule rule{.most_bytes = when_down::spill_of(unit.definition.own).value_or(0),
                             .retry = retry_of(unit.definition.own),
                             .folder = log_folder(unit, context),
                             .target = target_of(unit.definition),
                             .run = context.run_id,
                             .continues = unit.continues,
                             .unit = unit.definition.name};
  // The log tries again by itself.
  auto loads = unit;
  auto once = rule.retry;
  once.attempts = 0;
  loads.definition.own["retry"] = retry_to_options(once);
  auto own_context = std::make_shared<run_context>(context);
  return when_down::make_spilling_sink(
      std::move(rule),
      [loads = std::move(loads), own_context, make](const std::string& run,
                                                    bool goes_on) mutable -> result<std::unique_ptr<sink>> {
        own_context->run_id = run;
        auto one = loads;
        if (goes_on) one.continues = run;
        diagnostics faults;
        auto made = make(one, *own_context, faults);
        const auto first = std::find_if_not(faults.begin(), faults.end(), is_remark);
        if (first != faults.end()) return *first;
        return made;
      });
}

}  // namespace sluice
